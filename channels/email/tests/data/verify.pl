# Verifies the mail on standard input by Mail::DKIM, with a public key in place of DNS: verify.pl PUBLIC.pem
# NAME, where NAME is the only one that may be asked for.
use strict;
use warnings;
use Mail::DKIM::Verifier;
use Net::DNS;

my ($file, $known) = @ARGV;
open my $lines, '<', $file or die "$file: $!";
my $key = join '', map { /-----/ ? () : s/\s+//gr } <$lines>;
{
    no warnings 'redefine';
    *Mail::DKIM::DNS::query = sub {
        my ($name) = @_;
        return if $name =~ /^_adsp|^_policy|^_dmarc/;
        die "asked for $name" if $name ne $known;
        # A string of a TXT record has 255 bytes at the most.
        my @strings = unpack '(A200)*', "v=DKIM1; k=rsa; p=$key";
        return Net::DNS::RR->new(name => $name, type => 'TXT', txtdata => \@strings);
    };
}
my $verifier = Mail::DKIM::Verifier->new;
while (my $line = <STDIN>) {
    $line =~ s/\r?\n\z//;
    $verifier->PRINT("$line\r\n");
}
$verifier->CLOSE;
print $verifier->result eq 'pass' ? "good\n" : "bad\n";

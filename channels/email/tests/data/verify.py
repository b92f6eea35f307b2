"""Verifies the mail on standard input by dkimpy, with a public key in place of DNS: verify.py PUBLIC.pem NAME,
where NAME is the only one that may be asked for."""

import sys

import dkim

key = "".join(line for line in open(sys.argv[1]).read().split("\n") if "-" * 5 not in line)
asked = []


def dns(name, timeout=5):
    asked.append(name.decode().rstrip("."))
    return ("v=DKIM1; k=rsa; p=" + key).encode()


good = dkim.verify(sys.stdin.buffer.read(), dnsfunc=dns)
assert asked == [sys.argv[2]], asked
print("good" if good else "bad")

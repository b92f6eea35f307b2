//! The mailbox for bounces against a server that follows a script. A real one, Dovecot, is asked in
//! `tests/channels.rs` of the daemon.

#![expect(
    clippy::disallowed_methods,
    reason = "the counterpart of a test runs beside it"
)]

use std::{
    sync::{Arc, Mutex},
    time::Duration,
};

use tokio::{
    io::{AsyncBufReadExt, AsyncWriteExt, BufReader},
    net::{TcpListener, TcpStream},
    sync::Notify,
};
use vestnik_email::{
    Trust,
    mailbox::{Mailbox, MailboxError, Position},
};

/// A mailbox with these mails; the first has the number 11.
#[derive(Clone, Default)]
struct Server {
    mails: Arc<Mutex<Vec<String>>>,
    came: Arc<Notify>,
    without_idle: bool,
}

impl Server {
    fn bring(&self, mail: &str) {
        self.mails.lock().expect("the mails").push(mail.into());
        self.came.notify_one();
    }

    fn mail(&self, uid: usize) -> Option<String> {
        let mails = self.mails.lock().expect("the mails");
        mails.get(uid.checked_sub(11)?).cloned()
    }

    fn last(&self) -> usize {
        self.mails.lock().expect("the mails").len() + 10
    }

    async fn start(&self) -> Mailbox {
        self.start_as("secret").await
    }

    async fn start_as(&self, password: &str) -> Mailbox {
        let listener = TcpListener::bind("127.0.0.1:0").await.expect("a port");
        let port = listener.local_addr().expect("an address").port();
        let server = self.clone();
        tokio::spawn(async move {
            while let Ok((stream, _)) = listener.accept().await {
                let server = server.clone();
                tokio::spawn(async move { server.session(stream).await });
            }
        });
        let url = format!("imap://bounces@127.0.0.1:{port}");
        Mailbox::new(&url, Some(password), Trust::default()).expect("a mailbox")
    }

    async fn session(&self, stream: TcpStream) -> Option<()> {
        let mut stream = BufReader::new(stream);
        stream.write_all(b"* OK ready\r\n").await.ok()?;
        loop {
            let mut line = String::new();
            if stream.read_line(&mut line).await.ok()? == 0 {
                return None;
            }
            let line = line.trim_end();
            let (tag, rest) = line.split_once(' ')?;
            let words: Vec<&str> = rest.split(' ').collect();
            let mut answer = match words.as_slice() {
                ["LOGIN", _, password] if !password.contains("secret") => {
                    format!("{tag} NO [AUTHENTICATIONFAILED] wrong\r\n")
                }
                ["CAPABILITY"] => {
                    let idle = if self.without_idle { "" } else { " IDLE" };
                    format!("* CAPABILITY IMAP4rev1{idle}\r\n")
                }
                ["SELECT", _] => "* 2 EXISTS\r\n* OK [UIDVALIDITY 77] valid\r\n".into(),
                ["UID", "SEARCH", "UID", range] => {
                    let first: usize = range.split(':').next()?.parse().ok()?;
                    // RFC 3501 §6.4.8: «n:*» always names the last one.
                    let found: Vec<String> = (11..=self.last())
                        .filter(|uid| *uid >= first || *uid == self.last())
                        .map(|uid| uid.to_string())
                        .collect();
                    format!("* SEARCH {}\r\n", found.join(" "))
                }
                ["UID", "FETCH", uid, what @ ..] => {
                    assert_eq!(what, ["(UID", "BODY.PEEK[]<0.262144>)"]);
                    let mail = self.mail(uid.parse().ok()?)?;
                    let size = mail.len();
                    format!("* 1 FETCH (UID {uid} BODY[]<0> {{{size}}}\r\n{mail})\r\n")
                }
                ["IDLE"] => {
                    stream.write_all(b"+ idling\r\n").await.ok()?;
                    self.came.notified().await;
                    if self.mails.lock().expect("the mails").last()? == "hang up" {
                        return None;
                    }
                    stream.write_all(b"* 3 EXISTS\r\n").await.ok()?;
                    let mut done = String::new();
                    stream.read_line(&mut done).await.ok()?;
                    assert_eq!(done.trim_end(), "DONE");
                    String::new()
                }
                _ => String::new(),
            };
            if !answer.contains(&format!("{tag} NO")) {
                answer = format!("{answer}{tag} OK done\r\n");
            }
            stream.write_all(answer.as_bytes()).await.ok()?;
        }
    }
}

const LONG: Duration = Duration::from_secs(20);

#[tokio::test]
async fn what_came_is_read_once_and_what_comes_wakes_the_reader() {
    let server = Server::default();
    server.bring("Subject: one\r\n\r\n1");
    server.bring("Subject: two\r\n\r\n2");
    server.came.notified().await;
    let mut open = server.start().await.open().await.expect("it opens");
    let mails = open.after(Position::default()).await.expect("mails");
    let read: Vec<_> = mails.iter().map(|mail| mail.position.last).collect();
    assert_eq!(read, [11, 12]);
    assert_eq!(mails[1].raw, b"Subject: two\r\n\r\n2");
    let position = mails[1].position;
    assert_eq!(position.validity, 77);
    assert!(open.after(position).await.expect("none").is_empty());
    let third = async {
        server.bring("Subject: three\r\n\r\n3");
    };
    let (woken, ()) = tokio::join!(open.wait(LONG, LONG), third);
    woken.expect("it wakes");
    let mails = open.after(position).await.expect("mails");
    assert_eq!(mails.len(), 1);
    // Numbers that were given anew begin from the beginning.
    let other = Position {
        validity: 76,
        last: 13,
    };
    assert_eq!(open.after(other).await.expect("mails").len(), 3);
    open.close().await;
}

#[tokio::test]
async fn a_connection_that_breaks_is_told_and_a_wrong_password_too() {
    let server = Server::default();
    server.bring("Subject: one\r\n\r\n1");
    server.came.notified().await;
    let mailbox = server.start().await;
    let mut open = mailbox.open().await.expect("it opens");
    let breaks = async {
        server.bring("hang up");
    };
    let (broken, ()) = tokio::join!(open.wait(LONG, LONG), breaks);
    assert!(
        matches!(broken, Err(MailboxError::Unreachable)),
        "{broken:?}"
    );
    assert!(open.after(Position::default()).await.is_err());
    let mut again = mailbox.open().await.expect("it opens again");
    assert!(again.after(Position::default()).await.is_ok());
    let wrong = server.start_as("guess").await.open().await;
    assert!(matches!(wrong, Err(MailboxError::Login)));
    let listener = TcpListener::bind("127.0.0.1:0").await.expect("a port");
    let url = format!(
        "imap://x:y@127.0.0.1:{}",
        listener.local_addr().expect("one").port()
    );
    drop(listener);
    let nobody = Mailbox::new(&url, None, Trust::default()).expect("a mailbox");
    assert!(matches!(
        nobody.open().await,
        Err(MailboxError::Unreachable)
    ));
}

#[tokio::test]
async fn without_idle_the_mailbox_is_looked_at_from_time_to_time() {
    let server = Server {
        without_idle: true,
        ..Server::default()
    };
    server.bring("Subject: one\r\n\r\n1");
    let mut open = server.start().await.open().await.expect("it opens");
    open.wait(LONG, Duration::from_millis(10))
        .await
        .expect("it looks");
    assert_eq!(
        open.after(Position::default()).await.expect("mails").len(),
        1
    );
}

//! Kannel of Debian, started beside a test on free ports.

use std::{
    env, fs,
    net::{SocketAddr, TcpStream as Probe},
    path::{Path, PathBuf},
    process::{Child, Command, Stdio},
    time::Duration,
};

use tokio::{
    io::{AsyncReadExt, AsyncWriteExt},
    net::TcpListener,
};
use vestnik_smpp::sandbox::SYSTEM_ID;

use crate::support;

/// A gateway that runs as long as the test.
pub(crate) struct Kannel {
    folder: PathBuf,
    admin: u16,
    /// Where it takes messages over HTTP.
    pub(crate) http: u16,
    /// The box that bears, and the one that speaks HTTP.
    pub(crate) boxes: Vec<Child>,
}

impl Drop for Kannel {
    fn drop(&mut self) {
        for child in &mut self.boxes {
            let _ = child.kill();
            let _ = child.wait();
        }
        let _ = fs::remove_dir_all(&self.folder);
    }
}

impl Kannel {
    /// Starts both programs and waits until they answer and are bound to the centre. `kept` has it keep what it
    /// took in files.
    pub(crate) async fn start(centre: SocketAddr, password: &str, kept: bool) -> Self {
        let [admin, inner, http] = [free().await, free().await, free().await];
        let folder = env::temp_dir().join(format!("vestnik-kannel-{}-{http}", std::process::id()));
        fs::create_dir_all(folder.join("spool")).expect("a folder");
        let file = folder.join("kannel.conf");
        let mut text = configuration(&folder, [admin, inner, http], centre, password);
        if !kept {
            text = text
                .replace("store-type", "# store-type")
                .replace("store-location", "# store-location");
        }
        fs::write(&file, text).expect("a file");
        let mut kannel = Self {
            folder,
            admin,
            http,
            boxes: Vec::new(),
        };
        kannel.run("bearerbox", &file);
        kannel.answers(inner).await;
        kannel.run("smsbox", &file);
        kannel.answers(http).await;
        kannel.bound(true).await;
        kannel
    }

    /// Waits until it is bound to the centre, or no more.
    pub(crate) async fn bound(&self, bound: bool) {
        for _ in 0..500 {
            if self.ask("status.txt?").await.contains("(online") == bound {
                return;
            }
            support::wait(Duration::from_millis(20)).await;
        }
        panic!("the line of Kannel: {}", self.ask("status.txt?").await);
    }

    fn run(&mut self, program: &str, file: &Path) {
        let output =
            || fs::File::create(self.folder.join(format!("{program}.out"))).expect("a file");
        let child = Command::new(format!("/usr/sbin/{program}"))
            .arg(file)
            .stdin(Stdio::null())
            .stdout(output())
            .stderr(output())
            .spawn()
            .expect("Debian's package kannel");
        self.boxes.push(child);
    }

    async fn answers(&self, port: u16) {
        support::until("Kannel answers", || {
            Probe::connect(("127.0.0.1", port)).is_ok()
        })
        .await;
    }

    /// What the page of its administrator says.
    pub(crate) async fn ask(&self, what: &str) -> String {
        let request = format!("GET /{what}&password=admin HTTP/1.0\r\n\r\n");
        let mut stream = tokio::net::TcpStream::connect(("127.0.0.1", self.admin))
            .await
            .expect("bearerbox");
        stream.write_all(request.as_bytes()).await.expect("asked");
        let mut answer = String::new();
        let _ = stream.read_to_string(&mut answer).await;
        answer
    }

    /// Lets the box that speaks HTTP hold its breath, or go on.
    pub(crate) fn signal(&self, signal: &str) {
        let pid = self.boxes[1].id().to_string();
        let status = Command::new("kill").args([signal, &pid]).status();
        assert!(status.is_ok_and(|status| status.success()));
    }
}

/// A port that nobody has.
async fn free() -> u16 {
    let listener = TcpListener::bind("127.0.0.1:0").await.expect("a port");
    listener.local_addr().expect("an address").port()
}

fn configuration(
    folder: &Path,
    [admin, inner, http]: [u16; 3],
    centre: SocketAddr,
    password: &str,
) -> String {
    let (folder, host, port) = (folder.display(), centre.ip(), centre.port());
    format!(
        "group = core
admin-port = {admin}
admin-interface = 127.0.0.1
admin-password = admin
smsbox-port = {inner}
smsbox-interface = 127.0.0.1
box-allow-ip = \"127.0.0.1\"
log-file = \"{folder}/bearerbox.log\"
store-type = spool
store-location = \"{folder}/spool\"
dlr-storage = internal
sms-resend-freq = 1
sms-resend-retry = 3

group = smsc
smsc = smpp
smsc-id = centre
host = {host}
port = {port}
transceiver-mode = true
smsc-username = {SYSTEM_ID}
smsc-password = {password}
system-type = \"\"
interface-version = 34
reconnect-delay = 1
wait-ack = 4
enquire-link-interval = 2

group = smsbox
bearerbox-host = 127.0.0.1
bearerbox-port = {inner}
sendsms-port = {http}
sendsms-interface = 127.0.0.1
log-file = \"{folder}/smsbox.log\"

group = sendsms-user
username = daemon
password = s3cret
max-messages = 10
concatenation = true

group = sms-service
keyword = default
text = \"\"
max-messages = 0
"
    )
}

//! Faults by `falaj-testnet fault` on the running network of a test: what the command says, and that the validator suffers it.

use falaj_testnet::network::NETWORK_FILE;
use serde_json::json;
use std::collections::BTreeMap;
use std::ffi::OsString;
use std::io::{ErrorKind, Read as _, Write as _};
use std::net::{SocketAddr, TcpStream};
use std::path::Path;

use crate::payments::Payments;
use crate::programs::{run, text};
use crate::stage::{DEADLINE, Stage, until_it};

/// Runs the command for a validator, and sees that it says what it did, and to which process.
pub(crate) async fn fault(stage: &Stage, fault: &str, index: usize) {
    let network = stage.cluster.network().expect("a running network");
    let file = stage.cluster.folder().join(NETWORK_FILE);
    network.write(&file).expect("a file");
    let number = index.to_string();
    let whom = ["--validator", &number, "--json", "--network"];
    let done = run(&[&["fault", fault][..], &whom, &[text(&file)]].concat()).await;
    assert_eq!(done.code, Some(0), "{} {}", done.printed, done.said);
    let entry = &network.validators[index];
    let pid = (!fault.starts_with("hsm")).then_some(entry.pid);
    let said = json!({"fault": fault, "index": index, "name": entry.name, "pid": pid});
    assert_eq!(done.lines, [said]);
}

/// A paused validator answers nobody and writes nothing, while the others go on; once it is resumed it answers what it was asked meanwhile,
/// and catches up.
pub(crate) async fn paused_and_back(stage: &Stage, payments: &Payments, index: usize) {
    let entry = &stage.seen.network.validators[index];
    let address = entry.api_address().expect("an address");
    let blocks = || contents(&entry.home.join("data/block"));
    fault(stage, "pause", index).await;
    until_it("every thread of it is stopped", || is_stopped(entry.pid)).await;
    let (asked, before) = (Asked::livez(address), blocks());
    payments.settle_more().await;
    assert!(asked.is_unanswered(), "a paused process answers");
    assert_eq!(blocks(), before, "a paused process writes");
    fault(stage, "resume", index).await;
    asked.answer();
    stage.seen.catches_up(index).await;
    stage.seen.says(index, "/livez", true).await;
    stage.seen.votes(index).await;
}

/// Whether the system says that every thread of a process is stopped.
fn is_stopped(pid: u32) -> bool {
    let threads = std::fs::read_dir(format!("/proc/{pid}/task")).expect("a process");
    let mut states = threads.map(|thread| {
        let stat = std::fs::read_to_string(thread.expect("a thread").path().join("stat"));
        // One that ended in between was not stopped.
        let stat = stat.unwrap_or_else(|_| "(ended) X".to_owned());
        // The name of the thread, which may hold anything, is in brackets; its state follows.
        let (_, state) = stat.rsplit_once(") ").expect("a state after the name");
        state.starts_with('T')
    });
    states.all(|stopped| stopped)
}

/// The files of a log, by name.
fn contents(folder: &Path) -> BTreeMap<OsString, Vec<u8>> {
    let files = std::fs::read_dir(folder).expect("a log");
    files
        .map(|file| {
            let file = file.expect("a file of the log");
            (
                file.file_name(),
                std::fs::read(file.path()).expect("readable"),
            )
        })
        .collect()
}

/// A request on a connection of its own; the system takes both for a process that is paused.
struct Asked(TcpStream);

impl Asked {
    fn livez(address: SocketAddr) -> Self {
        let mut stream = TcpStream::connect(address).expect("a socket that listens");
        stream
            .write_all(b"GET /livez HTTP/1.1\r\nhost: localhost\r\nconnection: close\r\n\r\n")
            .expect("the system takes the request");
        Self(stream)
    }

    fn is_unanswered(&self) -> bool {
        self.0.set_nonblocking(true).expect("a socket");
        let read = self.0.peek(&mut [0]);
        matches!(read, Err(error) if error.kind() == ErrorKind::WouldBlock)
    }

    /// Waits for the answer. It may be that the loop was not alive, which by then it is again.
    fn answer(mut self) {
        self.0.set_nonblocking(false).expect("a socket");
        self.0.set_read_timeout(Some(DEADLINE)).expect("a socket");
        let mut answer = String::new();
        self.0.read_to_string(&mut answer).expect("an answer");
        assert!(answer.starts_with("HTTP/1.1 "), "{answer}");
    }
}

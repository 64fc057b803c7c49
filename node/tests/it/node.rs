//! A network of one validator with a software key, made and run by the program itself, and the keys of its participants.

use data_encoding::HEXLOWER;
use falaj_consensus::crypto::{Algorithm, PublicKey};
use falaj_ledger::genesis::Genesis;
use falaj_ledger::participant::ParticipantNumber;
use falaj_ledger::testing::{self, BANK_A, BANK_B, Who};
use serde_json::{Value, json};
use std::fs::Permissions;
use std::io::{BufRead as _, BufReader, Read as _, Write as _};
use std::net::TcpStream;
use std::os::unix::fs::PermissionsExt as _;
use std::path::{Path, PathBuf};
use std::process::{Child, Stdio};
use std::thread::JoinHandle;

use crate::program::{Said, command, falaj};

/// The running node.
pub(crate) struct Node {
    folder: tempfile::TempDir,
    child: Child,
    log: Option<JoinHandle<()>>,
}

impl Node {
    /// Makes and starts it; returns once it listens.
    pub(crate) fn start() -> Self {
        let folder = tempfile::tempdir().unwrap();
        make_home(folder.path());
        let (child, log) = run(&folder.path().join("home"));
        Self {
            folder,
            child,
            log: Some(log),
        }
    }

    /// Kills it as a power cut would.
    pub(crate) fn kill(&mut self) {
        self.child.kill().unwrap();
        self.child.wait().unwrap();
    }

    /// A path in the test's folder.
    pub(crate) fn path(&self, name: &str) -> PathBuf {
        self.folder.path().join(name)
    }

    /// The same as an argument.
    pub(crate) fn text(&self, name: &str) -> String {
        self.path(name).to_str().unwrap().to_owned()
    }

    /// The node's home as an argument.
    pub(crate) fn home(&self) -> String {
        self.text("home")
    }

    /// Runs the program in the node's home.
    pub(crate) fn falaj<'a>(&self, arguments: impl IntoIterator<Item = &'a str>) -> Said {
        let arguments = arguments.into_iter().map(str::to_owned);
        falaj(arguments.chain(["--home".to_owned(), self.home()]))
    }

    /// The genesis of the chain.
    pub(crate) fn genesis(&self) -> Genesis {
        let text = std::fs::read_to_string(self.path("genesis.json")).unwrap();
        Genesis::from_json(&text).unwrap()
    }

    /// A key file of a participant or person, made as `falaj-testnet new` makes it.
    pub(crate) fn key(&self, participant: ParticipantNumber, who: Who) -> String {
        let (key, name) = (who.key(), format!("{who:?}.json"));
        let file = json!({
            "participant": participant.get(), "algorithm": "ed25519",
            "public_key": HEXLOWER.encode(key.public().bytes()), "seed": HEXLOWER.encode(&key.seed()),
        });
        let path = self.path(&name);
        std::fs::write(&path, file.to_string()).unwrap();
        std::fs::set_permissions(&path, Permissions::from_mode(0o600)).unwrap();
        self.text(&name)
    }

    /// The flags of a payment between the first customers of two banks, signed by the payer's bank.
    pub(crate) fn payment(&self, amount: &str) -> Vec<String> {
        let key = self.key(BANK_A, Who::Participant(BANK_A));
        let (debit, credit) = (of(BANK_A, 1), of(BANK_B, 1));
        let flags = [
            "tx",
            "transfer",
            "--debit",
            &debit,
            "--credit",
            &credit,
            "--currency",
            "AED",
            "--amount",
            amount,
            "--key",
            &key,
        ];
        flags.map(str::to_owned).to_vec()
    }

    /// Pays, waits until it is final, and gives what the program said.
    pub(crate) fn pay(&self, amount: &str) -> Value {
        let flags = self.payment(amount);
        self.falaj(flags.iter().map(String::as_str).chain(["--wait", "--json"]))
            .json(0)
    }

    /// What its API says at a path.
    pub(crate) fn get(&self, path: &str) -> Value {
        let running = std::fs::read(self.path("home/run.json")).unwrap();
        let running: Value = serde_json::from_slice(&running).unwrap();
        let mut stream = TcpStream::connect(running["api"].as_str().unwrap()).unwrap();
        let request =
            format!("GET {path} HTTP/1.1\r\nhost: localhost\r\nconnection: close\r\n\r\n");
        stream.write_all(request.as_bytes()).unwrap();
        let mut answer = String::new();
        stream.read_to_string(&mut answer).unwrap();
        let (head, body) = answer.split_once("\r\n\r\n").unwrap();
        assert!(head.starts_with("HTTP/1.1 200 "), "{answer}");
        serde_json::from_str(body).unwrap()
    }
}

impl Drop for Node {
    fn drop(&mut self) {
        // A node that was asked to stops when its input closes.
        drop(self.child.stdin.take());
        let _ = self.child.wait();
        drop(self.log.take().map(JoinHandle::join));
    }
}

/// The text form of an account of the test world.
pub(crate) fn of(participant: ParticipantNumber, number: u8) -> String {
    testing::account(participant, number).to_text(&testing::genesis().network)
}

fn make_home(folder: &Path) {
    let (home, genesis) = (folder.join("home"), folder.join("genesis.json"));
    let home = home.to_str().unwrap();
    let made = falaj([
        "init",
        "--home",
        home,
        "--validator",
        "1",
        "--signer",
        "software",
        "--development",
        "--json",
    ]);
    let made = made.json(0);
    let key = HEXLOWER
        .decode(made["public_key"].as_str().unwrap().as_bytes())
        .unwrap();
    let key = PublicKey::new(Algorithm::Ed25519, key).unwrap();
    std::fs::write(&genesis, testing::genesis_of_one(key).to_json()).unwrap();
    falaj([
        "init",
        "--home",
        home,
        "--genesis",
        genesis.to_str().unwrap(),
    ])
    .text();
}

/// Starts the node of a home, and reads its log until it says that it runs; a thread reads on, so that the node never waits for us.
pub(crate) fn run(home: &Path) -> (Child, JoinHandle<()>) {
    let mut child = command([
        "start",
        "--stop-with-stdin",
        "--home",
        home.to_str().unwrap(),
    ])
    .stdin(Stdio::piped())
    .stdout(Stdio::null())
    .stderr(Stdio::piped())
    .spawn()
    .unwrap();
    let mut log = BufReader::new(child.stderr.take().unwrap()).lines();
    let mut said = Vec::new();
    let runs = log.by_ref().map_while(Result::ok).any(|line| {
        let runs = line.contains("the node runs");
        said.push(line);
        runs
    });
    assert!(runs, "the node did not start:\n{}", said.join("\n"));
    let rest = std::thread::spawn(move || log.map_while(Result::ok).for_each(drop));
    (child, rest)
}

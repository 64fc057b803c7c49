//! `falaj-testnet` as a program: what it prints, and how it ends.

use falaj_testnet::events::height;
use falaj_testnet::load::addresses;
use falaj_testnet::network::Network;
use serde_json::Value;
use std::path::{Path, PathBuf};
use std::process::{Child, Command, Output, Stdio};
use tempfile::TempDir;

use crate::stage::{processes_of, temporary_folder, until, until_it};

/// What a command did.
pub(crate) struct Ended {
    pub(crate) code: Option<i32>,
    /// What it printed, one object a line.
    pub(crate) lines: Vec<Value>,
    /// What it printed.
    pub(crate) printed: String,
    /// What it said beside.
    pub(crate) said: String,
}

impl Ended {
    fn of(output: &Output) -> Self {
        let text = String::from_utf8_lossy(&output.stdout);
        let lines = text.lines().map(serde_json::from_str);
        Self {
            code: output.status.code(),
            lines: lines.filter_map(Result::ok).collect(),
            printed: text.clone().into_owned(),
            said: String::from_utf8_lossy(&output.stderr).into_owned(),
        }
    }

    /// The last line.
    pub(crate) fn last(&self) -> &Value {
        self.lines.last().unwrap_or(&Value::Null)
    }
}

/// The program, to be told what to do.
pub(crate) fn command(arguments: &[&str]) -> Command {
    let mut command = Command::new(env!("CARGO_BIN_EXE_falaj-testnet"));
    command.args(arguments).stdin(Stdio::null());
    command
}

/// Runs a command to its end, without a thread of the runtime.
pub(crate) async fn run(arguments: &[&str]) -> Ended {
    let mut command = command(arguments);
    let output = tokio::task::spawn_blocking(move || command.output()).await;
    Ended::of(&output.expect("a thread").expect("the program starts"))
}

/// A path as an argument.
pub(crate) fn text(path: &Path) -> &str {
    path.to_str().expect("a name of letters")
}

/// The flags of a small network.
pub(crate) const fn small(validators: &str) -> [&str; 6] {
    [
        "--signer",
        "software",
        "--validators",
        validators,
        "--customers",
        "1",
    ]
}

/// A network that `falaj-testnet up` runs; it ends with this, its folder after it.
pub(crate) struct Up {
    child: Child,
    folder: TempDir,
}

impl Up {
    /// Makes and runs a network, and waits until its `network.json` says that it is ready.
    pub(crate) async fn start(arguments: &[&str]) -> Self {
        let folder = temporary_folder();
        let mut command = command(&["up", "--dir", text(folder.path())]);
        command.args(arguments);
        Self::by(command, folder).await
    }

    /// The same by another command, which becomes `falaj-testnet up` on this folder.
    pub(crate) async fn by(command: Command, folder: TempDir) -> Self {
        let child = spawn(command);
        let mut up = Self { child, folder };
        let file = up.network_file();
        up.until_up("network.json is there", || file.exists()).await;
        up
    }

    /// Ends it as a power cut would.
    pub(crate) fn kill(&mut self) {
        self.child.kill().expect("it runs");
        self.child.wait().expect("it ends");
    }

    /// The same, and starts it again at once; its nodes may not have heard of it yet.
    pub(crate) async fn kill_and_start(&mut self) {
        let first_pid = |network: Network| network.validators[0].pid;
        let before = first_pid(self.network());
        self.kill();
        self.child = spawn(command(&["up", "--dir", text(self.folder())]));
        let file = self.network_file();
        self.until_up("another node runs", || {
            Network::read(&file).is_ok_and(|network| first_pid(network) != before)
        })
        .await;
    }

    async fn until_up(&mut self, what: &str, is_up: impl Fn() -> bool) {
        until_it(what, || {
            let ended = self.child.try_wait().expect("the system says");
            assert!(ended.is_none(), "up ended: {ended:?}");
            is_up()
        })
        .await;
    }

    /// What its `network.json` says.
    pub(crate) fn network(&self) -> Network {
        Network::read(&self.network_file()).expect("a network")
    }

    /// `falaj-testnet load` on it.
    pub(crate) async fn load(&self, more: &[&str]) -> Ended {
        let file = self.network_file();
        run(&[&["load", "--json", "--network", text(&file)], more].concat()).await
    }

    /// `falaj-testnet fault` on it.
    pub(crate) async fn fault(&self, fault: &str, index: &str) -> Ended {
        let file = self.network_file();
        let words = [
            "fault",
            fault,
            "--json",
            "--network",
            text(&file),
            "--validator",
            index,
        ];
        run(&words).await
    }

    pub(crate) fn pid(&self) -> u32 {
        self.child.id()
    }

    pub(crate) fn folder(&self) -> &Path {
        self.folder.path()
    }

    pub(crate) fn network_file(&self) -> PathBuf {
        self.folder.path().join("network.json")
    }

    /// Pays for a second, and waits until each of its nodes has a final block.
    pub(crate) async fn pays(&self) {
        let paid = self.load(&["--rate", "5", "--seconds", "1"]).await;
        assert_eq!(paid.code, Some(0), "{}", paid.said);
        let addresses = addresses(&self.network()).expect("addresses");
        for address in addresses {
            until("every node has a block", async || {
                height(&[address]).await.is_ok_and(|height| height > 0)
            })
            .await;
        }
    }

    /// Tells it to stop, and sees that it does, in order, and leaves nothing but its folder.
    pub(crate) async fn stop(&mut self) {
        let pid = self.child.id();
        falaj_testnet::process::signal(pid, rustix::process::Signal::TERM).expect("it runs");
        let mut status = None;
        until("up has stopped", async || {
            status = self.child.try_wait().expect("the system says");
            status.is_some()
        })
        .await;
        assert_eq!(status.and_then(|status| status.code()), Some(0));
        assert!(!self.network_file().exists());
        assert_eq!(processes_of(self.folder()), Vec::<String>::new());
    }
}

fn spawn(mut command: Command) -> Child {
    let quiet = command.stdout(Stdio::null()).stderr(Stdio::null());
    quiet.spawn().expect("the program starts")
}

impl Drop for Up {
    fn drop(&mut self) {
        // It has ended already, unless a test failed; its nodes end with it.
        drop(self.child.kill());
        drop(self.child.wait());
    }
}

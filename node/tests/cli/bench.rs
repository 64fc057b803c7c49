//! A home with a token of its own, and the program run on it.

use falaj_consensus::crypto::{Algorithm, PublicKey};
use falaj_hsm::softhsm::{SoftHsm, write_pin_file};
use falaj_ledger::genesis::Genesis;
use falaj_ledger::testing;
use serde_json::Value;
use std::fs;
use std::io::{BufRead as _, BufReader};
use std::net::SocketAddr;
use std::path::{Path, PathBuf};
use std::process::{Child, ChildStdin, Command, Output, Stdio};
use std::thread::JoinHandle;

use crate::client::pay;
use crate::shim::Shim;

pub(crate) const TOKEN: &str = "falaj-cli";
pub(crate) const PIN: &str = "correct-horse";
const OFFICER_PIN: &str = "battery-staple";

/// A folder with a token, a shim before it, and a home. It goes when the test ends.
pub(crate) struct Bench {
    folder: tempfile::TempDir,
    pub(crate) hsm: SoftHsm,
    pub(crate) shim: Shim,
}

impl Bench {
    /// A token and nothing else.
    pub(crate) fn new() -> Self {
        let folder = tempfile::tempdir().unwrap();
        let hsm = SoftHsm::create(&folder.path().join("hsm")).unwrap();
        hsm.init_token(TOKEN, PIN, OFFICER_PIN).unwrap();
        let shim = Shim::new(&folder.path().join("shim"));
        let bench = Self { folder, hsm, shim };
        write_pin_file(&bench.pin_file(), PIN).unwrap();
        bench
    }

    /// A validator alone on its chain, its key in the token.
    pub(crate) fn with_home() -> Self {
        let bench = Self::new();
        let made = bench.init(&[]).json();
        bench.set_on(&genesis_with(&made));
        bench
    }

    /// A node that has decided two heights, and is stopped.
    pub(crate) fn settled() -> Self {
        let bench = Self::with_home();
        let node = bench.start();
        pay(node.api, &bench.home(), 1);
        pay(node.api, &bench.home(), 2);
        node.stop().expect(0, &[]);
        bench
    }

    pub(crate) fn path(&self, name: &str) -> PathBuf {
        self.folder.path().join(name)
    }

    pub(crate) fn home(&self) -> PathBuf {
        self.path("home")
    }

    pub(crate) fn pin_file(&self) -> PathBuf {
        self.path("pin")
    }

    /// Makes the home, reached through the shim.
    pub(crate) fn init(&self, more: &[&str]) -> Ended {
        let pin = format!("file:{}", self.pin_file().display());
        let module = self.shim.library().display().to_string();
        let arguments = [
            "init",
            "--validator",
            "1",
            "--signer",
            "pkcs11",
            "--json",
            "--token-label",
            TOKEN,
            "--module",
            &module,
            "--pin",
            &pin,
        ];
        self.run(&[&arguments, more].concat())
    }

    /// Sets the home on a genesis.
    pub(crate) fn set_on(&self, genesis: &Genesis) {
        let file = self.path("genesis.json");
        fs::write(&file, genesis.to_json()).unwrap();
        let file = file.display().to_string();
        let ended = self.run(&["init", "--json", "--genesis", &file]);
        assert_eq!(ended.code, 0, "{ended:?}");
    }

    /// Changes the text of the configuration.
    pub(crate) fn edit_config(&self, from: &str, to: &str) {
        edit(&self.home().join("config.toml"), from, to);
    }

    /// The program on this home and token.
    pub(crate) fn command(&self, arguments: &[&str]) -> Command {
        let (variable, config) = self.hsm.environment();
        let mut command = Command::new(env!("CARGO_BIN_EXE_falaj"));
        command
            .env_clear()
            .env("PATH", std::env::var_os("PATH").unwrap_or_default())
            .env(variable, config)
            .env("FALAJ_HOME", self.home())
            .envs(self.shim.environment())
            .args(arguments)
            .stdin(Stdio::null());
        command
    }

    /// Runs the program to its end.
    pub(crate) fn run(&self, arguments: &[&str]) -> Ended {
        Ended::of(self.command(arguments).output().unwrap())
    }

    /// Starts the node, and waits until it runs.
    pub(crate) fn start(&self) -> Node {
        self.try_start(&[])
            .unwrap_or_else(|ended| panic!("{ended:?}"))
    }

    /// Starts the node with variables of the environment, and waits until it runs or has ended.
    pub(crate) fn try_start(&self, environment: &[(&str, &str)]) -> Result<Node, Ended> {
        let mut command = self.command(&["start", "--stop-with-stdin"]);
        command.envs(environment.iter().copied());
        command
            .stdin(Stdio::piped())
            .stdout(Stdio::null())
            .stderr(Stdio::piped());
        Node::wait(command.spawn().unwrap(), &self.home())
    }
}

/// How the program ended.
#[derive(Debug)]
pub(crate) struct Ended {
    pub(crate) code: i32,
    pub(crate) out: String,
    pub(crate) err: String,
}

impl Ended {
    fn of(output: Output) -> Self {
        Self {
            code: output.status.code().unwrap_or(-1),
            out: String::from_utf8(output.stdout).unwrap(),
            err: String::from_utf8(output.stderr).unwrap(),
        }
    }

    /// The last line of its output.
    pub(crate) fn json(&self) -> Value {
        let line = self.out.lines().last();
        let line = line.unwrap_or_else(|| panic!("no output: {self:?}"));
        serde_json::from_str(line).unwrap_or_else(|error| panic!("{error}: {self:?}"))
    }

    /// That it ended with this code, and said these words.
    #[track_caller]
    pub(crate) fn expect(&self, code: i32, words: &[&str]) {
        assert_eq!(self.code, code, "{self:?}");
        for word in words {
            let said = self.err.contains(word) || self.out.contains(word);
            assert!(said, "{word:?} is not said: {self:?}");
        }
    }
}

/// A running node. It ends with the test at the latest.
pub(crate) struct Node {
    child: Child,
    input: Option<ChildStdin>,
    log: Option<JoinHandle<String>>,
    /// What it logged until it ran.
    pub(crate) said: String,
    pub(crate) api: SocketAddr,
}

impl Node {
    fn wait(mut child: Child, home: &Path) -> Result<Self, Ended> {
        let input = child.stdin.take();
        let mut log = BufReader::new(child.stderr.take().unwrap());
        let mut said = String::new();
        while !said.contains("the node runs") {
            if log.read_line(&mut said).unwrap() == 0 {
                let code = child.wait().unwrap().code().unwrap_or(-1);
                let (out, err) = (String::new(), said);
                return Err(Ended { code, out, err });
            }
        }
        let run = fs::read_to_string(home.join("run.json")).unwrap();
        let run: Value = serde_json::from_str(&run).unwrap();
        let log = std::thread::spawn(move || {
            let mut rest = String::new();
            while log.read_line(&mut rest).is_ok_and(|bytes| bytes > 0) {}
            rest
        });
        Ok(Self {
            child,
            input,
            log: Some(log),
            said,
            api: run["api"].as_str().unwrap().parse().unwrap(),
        })
    }

    /// Tells it to stop, and waits.
    pub(crate) fn stop(mut self) -> Ended {
        drop(self.input.take());
        self.ended()
    }

    /// Kills it, and waits.
    pub(crate) fn kill(mut self) {
        self.child.kill().unwrap();
        self.ended();
    }

    fn ended(&mut self) -> Ended {
        let code = self.child.wait().unwrap().code().unwrap_or(-1);
        let err = self.log.take().map(|log| log.join().unwrap());
        let (out, err) = (String::new(), err.unwrap_or_default());
        Ended { code, out, err }
    }
}

impl Drop for Node {
    fn drop(&mut self) {
        let _ = self.child.kill();
        let _ = self.child.wait();
    }
}

/// Replaces the first occurrence in a file, which must be there.
pub(crate) fn edit(file: &Path, from: &str, to: &str) {
    let text = fs::read_to_string(file).unwrap();
    assert!(text.contains(from), "{from} is not in {text}");
    fs::write(file, text.replacen(from, to, 1)).unwrap();
}

/// Copies a folder and everything in it.
pub(crate) fn copy(from: &Path, to: &Path) {
    fs::create_dir_all(to).unwrap();
    for entry in fs::read_dir(from).unwrap() {
        let entry = entry.unwrap();
        let target = to.join(entry.file_name());
        if entry.path().is_dir() {
            copy(&entry.path(), &target);
        } else {
            fs::copy(entry.path(), target).unwrap();
        }
    }
}

/// The genesis of a chain of one validator, whose `init` printed this.
pub(crate) fn genesis_with(made: &Value) -> Genesis {
    let word = |key: &str| made[key].as_str().unwrap().to_owned();
    let algorithm = Algorithm::from_name(&word("algorithm")).unwrap();
    let key = PublicKey::new(algorithm, hex(&word("public_key"))).unwrap();
    testing::genesis_of_one(key)
}

fn hex(text: &str) -> Vec<u8> {
    let digit = |at: usize| u8::from_str_radix(&text[at..at + 2], 16).unwrap();
    (0..text.len()).step_by(2).map(digit).collect()
}

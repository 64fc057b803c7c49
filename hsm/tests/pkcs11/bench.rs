//! A SoftHSM of its own for each test, and the child process that uses it.
//!
//! SoftHSM reads its configuration from the environment, and a process may not change its own while threads run.
//! So each test starts this very program again for itself alone, with the environment it needs.

use std::env;
use std::fs;
use std::path::{Path, PathBuf};
use std::process::{Command, Stdio};
use std::time::Duration;

use crate::shim::Shim;
use falaj_consensus::crypto::{Algorithm, PublicKey};
use falaj_hsm::pkcs11::{
    KeyConfig, KeyName, Limits, PinSource, Pkcs11Backend, TokenAdmin, TokenConfig, TokenName,
};
use falaj_hsm::softhsm::{SoftHsm, write_pin_file};

/// The token every test gets.
pub(crate) const TOKEN: &str = "falaj-test";
pub(crate) const PIN: &str = "correct-horse";
pub(crate) const OFFICER_PIN: &str = "battery-staple";
/// More than any call of a busy machine takes.
pub(crate) const BUDGET: Duration = Duration::from_secs(30);

const FOLDER: &str = "FALAJ_TEST_FOLDER";

/// What a test works on.
pub(crate) struct Bench {
    pub(crate) folder: PathBuf,
    pub(crate) hsm: SoftHsm,
}

/// Runs the body in a child process with a fresh token; `name` is the full name of the calling test.
pub(crate) fn in_child(name: &str, body: impl FnOnce(&Bench)) {
    match env::var_os(FOLDER) {
        Some(folder) => {
            end_with_the_parent();
            body(&Bench::new(Path::new(&folder)));
        }
        None => run_child(name),
    }
}

fn run_child(name: &str) {
    let folder = Path::new(env!("CARGO_TARGET_TMPDIR")).join(format!(
        "pkcs11-{}-{}",
        name.replace("::", "-"),
        std::process::id()
    ));
    let bench = Bench::new(&folder);
    bench.hsm.init_token(TOKEN, PIN, OFFICER_PIN).unwrap();
    write_pin_file(&bench.pin_file(), PIN).unwrap();
    let (variable, value) = bench.hsm.environment();
    let mut child = Command::new(env::current_exe().unwrap())
        .envs(Shim::environment(&bench))
        .args(["--exact", name, "--nocapture", "--test-threads=1"])
        .env(variable, value)
        .env(FOLDER, &folder)
        .stdin(Stdio::piped())
        .stdout(Stdio::piped())
        .stderr(Stdio::piped())
        .spawn()
        .unwrap();
    // Held until the child is done: its end tells the child that we are gone.
    let alive = child.stdin.take();
    let output = child.wait_with_output().unwrap();
    drop(alive);
    let text = String::from_utf8_lossy(&output.stdout);
    let errors = String::from_utf8_lossy(&output.stderr);
    assert!(
        output.status.success(),
        "{name}: {}\n{text}\n{errors}",
        output.status
    );
    assert!(
        text.contains("1 passed"),
        "{name} is not the name of a test\n{text}"
    );
    fs::remove_dir_all(&folder).unwrap();
}

/// A test that is stopped leaves no child behind: standard input ends with the parent.
fn end_with_the_parent() {
    std::thread::spawn(|| {
        let _ = std::io::copy(&mut std::io::stdin(), &mut std::io::sink());
        std::process::exit(1);
    });
}

impl Bench {
    fn new(folder: &Path) -> Self {
        let hsm = SoftHsm::create(folder).unwrap();
        Self {
            folder: folder.to_path_buf(),
            hsm,
        }
    }

    pub(crate) fn pin_file(&self) -> PathBuf {
        self.folder.join("pin")
    }

    pub(crate) fn token(&self) -> TokenConfig {
        TokenConfig {
            module: SoftHsm::library().unwrap(),
            module_sha256: None,
            token: TokenName::Label(TOKEN.to_owned()),
            pin: PinSource::File(self.pin_file()),
            try_pin_at_risk: false,
        }
    }

    pub(crate) fn admin(&self) -> TokenAdmin {
        TokenAdmin::open(&self.token()).unwrap()
    }

    /// Makes a key and says how a node is told of it.
    pub(crate) fn key(&self, algorithm: Algorithm, label: &str) -> KeyConfig {
        make_key(&self.token(), algorithm, label)
    }

    pub(crate) fn open(&self, key: KeyConfig) -> Pkcs11Backend {
        Pkcs11Backend::open(self.token(), key, limits()).unwrap()
    }
}

/// Long deadlines: a busy test machine is not a stuck token.
pub(crate) fn limits() -> Limits {
    Limits {
        sign_deadline_ms: 30_000,
        connect_deadline_ms: 30_000,
        ..Limits::default()
    }
}

/// Makes a key and says how a node is told of it.
pub(crate) fn make_key(token: &TokenConfig, algorithm: Algorithm, label: &str) -> KeyConfig {
    let name = name(label);
    let made = TokenAdmin::open(token)
        .unwrap()
        .generate_key(algorithm, &name)
        .unwrap();
    key_config(name, made.public_key)
}

pub(crate) fn name(label: &str) -> KeyName {
    KeyName {
        label: label.to_owned(),
        id: label.as_bytes().to_vec(),
    }
}

pub(crate) fn key_config(name: KeyName, public_key: PublicKey) -> KeyConfig {
    KeyConfig {
        name,
        public_key,
        fips_strict: false,
        hardware_only: false,
    }
}

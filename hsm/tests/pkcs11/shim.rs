//! Puts `shim.c` between the backend and SoftHSM: it notes calls, and misbehaves on order.

use std::fs;
use std::path::PathBuf;
use std::process::Command;

use falaj_hsm::pkcs11::TokenConfig;
use falaj_hsm::softhsm::SoftHsm;

use crate::bench::Bench;

pub(crate) const LIBRARY_VARIABLE: &str = "SHIM_LIBRARY";
pub(crate) const FOLDER_VARIABLE: &str = "SHIM_FOLDER";

const SOURCE: &str = concat!(env!("CARGO_MANIFEST_DIR"), "/tests/pkcs11/shim.c");

/// A library of orders.
pub(crate) struct Shim {
    folder: PathBuf,
}

impl Shim {
    /// Builds the shim into the folder of this test.
    pub(crate) fn new(bench: &Bench) -> Self {
        let folder = bench.folder.join("shim");
        fs::create_dir_all(&folder).unwrap();
        let shim = Self { folder };
        let output = Command::new("cc")
            .args(["-shared", "-fPIC", "-O1", "-o"])
            .arg(shim.library())
            .args([SOURCE, "-ldl"])
            .output()
            .expect("no C compiler; run: apt-get install gcc");
        assert!(
            output.status.success(),
            "{}",
            String::from_utf8_lossy(&output.stderr)
        );
        shim
    }

    /// What the child's environment must hold.
    pub(crate) fn environment(bench: &Bench) -> [(&'static str, PathBuf); 2] {
        [
            (LIBRARY_VARIABLE, SoftHsm::library().unwrap()),
            (FOLDER_VARIABLE, bench.folder.join("shim")),
        ]
    }

    fn library(&self) -> PathBuf {
        self.folder.join("shim.so")
    }

    /// The token of the test, reached through the shim.
    pub(crate) fn token(&self, bench: &Bench) -> TokenConfig {
        TokenConfig {
            module: self.library(),
            ..bench.token()
        }
    }

    /// The next call of the function obeys this order.
    pub(crate) fn order(&self, function: &str, order: &str) {
        let half = self.folder.join("half");
        fs::write(&half, order).unwrap();
        // In one step, so that no call reads half an order.
        fs::rename(half, self.folder.join(function)).unwrap();
    }

    /// Lets calls that hang go on.
    pub(crate) fn release(&self) {
        fs::write(self.folder.join("release"), "").unwrap();
    }

    /// How often the function was called so far.
    pub(crate) fn calls(&self, function: &str) -> usize {
        let log = fs::read_to_string(self.folder.join("log")).unwrap_or_default();
        log.lines().filter(|line| *line == function).count()
    }

    /// Waits until an order was taken.
    pub(crate) fn wait_taken(&self, function: &str) {
        while self.folder.join(function).exists() {
            std::thread::yield_now();
        }
    }
}

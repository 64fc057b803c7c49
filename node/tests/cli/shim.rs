//! The PKCS #11 shim of the HSM's own tests before SoftHSM: it notes the calls that reach the token.

use falaj_hsm::softhsm::SoftHsm;
use std::fs;
use std::path::{Path, PathBuf};
use std::process::Command;

const SOURCE: &str = concat!(env!("CARGO_MANIFEST_DIR"), "/../hsm/tests/pkcs11/shim.c");

/// A library that forwards and notes.
pub(crate) struct Shim {
    folder: PathBuf,
}

impl Shim {
    /// Builds the shim into a folder.
    pub(crate) fn new(folder: &Path) -> Self {
        fs::create_dir_all(folder).unwrap();
        let shim = Self {
            folder: folder.into(),
        };
        let output = Command::new("cc")
            .args(["-shared", "-fPIC", "-O1", "-o"])
            .arg(shim.library())
            .args([SOURCE, "-ldl"])
            .output()
            .expect("no C compiler; run: apt-get install gcc");
        let errors = String::from_utf8_lossy(&output.stderr);
        assert!(output.status.success(), "{errors}");
        shim
    }

    pub(crate) fn library(&self) -> PathBuf {
        self.folder.join("shim.so")
    }

    /// What the environment of its process must hold.
    pub(crate) fn environment(&self) -> [(&'static str, PathBuf); 2] {
        [
            ("SHIM_LIBRARY", SoftHsm::library().unwrap()),
            ("SHIM_FOLDER", self.folder.clone()),
        ]
    }

    /// The next call of the function obeys this order.
    pub(crate) fn order(&self, function: &str, order: &str) {
        fs::write(self.folder.join(function), order).unwrap();
    }

    /// How often the function was called by all processes so far.
    pub(crate) fn calls(&self, function: &str) -> usize {
        let log = fs::read_to_string(self.folder.join("log")).unwrap_or_default();
        log.lines().filter(|line| *line == function).count()
    }
}

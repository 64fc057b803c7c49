//! Where a result comes from: the program, its sources, its compiler, and the machine that it ran on.
//!
//! Invariant: the build names the very program, byte for byte; the rest is for people.

use std::num::NonZero;
use std::path::PathBuf;
use std::{env, fs};

use serde::{Deserialize, Serialize};

use super::exit::Failure;

const LOCK: &[u8] = include_bytes!("../../../Cargo.lock");

/// What made a result.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub(super) struct Provenance {
    /// The program's version.
    version: String,
    /// BLAKE3 of the program.
    pub(super) build: String,
    /// The commit that it was built from; empty if not from git.
    commit: String,
    /// BLAKE3 of the versions that it was built with.
    lock: String,
    /// The compiler.
    rustc: String,
    /// For which machines it was built.
    target: String,
    /// How many processors there were.
    processors: usize,
}

impl Provenance {
    /// Names and values, for a page.
    pub(super) fn rows(&self) -> Vec<(String, String)> {
        let processors = self.processors.to_string();
        let rows = [
            ("version", &self.version),
            ("program", &self.build),
            ("commit", &self.commit),
            ("dependencies", &self.lock),
            ("compiler", &self.rustc),
            ("built for", &self.target),
            ("processors", &processors),
        ];
        let told = rows.into_iter().filter(|(_, value)| !value.is_empty());
        told.map(|(name, value)| (name.to_owned(), value.clone()))
            .collect()
    }
}

/// Of this program, here.
pub(super) fn provenance() -> Result<Provenance, Failure> {
    let unreadable = |path: PathBuf| move |source| Failure::Unreadable { path, source };
    let program = env::current_exe().map_err(unreadable(PathBuf::from("falaj-sim")))?;
    let bytes = fs::read(&program).map_err(unreadable(program))?;
    Ok(Provenance {
        version: env!("CARGO_PKG_VERSION").to_owned(),
        build: blake3::hash(&bytes).to_hex().to_string(),
        commit: env!("FALAJ_SIM_COMMIT").to_owned(),
        lock: blake3::hash(LOCK).to_hex().to_string(),
        rustc: env!("FALAJ_SIM_RUSTC").to_owned(),
        target: env!("FALAJ_SIM_TARGET").to_owned(),
        processors: std::thread::available_parallelism().map_or(1, NonZero::get),
    })
}

//! Every way in which input can be bad, each with its exit code.
//!
//! Invariant: a code is never given another meaning; 0 and 10 to 13 are verdicts, 2 is a usage error.
//! Source: `docs/simulation.md`, "Exit codes".

use std::io;
use std::path::PathBuf;

use falaj_simulations::scenario::file::FileError;

/// Why there is no verdict.
#[derive(Debug, thiserror::Error)]
pub(crate) enum Failure {
    /// A file cannot be read.
    #[error("{}: {source}", path.display())]
    Unreadable { path: PathBuf, source: io::Error },
    /// A file is no scenario.
    #[error("{}: {source}", path.display())]
    Scenario {
        path: PathBuf,
        source: Box<FileError>,
    },
}

impl Failure {
    /// The exit code of the program.
    pub(crate) const fn exit_code(&self) -> u8 {
        match self {
            Self::Unreadable { .. } => 20,
            Self::Scenario { source, .. } => match **source {
                FileError::Malformed { .. } => 21,
                FileError::Unknown { .. } => 22,
                FileError::Impossible { .. } | FileError::Undrawable { .. } => 23,
                FileError::TooManyFaulty { .. } => 24,
                FileError::Contradiction(_) => 25,
            },
        }
    }
}

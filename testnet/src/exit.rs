//! Which exit code a failed command has.
//!
//! Invariant: the numbers mean what they mean for `falaj`; what has no number of its own is 1.
//! Source: `docs/guide/testnet.md`; `sysexits.h` of 4.3BSD.

use thiserror::Error;

use crate::paysim::FileError;

/// A check failed, or a step did.
pub const FAILED: u8 = 1;
/// The command line is wrong.
pub const USAGE: u8 = 2;
/// A file holds what it must not.
pub const DATA: u8 = 65;
/// No node answers.
pub const UNAVAILABLE: u8 = 69;
/// A folder is in use.
pub const IN_USE: u8 = 73;
/// The disk failed, or output could not be written whole.
pub const DISK: u8 = 74;
/// A file of ours is of another version or form.
pub const CONFIG: u8 = 78;

/// Troubles that have a code of their own.
#[derive(Clone, Debug, PartialEq, Eq, Error)]
pub enum Trouble {
    /// The command line asks for what cannot be.
    #[error("{0}")]
    Usage(String),
    /// Nodes that must be there are not.
    #[error("no node of the network answers")]
    NoNode,
    /// `network.json` is there only while the network runs.
    #[error("there is no {0}, so no network runs there")]
    NotRunning(String),
    /// A testnet can be made only where nothing is.
    #[error("{0} is not empty")]
    NotEmpty(String),
    /// A testnet was being made there, and whoever made it was stopped.
    #[error("{0} holds a testnet that was not finished: whoever made it was stopped")]
    Unfinished(String),
    /// Another process makes or runs the testnet.
    #[error("{folder} is in use by {}", by(*process))]
    InUse {
        /// The folder.
        folder: String,
        /// Who it is, if it has said so yet.
        process: Option<u32>,
    },
    /// Whoever ran the testnet is gone, and nodes of it are still stopping.
    #[error("{folder} is in use by nodes of process {process}, which is gone")]
    Stopping {
        /// The folder.
        folder: String,
        /// Who ran it.
        process: u32,
    },
    /// Homes and tokens name whole paths, so a copy would use the tokens of the original.
    #[error("{folder} was made as {made}, whose tokens its homes name, so it runs there alone")]
    OtherPlace {
        /// The folder.
        folder: String,
        /// What it was made as.
        made: String,
    },
    /// Written by another version.
    #[error("{file} has version {found}, {needed} is needed")]
    Version {
        /// Which file.
        file: String,
        /// Its version.
        found: u32,
        /// The one that this build reads.
        needed: u32,
    },
    /// Something else than what it is called.
    #[error("{0} is not of the form that this build reads")]
    Form(String),
}

impl Trouble {
    /// What to do about it, where that is known.
    #[must_use]
    pub const fn fix(&self) -> Option<&'static str> {
        match self {
            Self::Usage(_) => Some("see --help"),
            Self::NoNode | Self::NotRunning(_) => {
                Some("run the network with: falaj-testnet up --dir DIR")
            }
            Self::NotEmpty(_) => Some("name a folder that is missing or empty"),
            Self::Unfinished(_) => Some(
                "no network ever ran there: remove the folder and run the command again, or name another",
            ),
            Self::Stopping { .. } => {
                Some("they stop by themselves: run the command again in a moment")
            }
            Self::InUse { .. } => Some("stop that process first, or name another folder"),
            Self::OtherPlace { .. } => {
                Some("move it back, or make another with: falaj-testnet new --dir DIR")
            }
            Self::Version { .. } | Self::Form(_) => None,
        }
    }
}

fn by(process: Option<u32>) -> String {
    process.map_or_else(
        || "another process".into(),
        |process| format!("process {process}"),
    )
}

/// The exit code of an error, whatever was said around it.
#[must_use]
pub fn code(error: &anyhow::Error) -> u8 {
    if error.is::<FileError>() {
        return DATA;
    }
    match error.downcast_ref() {
        Some(Trouble::Usage(_)) => USAGE,
        Some(Trouble::NoNode | Trouble::NotRunning(_)) => UNAVAILABLE,
        Some(
            Trouble::NotEmpty(_)
            | Trouble::Unfinished(_)
            | Trouble::InUse { .. }
            | Trouble::Stopping { .. },
        ) => IN_USE,
        Some(Trouble::Version { .. } | Trouble::Form(_) | Trouble::OtherPlace { .. }) => CONFIG,
        None => FAILED,
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use anyhow::Context as _;

    #[test]
    fn a_code_is_found_under_what_was_said_of_it() {
        let under = Err::<(), _>(Trouble::NoNode).context("while loading");
        assert_eq!(code(&under.unwrap_err()), UNAVAILABLE);
        let over = anyhow::anyhow!("refused").context(Trouble::NoNode);
        assert_eq!(code(&over.context("while loading")), UNAVAILABLE);
        assert_eq!(code(&anyhow::anyhow!("anything else")), FAILED);
    }
}

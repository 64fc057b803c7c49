//! `falaj testnet` and `falaj sim`: the programs beside this one, under its name.
//!
//! Invariant: the sibling takes this process over, so its output, its signals and its exit code are its own; whatever follows the name is
//! passed on as it stands.
//! It is looked for beside this program, then in `PATH`; where it is in neither, the exit code is 69.
//! Source: `docs/guide/cli.md`.

use clap::Args;
use std::ffi::OsString;
use std::io;
use std::os::unix::process::CommandExt as _;
use std::path::PathBuf;
use std::process::Command;

use super::{Failure, Scene};

/// What a sibling is told.
#[derive(Args)]
pub(super) struct Sibling {
    /// Its own command line; `--help` is its own too.
    #[arg(trailing_var_arg = true, allow_hyphen_values = true)]
    arguments: Vec<OsString>,
}

/// A sibling that cannot be run.
#[derive(Debug, thiserror::Error)]
enum SiblingError {
    /// It is nowhere.
    #[error("there is no {program} beside this program or in PATH")]
    Missing { program: &'static str },
    /// The system refuses.
    #[error("cannot run {program}")]
    Run {
        program: &'static str,
        source: io::Error,
    },
}

impl Sibling {
    /// Becomes the sibling; comes back only if it cannot.
    pub(super) fn run(self, scene: &Scene, program: &'static str) -> Result<(), Failure> {
        let mut command = Command::new(beside(program).unwrap_or_else(|| program.into()));
        command.args(self.arguments);
        // Said before the sibling's name, so it is not among its arguments.
        if scene.json {
            command.arg("--json");
        }
        let source = command.exec();
        let error = if source.kind() == io::ErrorKind::NotFound {
            SiblingError::Missing { program }
        } else {
            SiblingError::Run { program, source }
        };
        let fix = format!(
            "install {program} beside falaj; a checkout builds both: cargo build --workspace --bins"
        );
        Err(Failure::new(Failure::UNAVAILABLE, error).fix(fix))
    }
}

/// The program in the folder of this one, if it is there.
fn beside(program: &str) -> Option<PathBuf> {
    let own = std::env::current_exe().ok()?;
    let path = own.parent()?.join(program);
    path.is_file().then_some(path)
}

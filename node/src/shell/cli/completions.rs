//! `falaj completions`: what a shell needs to complete this program's command line.

use clap::{Args, Command};
use clap_complete::Shell;

use super::{Failure, print};

/// Prints the completions of a shell, to be sourced by it.
#[derive(Args)]
pub(super) struct Completions {
    /// The shell.
    #[arg(value_enum)]
    shell: Shell,
}

impl Completions {
    pub(super) fn run(&self, mut command: Command) -> Result<(), Failure> {
        let mut script = Vec::new();
        clap_complete::generate(self.shell, &mut command, "falaj", &mut script);
        print::line(String::from_utf8_lossy(&script).trim_end());
        Ok(())
    }
}

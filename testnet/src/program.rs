//! The `falaj` program beside this one, and one-shot calls of it.
//!
//! Invariant: the child's environment has no `FALAJ_…` of ours, so that what the home says is what the node does.
//! Errors: what the program wrote, with its exit code.
//! Source: `docs/guide/testnet.md`, "What runs".

use anyhow::{Context as _, Result, ensure};
use serde::de::DeserializeOwned;
use std::collections::BTreeMap;
use std::path::{Path, PathBuf};
use std::process::{Command, Output, Stdio};

const NAME: &str = "falaj";

/// Variables that a node's process gets beside ours.
pub type Environment = BTreeMap<String, String>;

/// The `falaj` program.
#[derive(Clone, Debug)]
pub struct Program(PathBuf);

impl Program {
    /// Finds it beside our own program.
    ///
    /// # Errors
    /// When it is not there.
    pub fn find() -> Result<Self> {
        let own = std::env::current_exe().context("where this program is")?;
        Self::beside(&own)
    }

    /// Finds it beside a program; tests stand one folder below.
    ///
    /// # Errors
    /// When it is not there.
    pub fn beside(own: &Path) -> Result<Self> {
        let folder = own.parent().context("where this program is")?;
        let found = folder.join(NAME);
        ensure!(
            found.is_file(),
            "there is no {NAME} in {}; run: cargo build -p falaj-node -p falaj-testnet",
            folder.display()
        );
        Ok(Self(found))
    }

    /// Where it is.
    #[must_use]
    pub fn path(&self) -> &Path {
        &self.0
    }

    /// A command of it on a home.
    #[must_use]
    pub fn command(&self, home: &Path, environment: &Environment) -> Command {
        let mut command = Command::new(&self.0);
        for (name, _) in std::env::vars_os() {
            if name.to_string_lossy().starts_with("FALAJ_") {
                command.env_remove(name);
            }
        }
        command.envs(environment).arg("--home").arg(home);
        command.stdin(Stdio::null());
        command
    }

    /// Runs a command to its end and reads the one JSON object that it prints.
    ///
    /// # Errors
    /// When it fails or prints something else.
    pub fn ask<T: DeserializeOwned>(
        &self,
        home: &Path,
        environment: &Environment,
        arguments: &[String],
    ) -> Result<T> {
        let output = self
            .command(home, environment)
            .args(arguments)
            .arg("--json")
            .output();
        let output = output.with_context(|| format!("cannot start {}", self.0.display()))?;
        let said = || format!("{NAME} {}: {}", arguments.join(" "), all(&output));
        ensure!(output.status.success(), "{} ({})", said(), output.status);
        serde_json::from_slice(&output.stdout).with_context(said)
    }
}

fn all(output: &Output) -> String {
    let bytes = [output.stdout.as_slice(), output.stderr.as_slice()].concat();
    String::from_utf8_lossy(&bytes).trim().to_owned()
}

//! Runs the program and keeps what it said.

use serde_json::Value;
use std::ffi::OsStr;
use std::process::{Command, Output};

/// The program with arguments, to be run or kept running.
pub(crate) fn command<A: AsRef<OsStr>>(arguments: impl IntoIterator<Item = A>) -> Command {
    let mut command = Command::new(env!("CARGO_BIN_EXE_falaj"));
    command.args(arguments).env_remove("FALAJ_HOME");
    command
}

/// Runs it to its end.
pub(crate) fn falaj<A: AsRef<OsStr>>(arguments: impl IntoIterator<Item = A>) -> Said {
    Said(command(arguments).output().unwrap())
}

/// What it said.
#[derive(Debug)]
pub(crate) struct Said(Output);

impl Said {
    /// The exit code.
    pub(crate) fn code(&self) -> i32 {
        self.0.status.code().unwrap()
    }

    pub(crate) fn out(&self) -> String {
        String::from_utf8(self.0.stdout.clone()).unwrap()
    }

    pub(crate) fn err(&self) -> String {
        String::from_utf8(self.0.stderr.clone()).unwrap()
    }

    /// The one JSON object that it printed, after it ended with that code.
    pub(crate) fn json(&self, code: i32) -> Value {
        let out = self.out();
        assert_eq!(self.code(), code, "{out}{}", self.err());
        assert_eq!(out.lines().count(), 1, "{out}");
        serde_json::from_str(&out).unwrap()
    }

    /// What it printed, after it ended well.
    pub(crate) fn text(&self) -> String {
        assert_eq!(self.code(), 0, "{}{}", self.out(), self.err());
        self.out()
    }
}

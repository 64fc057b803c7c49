//! How a command line that cannot be read is told.
//!
//! Invariant: where the words hold `--json`, standard output has one JSON object, as for every other error; help and version are no errors.
//! Shape: `{error, causes, fix, exit_code}`.
//! Source: `docs/guide/cli.md`, "Errors".

use clap::Error;
use falaj_node::usage::{self, WrongUsage};
use std::process::ExitCode;

use super::print;

/// Tells it, and gives the exit code.
pub(super) fn tell(error: &Error) -> ExitCode {
    if !usage::wants_json() || !error.use_stderr() {
        error.exit();
    }
    let WrongUsage { error, fix } = WrongUsage::of(&error.to_string());
    print::json(&serde_json::json!({
        "error": error, "causes": [], "fix": fix, "exit_code": usage::EXIT_CODE,
    }));
    ExitCode::from(usage::EXIT_CODE)
}

//! The one place that writes to the terminal.
//!
//! Invariant: what was printed is whole, or the exit code is 74: a report that is cut by a full disk never passes for one.
//! A reader that went away has what it wanted, so that is no error.

#![expect(clippy::print_stderr, reason = "a command line prints")]

use serde::Serialize;
use std::io::{ErrorKind, Write as _};

use crate::exit::{self, Trouble};
use crate::paysim::FileError;

/// One JSON object on a line.
///
/// # Panics
/// Never for the types of this program, whose maps have text keys.
pub(super) fn json(value: &impl Serialize) {
    line(&serde_json::to_string(value).expect("our values have a JSON form"));
}

/// A line of the output.
pub(super) fn line(text: &str) {
    let mut out = std::io::stdout().lock();
    let written = writeln!(out, "{text}").and_then(|()| out.flush());
    match written {
        Err(source) if source.kind() != ErrorKind::BrokenPipe => {
            note("error: cannot write to standard output");
            note(&format!("  because: {source}"));
            std::process::exit(exit::DISK.into());
        }
        Ok(()) | Err(_) => {}
    }
}

/// A line for people beside the output.
pub(super) fn note(text: &str) {
    eprintln!("{text}");
}

/// What went wrong and why.
pub(super) fn error(error: &anyhow::Error, as_json: bool) {
    let causes: Vec<_> = error.chain().skip(1).map(ToString::to_string).collect();
    let fix = error.downcast_ref().and_then(Trouble::fix);
    if as_json {
        let file = error.chain().find_map(|cause| cause.downcast_ref());
        let (line, code) = file
            .map(|FileError { line, fault, .. }| (line, fault.code()))
            .unzip();
        json(&serde_json::json!({
            "error": error.to_string(), "causes": causes, "fix": fix, "exit_code": exit::code(error), "line": line, "code": code,
        }));
        return;
    }
    eprintln!("error: {error}");
    for cause in causes {
        eprintln!("  because: {cause}");
    }
    if let Some(fix) = fix {
        eprintln!("  to do: {fix}");
    }
}

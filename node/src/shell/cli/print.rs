//! The one place that writes to the terminal.
//!
//! Invariant: what was printed is whole, or the exit code is 74: a receipt that is cut by a full disk never passes for one.
//! A reader that went away has what it wanted, so that is no error.

#![expect(clippy::print_stderr, reason = "a command line prints")]

use serde::Serialize;
use std::io::{ErrorKind, Write as _};

use super::Failure;

/// One JSON object on a line.
///
/// # Panics
/// Never for the types of this program, whose maps have text keys.
pub(super) fn json(value: &impl Serialize) {
    line(&serde_json::to_string(value).expect("our values have a JSON form"));
}

/// A line.
pub(super) fn line(text: &str) {
    let mut out = std::io::stdout().lock();
    let written = writeln!(out, "{text}").and_then(|()| out.flush());
    match written {
        Err(source) if source.kind() != ErrorKind::BrokenPipe => {
            error(
                "cannot write to standard output",
                &[source.to_string()],
                None,
            );
            std::process::exit(Failure::DISK.into());
        }
        Ok(()) | Err(_) => {}
    }
}

/// A word and what is to be said of it.
pub(super) fn row(word: &str, fact: &str) -> String {
    format!("{word:<12} {fact}").trim_end().to_owned()
}

/// A word for people, beside the output.
pub(super) fn beside(text: &str) {
    eprintln!("{text}");
}

/// What went wrong, why, and what to do about it.
pub(super) fn error(what: &str, causes: &[String], fix: Option<&str>) {
    eprintln!("error: {what}");
    for cause in causes {
        eprintln!("  because: {cause}");
    }
    if let Some(fix) = fix {
        eprintln!("  to do: {fix}");
    }
}

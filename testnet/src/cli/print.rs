//! The one place that writes to the terminal.

#![expect(
    clippy::print_stdout,
    clippy::print_stderr,
    reason = "a command line prints"
)]

use serde::Serialize;

use crate::exit;
use crate::paysim::FileError;

/// One JSON object on a line.
///
/// # Panics
/// Never for the types of this program, whose maps have text keys.
pub(super) fn json(value: &impl Serialize) {
    println!(
        "{}",
        serde_json::to_string(value).expect("our values have a JSON form")
    );
}

/// A line for people.
pub(super) fn line(text: &str) {
    println!("{text}");
}

/// A line for people beside the output.
pub(super) fn note(text: &str) {
    eprintln!("{text}");
}

/// What went wrong and why.
pub(super) fn error(error: &anyhow::Error, as_json: bool) {
    let causes: Vec<_> = error.chain().skip(1).map(ToString::to_string).collect();
    if as_json {
        let file = error.chain().find_map(|cause| cause.downcast_ref());
        let (line, code) = file
            .map(|FileError { line, fault, .. }| (line, fault.code()))
            .unzip();
        json(&serde_json::json!({
            "error": error.to_string(), "causes": causes, "exit_code": exit::code(error), "line": line, "code": code,
        }));
        return;
    }
    eprintln!("error: {error}");
    for cause in causes {
        eprintln!("  because: {cause}");
    }
}

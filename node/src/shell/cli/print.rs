//! The one place that writes to the terminal.

#![expect(
    clippy::print_stdout,
    clippy::print_stderr,
    reason = "a command line prints"
)]

use serde::Serialize;

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

/// A word and what is to be said of it.
pub(super) fn row(word: &str, fact: &str) -> String {
    format!("{word:<12} {fact}").trim_end().to_owned()
}

/// A warning for people, beside the output.
pub(super) fn warning(text: &str) {
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

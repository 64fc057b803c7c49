//! How a command line that cannot be read is told.
//!
//! Invariant: where the words hold `--json`, standard output has one JSON object, as for every other error; help and version are no errors.
//! Shape: `{error, causes, fix, exit_code}`.
//! Source: `docs/guide/cli.md`, "Errors".

use clap::Error;
use std::process::ExitCode;

use super::print;
use crate::exit;

/// Tells it, and gives the exit code.
pub(super) fn tell(error: &Error) -> ExitCode {
    let json = std::env::args_os().any(|word| word == "--json");
    if !json || !error.use_stderr() {
        error.exit();
    }
    let (what, fix) = parts(&error.to_string());
    print::json(&serde_json::json!({
        "error": what, "causes": [], "fix": fix, "exit_code": exit::USAGE,
    }));
    ExitCode::from(exit::USAGE)
}

/// What is wrong, and what to do: the first paragraph of clap's words, and its tips.
fn parts(text: &str) -> (String, String) {
    let mut lines = text.lines().map(str::trim);
    let first: Vec<_> = lines.by_ref().take_while(|line| !line.is_empty()).collect();
    let first = first.join(" ");
    let tips: Vec<_> = lines
        .filter_map(|line| line.strip_prefix("tip: "))
        .collect();
    let what = first.strip_prefix("error: ");
    let fix = if tips.is_empty() {
        "see --help".to_owned()
    } else {
        tips.join("; ")
    };
    (what.unwrap_or("a command is needed").to_owned(), fix)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn the_first_paragraph_is_the_error_and_tips_are_the_fix() {
        for (text, what, fix) in [
            (
                "error: unexpected argument '--dri' found\n\n  tip: a similar argument exists: '--dir'\n\nUsage: x\n",
                "unexpected argument '--dri' found",
                "a similar argument exists: '--dir'",
            ),
            (
                "error: the following required arguments were not provided:\n  --dir <DIR>\n\nUsage: x\n",
                "the following required arguments were not provided: --dir <DIR>",
                "see --help",
            ),
            (
                "Testnets of nodes\n\nUsage: x\n",
                "a command is needed",
                "see --help",
            ),
        ] {
            assert_eq!(parts(text), (what.to_owned(), fix.to_owned()));
        }
    }
}

//! What a node said last, from its log: why it ended, in its own words.
//!
//! Invariant: whole lines, and none of an earlier run: reading begins where the log ended when the node was started.
//! Shape: `falaj` tells an error as `error: …`, with lines of reasons and advice set in below it; here they stand in one line.
//! Source: `docs/guide/cli.md`, "Errors".

use std::fs::File;
use std::io::{Read as _, Seek as _, SeekFrom};
use std::path::Path;

/// How much of a log is read at most, from its end.
const BYTES_MAX: u64 = 64 * 1024;

/// How long a log is now; nothing for one that is not there.
pub(crate) fn length(log: &Path) -> u64 {
    log.metadata().map_or(0, |metadata| metadata.len())
}

/// The last error in a log from a place on, or else its last line.
pub(crate) fn last(log: &Path, from: u64) -> String {
    last_of(&end(log, from).unwrap_or_default())
}

fn end(log: &Path, from: u64) -> std::io::Result<String> {
    let begin = from.max(length(log).saturating_sub(BYTES_MAX));
    let mut file = File::open(log)?;
    file.seek(SeekFrom::Start(begin))?;
    let mut bytes = Vec::new();
    file.take(BYTES_MAX).read_to_end(&mut bytes)?;
    let text = String::from_utf8_lossy(&bytes).into_owned();
    let whole = if begin > from {
        text.split_once('\n').map_or("", |(_, rest)| rest)
    } else {
        &text
    };
    Ok(whole.to_owned())
}

fn last_of(text: &str) -> String {
    let lines: Vec<_> = text
        .lines()
        .filter(|line| !line.trim().is_empty())
        .collect();
    let error = lines.iter().rposition(|line| line.starts_with("error:"));
    let Some(first) = error.or(lines.len().checked_sub(1)) else {
        return "it said nothing".into();
    };
    let below = lines[first..].iter().skip(1);
    let below = below.take_while(|line| line.starts_with(' '));
    let words: Vec<_> = std::iter::once(&lines[first])
        .chain(below)
        .map(|line| line.trim())
        .collect();
    words.join("; ")
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn the_last_error_is_told_whole() {
        for (text, said) in [
            ("", "it said nothing"),
            ("INFO one\n\nINFO two\n", "INFO two"),
            (
                "error: a\n  because: b\n  to do: c\n",
                "error: a; because: b; to do: c",
            ),
            (
                "error: a\nINFO x\nerror: b\n  because: c\nINFO y\n",
                "error: b; because: c",
            ),
        ] {
            assert_eq!(last_of(text), said);
        }
    }

    // Goal: no line is cut, and none of an earlier run is told.
    #[test]
    fn reading_begins_with_a_whole_line_of_this_run() {
        let folder = tempfile::tempdir().unwrap();
        let log = folder.path().join("node.log");
        assert_eq!(last(&log, 0), "it said nothing");
        std::fs::write(&log, "error: of an earlier run\n").unwrap();
        let from = length(&log);
        assert_eq!(last(&log, from), "it said nothing");
        let line = format!("error: {}", "x".repeat(usize::try_from(BYTES_MAX).unwrap()));
        std::fs::write(&log, format!("error: of an earlier run\n{line}\nlast\n")).unwrap();
        assert_eq!(last(&log, from), "last");
    }
}

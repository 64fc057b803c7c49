//! One line of a trace: the number of its event, the hash so far, and what happened.
//!
//! Invariant: a line that is printed reads as the same line.
//! Shape: `12 4f1a09c3d2e1b0aa 0.500000000 s n2 hears n1: …`; an event may have more lines than one, all with its number and hash.
//! Errors: [`BadLine`], for whatever else stands in a file.

use std::fmt;
use std::str::FromStr;

/// Letters of the hash so far.
const HASH_LETTERS: usize = 16;

/// A line of a trace.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Line {
    /// The how manieth event it is about, from 1; 0 before the first.
    pub event: u64,
    /// The beginning of the hash over it and all before it.
    pub hash: String,
    /// What happened.
    pub words: String,
}

/// A text that is no line of a trace.
#[derive(Clone, Copy, Debug, PartialEq, Eq, thiserror::Error)]
#[error("it is no line of a trace")]
pub struct BadLine;

impl fmt::Display for Line {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        let Self { event, hash, words } = self;
        write!(f, "{event} {hash} {words}")
    }
}

impl FromStr for Line {
    type Err = BadLine;

    fn from_str(text: &str) -> Result<Self, BadLine> {
        let (event, rest) = text.split_once(' ').ok_or(BadLine)?;
        let (hash, words) = rest.split_once(' ').ok_or(BadLine)?;
        let is_hash = hash.len() == HASH_LETTERS && hash.bytes().all(|b| b.is_ascii_hexdigit());
        if !is_hash {
            return Err(BadLine);
        }
        Ok(Self {
            event: event.parse().map_err(|_| BadLine)?,
            hash: hash.to_owned(),
            words: words.to_owned(),
        })
    }
}

#[cfg(test)]
mod tests {
    use std::sync::mpsc::channel;

    use super::super::{Tag, Trace};
    use super::*;
    use crate::types::{NodeIndex, SimTime};

    fn lines(bytes: [&[u8]; 2]) -> Vec<Line> {
        let (lines, heard) = channel();
        let mut trace = Trace::new(Some(lines));
        let node = NodeIndex::new(2);
        trace.event(SimTime::new(5), 1, Tag::Synced, node, bytes[0]);
        trace.event(SimTime::new(6), 2, Tag::Delivered, node, bytes[1]);
        trace.tell(|| "n2 hears n1".to_owned());
        trace.tell(|| "n2 locks".to_owned());
        trace.event(SimTime::new(7), 3, Tag::Signed, node, &[]);
        drop(trace);
        heard.iter().collect()
    }

    /// Goal: every event has a line in the order of events, told or not, and a line reads as what was printed.
    #[test]
    fn every_event_has_its_line() {
        let lines = lines([b"a", b"b"]);
        let told: Vec<_> = lines
            .iter()
            .map(|line| (line.event, line.words.as_str()))
            .collect();
        assert_eq!(
            told,
            [
                (1, "0.000000005 s n2 synced"),
                (2, "n2 hears n1"),
                (2, "n2 locks"),
                (3, "0.000000007 s n2 signed"),
            ]
        );
        for line in lines {
            assert_eq!(line.to_string().parse(), Ok(line));
        }
        for text in [
            "",
            "safe_live: 1 seeds",
            "12 beef n2",
            "x 4f1a09c3d2e1b0aa n2",
        ] {
            assert_eq!(text.parse::<Line>(), Err(BadLine), "{text}");
        }
    }

    /// Goal: an event whose bytes alone differ shows in its own line and in all after it, and in none before.
    #[test]
    fn a_difference_shows_from_its_event_on() {
        let (one, other) = (lines([b"a", b"b"]), lines([b"a", b"c"]));
        let same: Vec<bool> = one
            .iter()
            .zip(&other)
            .map(|(one, two)| one == two)
            .collect();
        assert_eq!(same, [true, false, false, false]);
    }
}

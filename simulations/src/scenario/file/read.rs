//! From the text of a scenario file to its data, and from what is wrong with it to words.
//!
//! Invariant: an unknown key, or an unknown word where a few are known, is refused with the known one that looks most like it.
//! Shape: likeness is the number of letters to insert, delete, replace or swap.

use super::File;
use super::check::Contradiction;
use super::dial::DialError;

/// Why a file is no scenario.
#[derive(Clone, Debug, PartialEq, Eq, thiserror::Error)]
pub enum FileError {
    /// It is not TOML, or a key holds what it cannot hold.
    #[error("line {line}: {message}")]
    Malformed {
        /// Where.
        line: usize,
        /// What the reader says.
        message: String,
    },
    /// A key or a word that nobody knows.
    #[error("line {line}: unknown {what} {key}; did you mean {nearest}? Known are {known}")]
    Unknown {
        /// Where.
        line: usize,
        /// Key or word.
        what: &'static str,
        /// What was written.
        key: String,
        /// The known one that looks most like it.
        nearest: String,
        /// All known ones.
        known: String,
    },
    /// A number outside its bounds.
    #[error("{key} is {value}, outside {min} to {max}")]
    Impossible {
        /// Which key.
        key: String,
        /// What it is, or can become.
        value: String,
        /// The least that it may be.
        min: String,
        /// The most that it may be.
        max: String,
    },
    /// A number that cannot be drawn.
    #[error("{key} cannot be drawn: {source}")]
    Undrawable {
        /// Which key.
        key: String,
        /// Why.
        source: DialError,
    },
    /// More validators are faulty than there are, or all of them.
    #[error(
        "{faulty} of {validators} validators would lie or be lost; at least one has to be correct"
    )]
    TooManyFaulty {
        /// How many are faulty, or can become.
        faulty: u64,
        /// How many there are then.
        validators: u64,
    },
    /// A value of a sweep that its key cannot hold.
    #[error("at {point}: {message}")]
    Point {
        /// The values of the point.
        point: String,
        /// What the reader says.
        message: String,
    },
    /// Two things that exclude each other.
    #[error("contradiction: {0}")]
    Contradiction(Contradiction),
}

pub(super) fn read(text: &str) -> Result<File, FileError> {
    toml::from_str(text).map_err(|error| explain(text, &error))
}

pub(super) fn explain(text: &str, error: &toml::de::Error) -> FileError {
    let line = line_of(text, error.span().map_or(0, |span| span.start));
    let message = error.message();
    unknown(line, message).unwrap_or_else(|| FileError::Malformed {
        line,
        message: message.trim_end().replace('\n', "; "),
    })
}

pub(super) fn line_of(text: &str, offset: usize) -> usize {
    let before = text.bytes().take(offset);
    1 + before.filter(|byte| *byte == b'\n').count()
}

/// serde says ``unknown field `x`, expected one of `a`, `b` `` or the same of a variant.
fn unknown(line: usize, message: &str) -> Option<FileError> {
    let what = match message.split_once(" `")?.0 {
        "unknown field" => "key",
        "unknown variant" => "word",
        _ => return None,
    };
    let mut words = message.split('`').skip(1).step_by(2);
    let key = words.next()?;
    let known: Vec<&str> = words.collect();
    (!known.is_empty()).then(|| unknown_word(line, what, key, &known))
}

/// Nobody knows `key`; what looks most like it is named.
pub(super) fn unknown_word(
    line: usize,
    what: &'static str,
    key: &str,
    known: &[&str],
) -> FileError {
    let likeness = |known: &&&str| strsim::damerau_levenshtein(key, known);
    let nearest = known.iter().min_by_key(likeness).copied();
    FileError::Unknown {
        line,
        what,
        key: key.to_owned(),
        nearest: nearest.unwrap_or_default().to_owned(),
        known: known.join(", "),
    }
}

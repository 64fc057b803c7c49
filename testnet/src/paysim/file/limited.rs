//! A reader that gives up on a line that never ends, or that holds nothing.
//!
//! Invariant: at most [`LINE_BYTES_MAX`] bytes pass without the end of a line, and no line is empty, so that who counts lines behind it counts
//! right. What stands before such a line is given first.

use std::io::{self, Read};
use thiserror::Error;

use super::LINE_BYTES_MAX;

/// A line that is not let through.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Error)]
pub(super) enum WrongLine {
    /// Too many bytes.
    #[error("line {line} is too long")]
    Long {
        /// The line, from 1.
        line: u64,
    },
    /// No byte.
    #[error("line {line} is empty")]
    Empty {
        /// The line, from 1.
        line: u64,
    },
}

/// The reader.
pub(super) struct Limited<R> {
    inner: R,
    line: u64,
    length: usize,
    wrong: Option<WrongLine>,
}

impl<R> Limited<R> {
    pub(super) const fn new(inner: R) -> Self {
        Self {
            inner,
            line: 1,
            length: 0,
            wrong: None,
        }
    }

    /// What is wrong with the line that has one more byte.
    fn take(&mut self, byte: u8) -> Option<WrongLine> {
        let line = self.line;
        match (byte, self.length) {
            (b'\n', 0) => return Some(WrongLine::Empty { line }),
            (b'\n', _) => (self.line, self.length) = (line + 1, 0),
            (_, LINE_BYTES_MAX) => return Some(WrongLine::Long { line }),
            (_, _) => self.length += 1,
        }
        None
    }
}

impl<R: Read> Read for Limited<R> {
    fn read(&mut self, buffer: &mut [u8]) -> io::Result<usize> {
        if let Some(wrong) = self.wrong {
            return Err(io::Error::other(wrong));
        }
        let count = self.inner.read(buffer)?;
        let mut whole = 0;
        for (place, byte) in buffer[..count].iter().enumerate() {
            self.wrong = self.take(*byte);
            if let Some(wrong) = self.wrong {
                return if whole > 0 {
                    Ok(whole)
                } else {
                    Err(io::Error::other(wrong))
                };
            }
            if *byte == b'\n' {
                whole = place + 1;
            }
        }
        Ok(count)
    }
}

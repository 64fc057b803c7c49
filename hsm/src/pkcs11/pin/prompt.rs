//! Asks for a PIN on a terminal, without echo.
//!
//! Invariant: the terminal's echo is switched back on whichever way this ends, short of a killed process.
//! Who calls: [`super::PinReader`], once per process.
//! Source: POSIX termios(3).

use std::fs::{File, OpenOptions};
use std::io::{self, Read, Write};
use std::path::Path;

use rustix::termios::{LocalModes, OptionalActions, Termios, tcgetattr, tcsetattr};

use super::{Pin, PinError, read_pin};

/// Prompts on the terminal at `path`.
pub(super) fn read(path: &Path, token: &str) -> Result<Pin, PinError> {
    let io = |source| PinError::Io {
        path: path.to_path_buf(),
        source,
    };
    let mut terminal = OpenOptions::new()
        .read(true)
        .write(true)
        .open(path)
        .map_err(io)?;
    write!(terminal, "PIN of token {token}: ").map_err(io)?;
    let silent = Silent::new(&terminal).map_err(io)?;
    let pin = read_pin(Line::new(&terminal), path);
    drop(silent);
    writeln!(terminal).map_err(io)?;
    pin
}

/// A terminal that does not echo for as long as this lives.
struct Silent<'a> {
    terminal: &'a File,
    before: Termios,
}

impl<'a> Silent<'a> {
    fn new(terminal: &'a File) -> io::Result<Self> {
        let before = tcgetattr(terminal)?;
        let mut silent = before.clone();
        silent.local_modes.remove(LocalModes::ECHO);
        tcsetattr(terminal, OptionalActions::Flush, &silent)?;
        Ok(Self { terminal, before })
    }
}

impl Drop for Silent<'_> {
    fn drop(&mut self) {
        // Nothing can be done about a terminal that is gone.
        let _ = tcsetattr(self.terminal, OptionalActions::Flush, &self.before);
    }
}

/// Ends after the first line, which is as far as a person types.
struct Line<'a> {
    terminal: &'a File,
    ended: bool,
}

impl<'a> Line<'a> {
    const fn new(terminal: &'a File) -> Self {
        Self {
            terminal,
            ended: false,
        }
    }
}

impl Read for Line<'_> {
    fn read(&mut self, buffer: &mut [u8]) -> io::Result<usize> {
        if self.ended {
            return Ok(0);
        }
        let count = self.terminal.read(buffer)?;
        self.ended = buffer
            .get(..count)
            .is_some_and(|read| read.ends_with(b"\n"));
        Ok(count)
    }
}

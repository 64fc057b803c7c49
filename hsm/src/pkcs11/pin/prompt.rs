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

/// Prompts on the terminal at `path`. The echo goes off before the prompt comes, so that nothing typed after it is shown or lost.
pub(super) fn read(path: &Path, token: &str) -> Result<Pin, PinError> {
    let io = |source| PinError::Io {
        path: path.to_path_buf(),
        source,
    };
    let terminal = OpenOptions::new()
        .read(true)
        .write(true)
        .open(path)
        .map_err(io)?;
    let silent = Silent::new(&terminal).map_err(io)?;
    write!(&terminal, "PIN of token {token}: ").map_err(io)?;
    let pin = read_pin(Line::new(&terminal), path);
    drop(silent);
    writeln!(&terminal).map_err(io)?;
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

#[cfg(test)]
mod tests {
    use super::*;
    use rustix::pty::{OpenptFlags, grantpt, openpt, ptsname, unlockpt};
    use std::os::unix::ffi::OsStrExt;
    use std::thread;

    // What is typed is read and not shown, and the echo is back afterwards.
    #[test]
    fn a_pin_is_typed_without_echo() {
        let person = openpt(OpenptFlags::RDWR | OpenptFlags::NOCTTY).unwrap();
        grantpt(&person).unwrap();
        unlockpt(&person).unwrap();
        let name = ptsname(&person, Vec::new()).unwrap();
        let path = Path::new(std::ffi::OsStr::from_bytes(name.to_bytes())).to_path_buf();
        // Kept open, so that the terminal outlives the prompt.
        let terminal = OpenOptions::new()
            .read(true)
            .write(true)
            .open(&path)
            .unwrap();
        let mut person = File::from(person);
        let reading = thread::spawn(move || read(&path, "t"));
        let mut shown = String::new();
        while !shown.contains("PIN of token t: ") {
            shown.push_str(&some(&mut person));
        }
        person.write_all(b"12 34\n").unwrap();
        assert!(reading.join().unwrap().is_ok());
        while !shown.ends_with("\r\n") {
            shown.push_str(&some(&mut person));
        }
        assert_eq!(shown, "PIN of token t: \r\n");
        assert!(
            tcgetattr(&terminal)
                .unwrap()
                .local_modes
                .contains(LocalModes::ECHO)
        );
    }

    fn some(person: &mut File) -> String {
        let mut buffer = [0; 64];
        let count = person.read(&mut buffer).unwrap();
        String::from_utf8_lossy(&buffer[..count]).into_owned()
    }
}

//! What the program says on its standard output.
//!
//! Invariant: whoever has gone is told nothing more, and that is no failure; what cannot be written to somebody who is there is one,
//! as where the output goes to a file on a full disk.
//! Errors: [`Failure::Unwritable`], with the exit code of every output that cannot be written.

use std::io::{self, ErrorKind, Write, stdout};
use std::path::PathBuf;

use super::exit::Failure;

/// What the standard output is called where it cannot be written.
const NAME: &str = "standard output";

/// Prints some text and ends the line.
pub(super) fn line(text: &str) -> Result<(), Failure> {
    whole(&format!("{text}\n"))
}

/// Prints some text as it stands.
pub(super) fn whole(text: &str) -> Result<(), Failure> {
    let mut out = stdout().lock();
    let written = out.write_all(text.as_bytes()).and_then(|()| out.flush());
    heard(written)
}

/// What became of something that was printed.
pub(super) fn heard(written: io::Result<()>) -> Result<(), Failure> {
    match written {
        Err(error) if error.kind() == ErrorKind::BrokenPipe => Ok(()),
        Err(source) => Err(Failure::Unwritable {
            path: PathBuf::from(NAME),
            source,
        }),
        Ok(()) => Ok(()),
    }
}

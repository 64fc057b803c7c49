//! A run whose trace is printed as it goes.
//!
//! Shape: the first line is `token` and the token; then the lines of the trace, each as it is made.

use std::io::{self, Write, stdout};
use std::panic::resume_unwind;
use std::sync::mpsc::{Receiver, Sender, channel};

use falaj_simulations::token::Token;
use falaj_simulations::trace::Line;

use super::exit::Failure;
use super::print;

/// Runs something whose lines are printed; they are all out when it ends.
pub(super) fn traced<R>(token: &Token, run: impl FnOnce(Sender<Line>) -> R) -> Result<R, Failure> {
    let (lines, heard) = channel::<Line>();
    std::thread::scope(|scope| {
        let printer = scope.spawn(move || printed(token, heard));
        // Whoever listened may have gone; the run goes on.
        let ended = run(lines);
        print::heard(printer.join().unwrap_or_else(|panic| resume_unwind(panic)))?;
        Ok(ended)
    })
}

/// Prints the lines as they come, until one cannot be printed.
fn printed(token: &Token, lines: Receiver<Line>) -> io::Result<()> {
    let mut out = stdout().lock();
    writeln!(out, "token {token}")?;
    for line in lines {
        writeln!(out, "{line}")?;
    }
    out.flush()
}

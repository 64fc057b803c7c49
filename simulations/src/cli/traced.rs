//! A run whose trace is printed as it goes.
//!
//! Shape: the first line is `token` and the token; then the lines of the trace, each as it is made.

use std::io::{Write, stdout};
use std::sync::mpsc::{Sender, channel};

use falaj_simulations::token::Token;
use falaj_simulations::trace::Line;

/// Runs something whose lines are printed; they are all out when it ends.
pub(super) fn traced<R>(token: &Token, run: impl FnOnce(Sender<Line>) -> R) -> R {
    let (lines, heard) = channel::<Line>();
    std::thread::scope(|scope| {
        scope.spawn(move || {
            let mut out = stdout().lock();
            // Whoever listened may have gone; the run goes on.
            let mut told = writeln!(out, "token {token}");
            for line in heard {
                told = told.and_then(|()| writeln!(out, "{line}"));
                if told.is_err() {
                    return;
                }
            }
        });
        run(lines)
    })
}

//! Panics that are findings: what is searched may meet its own assertions, and that is told as a finding, not printed.

use std::panic::{set_hook, take_hook};

/// Does something during which no panic is printed.
pub(super) fn quietly<R>(work: impl FnOnce() -> R) -> R {
    let before = take_hook();
    set_hook(Box::new(|_| {}));
    let done = work();
    set_hook(before);
    done
}

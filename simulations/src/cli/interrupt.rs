//! SIGINT and SIGTERM, as a question that is asked between two runs.
//!
//! Invariant: the first one lets the runs that are under way come to their end, a second one ends the program at once; whatever has its
//! line by then is kept.
//! Errors: none.

use std::sync::Arc;
use std::sync::atomic::{AtomicBool, Ordering};

use signal_hook::consts::{SIGINT, SIGTERM};
use signal_hook::flag::{register, register_conditional_default};

/// Whether somebody wants an end.
pub(super) struct Interrupt(Arc<AtomicBool>);

impl Interrupt {
    /// Listens from now on.
    pub(super) fn listen() -> Self {
        let came = Arc::new(AtomicBool::new(false));
        for signal in [SIGINT, SIGTERM] {
            // In this order: the first signal finds the flag down and puts it up, the second finds it up.
            let listening = register_conditional_default(signal, Arc::clone(&came))
                .and_then(|_| register(signal, Arc::clone(&came)));
            listening.expect("every process may listen to these two");
        }
        Self(came)
    }

    /// Whether one came.
    pub(super) fn came(&self) -> bool {
        self.0.load(Ordering::Relaxed)
    }
}

//! Ending the process when going on could cost money.
//!
//! Invariant: after a failed sync, or a broken belief in any of the node's threads, nothing is signed, sent or acknowledged any more.
//! The exit codes are those of `docs/guide/cli.md`; a supervisor starts the node again, and the records decide what it does then.

use falaj_consensus::durable::LogError;
use std::error::Error as _;
use std::sync::Arc;

/// Exit codes that end a running node.
pub mod exit_code {
    /// A record that is whole on disk but not what it must be.
    pub const DATA: i32 = 65;
    /// A belief of the program was broken.
    pub const SOFTWARE: i32 = 70;
    /// A write or sync failed, so the state of the disk is unknown.
    pub const DISK: i32 = 74;
}

/// How a thread of the node ends the process.
#[derive(Clone)]
pub struct Fatal(Arc<dyn Fn(i32, String) + Send + Sync>);

impl Fatal {
    /// Ends the process with a code, after the reason was logged.
    #[must_use]
    pub fn exit() -> Self {
        Self(Arc::new(|code, reason| {
            tracing::error!(code, reason, "the node ends");
            std::process::exit(code);
        }))
    }

    /// Does something else, for tests.
    #[must_use]
    pub fn with(end: impl Fn(i32, String) + Send + Sync + 'static) -> Self {
        Self(Arc::new(end))
    }

    /// Ends the process.
    pub fn end(&self, code: i32, reason: impl Into<String>) {
        (self.0)(code, reason.into());
    }

    /// Ends the process for a log that failed.
    pub(super) fn log_failed(&self, error: &LogError) {
        let code = if error.is_damage() {
            exit_code::DATA
        } else {
            exit_code::DISK
        };
        let causes = std::iter::successors(error.source(), |cause| (*cause).source());
        let reason = causes.fold(error.to_string(), |reason, cause| {
            format!("{reason}: {cause}")
        });
        self.end(code, reason);
    }
}

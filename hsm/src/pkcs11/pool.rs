//! Keeps the vendor library on threads of its own, with a bounded queue and a hard deadline.
//!
//! Invariant: a caller waits no longer than its deadline, whatever the library does. One thread at a time is at work; one that does not
//! come back in time is set aside with its session and another takes its place, at most `threads_max` in all.
//! Whatever a thread that was set aside still returns is dropped, never released.
//! Who calls: [`super::Pkcs11Backend`], from any thread.
//! Errors: [`CallError`].
//! Source: `docs/spec/hsm.md`, "Sessions" and "Escalation".

use std::sync::{Arc, Condvar, Mutex, MutexGuard, PoisonError, mpsc};
use std::time::{Duration, Instant};

use falaj_consensus::crypto::Signature;

use super::config::Limits;
use super::device::{Connected, MakeDevice};
use super::error::TokenError;
use state::{Done, Job, Link, State, Work};
pub use state::{Event, LinkStatus, Status};

mod state;
mod worker;

/// Why a call gave nothing.
#[derive(Clone, Debug, thiserror::Error)]
pub(crate) enum CallError {
    /// The deadline passed.
    #[error("no answer from the token in time")]
    Timeout,
    /// Too many requests wait already.
    #[error("the queue of the token is full")]
    QueueFull,
    /// The token does not work at present; it is tried again by itself.
    #[error("the token does not work at present")]
    Unavailable(#[source] TokenError),
    /// Every thread is stuck in the library.
    #[error("every thread is stuck in the pkcs#11 library; only a new process can help")]
    Stuck,
    /// The token works, and refuses this request.
    #[error("the token refuses this request")]
    Refused(#[source] TokenError),
    /// A person has to act.
    #[error("signing is latched off until a person acts")]
    Latched(#[source] TokenError),
    /// The pool is being dropped.
    #[error("the signer is shutting down")]
    Closed,
}

struct Shared {
    limits: Limits,
    devices: Box<dyn MakeDevice>,
    state: Mutex<State>,
    changed: Condvar,
}

/// The threads and their queue.
pub(crate) struct Pool {
    shared: Arc<Shared>,
}

impl Pool {
    /// Starts the first thread, which connects at once.
    pub(crate) fn start(devices: Box<dyn MakeDevice>, limits: Limits) -> Self {
        let shared = Arc::new(Shared {
            limits,
            devices,
            state: Mutex::new(State::new()),
            changed: Condvar::new(),
        });
        Shared::ensure_worker(&shared, &mut shared.lock());
        Self { shared }
    }

    /// Signs the bytes, waiting at most `budget`.
    pub(crate) fn sign(&self, bytes: &[u8], budget: Duration) -> Result<Signature, CallError> {
        match self.call(Work::Sign(bytes.to_vec()), budget)? {
            Done::Signed(signature) => Ok(signature),
            Done::Checked => Err(CallError::Closed),
        }
    }

    /// Looks at token, key and attributes again, waiting at most `budget`.
    pub(crate) fn recheck(&self, budget: Duration) -> Result<(), CallError> {
        self.call(Work::Recheck, budget).map(|_| ())
    }

    fn call(&self, work: Work, budget: Duration) -> Result<Done, CallError> {
        let deadline = Instant::now() + budget;
        let (reply, answer) = mpsc::sync_channel(1);
        {
            let mut state = self.shared.lock();
            self.shared.set_overdue_aside(&mut state);
            Shared::ensure_worker(&self.shared, &mut state);
            state.admit(
                Job {
                    work,
                    deadline,
                    reply,
                },
                self.shared.limits.queue_max,
            )?;
        }
        self.shared.changed.notify_all();
        match answer.recv_timeout(deadline.saturating_duration_since(Instant::now())) {
            Ok(answer) => answer,
            Err(_) => {
                let mut state = self.shared.lock();
                state.counts.timeouts += 1;
                self.shared.set_overdue_aside(&mut state);
                Shared::ensure_worker(&self.shared, &mut state);
                Err(CallError::Timeout)
            }
        }
    }

    /// Waits until the token works, or until the first attempt says why not; at most `patience`.
    pub(crate) fn wait_ready(&self, patience: Duration) -> Result<Connected, CallError> {
        let end = Instant::now() + patience;
        let mut state = self.shared.lock();
        loop {
            match &state.link {
                Link::Up(connected) => return Ok(connected.clone()),
                Link::Down { error, .. } => return Err(CallError::Unavailable(error.clone())),
                Link::Stuck => return Err(CallError::Stuck),
                Link::Latched(error) => return Err(CallError::Latched(error.clone())),
                Link::Connecting => {}
            }
            let left = end.saturating_duration_since(Instant::now());
            if left.is_zero() {
                return Err(CallError::Timeout);
            }
            state = self
                .shared
                .changed
                .wait_timeout(state, left)
                .unwrap_or_else(PoisonError::into_inner)
                .0;
        }
    }

    /// A snapshot for metrics and pages.
    pub(crate) fn status(&self) -> Status {
        let mut state = self.shared.lock();
        self.shared.set_overdue_aside(&mut state);
        Shared::ensure_worker(&self.shared, &mut state);
        state.status(Instant::now())
    }

    /// What happened since this was last asked, oldest first.
    pub(crate) fn take_events(&self) -> Vec<Event> {
        self.shared.lock().events.drain(..).collect()
    }
}

impl Drop for Pool {
    /// Lets the thread at work finish and close its session, and waits for the very end of every thread that left the library: a process
    /// that exits under the last instructions of such a thread crashes in OpenSSL. One that is stuck is left behind.
    fn drop(&mut self) {
        let mut state = self.shared.lock();
        state.close();
        self.shared.changed.notify_all();
        let patience = self.shared.limits.sign_deadline();
        let waited = self
            .shared
            .changed
            .wait_timeout_while(state, patience, |state| state.active.is_some());
        let ended = waited.unwrap_or_else(PoisonError::into_inner).0.ended();
        for thread in ended {
            // A thread that panicked has said so already.
            let _ = thread.join();
        }
    }
}

impl Shared {
    // A panic leaves counters and a queue that are each still consistent; signing must not stop for it.
    fn lock(&self) -> MutexGuard<'_, State> {
        self.state.lock().unwrap_or_else(PoisonError::into_inner)
    }

    /// Sets the thread at work aside when its call has been out for longer than it may.
    fn set_overdue_aside(&self, state: &mut State) {
        if state.overdue(Instant::now()) {
            state.set_aside(self.limits.threads_max);
            self.changed.notify_all();
        }
    }

    /// Starts a thread when none is at work and one more is allowed.
    fn ensure_worker(shared: &Arc<Self>, state: &mut State) {
        if let Some(number) = state.next_worker(shared.limits.threads_max) {
            let builder = std::thread::Builder::new().name(format!("falaj-pkcs11-{number}"));
            let own = Arc::clone(shared);
            match builder.spawn(move || worker::run(&own, number)) {
                Ok(handle) => state.started(number, handle),
                Err(error) => {
                    state.left(number);
                    state.latch(TokenError::Thread(Arc::new(error)));
                }
            }
        }
    }
}

#[cfg(test)]
mod tests;

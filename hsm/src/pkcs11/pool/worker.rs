//! One thread inside the vendor library: takes jobs, and climbs the escalation when one fails.
//!
//! Invariant: a job is signed only before its deadline and only while this thread is the one at work; every retry signs the same bytes.
//! Each step is taken at most once per job (see [`next_step`]); the pauses between whole attempts are the breaker's.
//! Errors: none leave the thread; they become answers, events and the state of the link.
//! Source: `docs/spec/hsm.md`, "Escalation".

use std::sync::mpsc::SendError;
use std::sync::{Arc, PoisonError};
use std::time::{Duration, Instant};

use ring::rand::{SecureRandom, SystemRandom};

use super::state::{Done, Event, Job, Link, State, Work};
use super::{CallError, Shared};
use crate::pkcs11::device::Device;
use crate::pkcs11::error::TokenError;
use crate::pkcs11::fault::{Stage, Step, next_step};

/// The body of a thread.
pub(super) fn run(shared: &Arc<Shared>, number: u64) {
    let _leave = Leave { shared, number };
    let device = shared.devices.make();
    Worker {
        shared,
        number,
        device,
        connected: false,
    }
    .work();
}

/// Says that the thread ended, also when it ends by a panic, and lets another take its place; after a panic, when the backoff is over.
struct Leave<'a> {
    shared: &'a Arc<Shared>,
    number: u64,
}

impl Drop for Leave<'_> {
    fn drop(&mut self) {
        let mut state = self.shared.lock();
        if std::thread::panicking() && state.is_active(self.number) {
            state.fail(&self.shared.limits, chance(), TokenError::Panicked);
        }
        state.left(self.number);
        Shared::ensure_worker(self.shared, &mut state);
        drop(state);
        self.shared.changed.notify_all();
    }
}

struct Worker<'a> {
    shared: &'a Arc<Shared>,
    number: u64,
    device: Box<dyn Device>,
    connected: bool,
}

enum Task {
    Exit,
    Connect,
    Serve(Job),
}

/// Why an escalation ended without success.
enum End {
    /// This thread is no longer the one at work.
    Gone,
    /// The deadline of the job passed on the way.
    Late,
    /// The token works and refuses the request.
    Refused(TokenError),
    /// Try again after the backoff.
    Wait(TokenError),
    /// Never try again.
    Latch(TokenError),
}

impl Worker<'_> {
    fn work(mut self) {
        loop {
            match self.next() {
                Task::Exit => return,
                Task::Connect => self.connect(),
                Task::Serve(job) => self.serve(job),
            }
        }
    }

    /// Waits for something to do.
    fn next(&self) -> Task {
        let mut state = self.shared.lock();
        loop {
            if state.closing || !state.is_active(self.number) {
                return Task::Exit;
            }
            let wait = match self.task(&mut state) {
                Ok(task) => return task,
                Err(wait) => wait,
            };
            state = match wait {
                None => self
                    .shared
                    .changed
                    .wait(state)
                    .unwrap_or_else(PoisonError::into_inner),
                Some(wait) => {
                    let waited = self.shared.changed.wait_timeout(state, wait);
                    waited.unwrap_or_else(PoisonError::into_inner).0
                }
            };
        }
    }

    /// The next task, or how long there is none.
    fn task(&self, state: &mut State) -> Result<Task, Option<Duration>> {
        if let Link::Latched(_) = state.link {
            return Ok(Task::Exit);
        }
        if let Link::Down { until, .. } = state.link {
            let left = until.saturating_duration_since(Instant::now());
            if !left.is_zero() {
                return Err(Some(left));
            }
            state.link = Link::Connecting;
            return Ok(Task::Connect);
        }
        if !self.connected {
            return Ok(Task::Connect);
        }
        state.jobs.pop_front().map(Task::Serve).ok_or(None)
    }

    fn connect(&mut self) {
        let first = self.reconnect();
        let end = self.escalate(Stage::Reconnect, first, None, |_| Ok(()));
        if let Err(end) = end {
            self.give_up(end);
        }
    }

    fn serve(&mut self, job: Job) {
        if Instant::now() >= job.deadline {
            return;
        }
        let Job {
            work,
            deadline,
            reply,
        } = job;
        let budget = self.shared.limits.sign_deadline();
        let first = self.attempt(&work, budget);
        let result = self.escalate(Stage::Sign, first, Some(deadline), |worker| {
            worker.attempt(&work, budget)
        });
        let answer = match result {
            Ok(done) => {
                self.note_done(&done);
                Ok(done)
            }
            Err(end) => Err(self.give_up(end)),
        };
        if let Err(SendError(Ok(Done::Signed(_)))) = reply.send(answer) {
            self.shared.lock().counts.late += 1;
        }
    }

    fn attempt(&mut self, work: &Work, budget: Duration) -> Result<Done, TokenError> {
        match work {
            Work::Sign(bytes) => {
                self.shared.lock().counts.calls += 1;
                self.timed(budget, |device| device.sign(bytes))
                    .map(Done::Signed)
            }
            Work::Recheck => {
                let budget = self.shared.limits.connect_deadline();
                self.timed(budget, |device| device.recheck())
                    .map(|()| Done::Checked)
            }
        }
    }

    /// Follows the table of [`next_step`] until an attempt succeeds or there is no further step.
    fn escalate<T>(
        &mut self,
        mut stage: Stage,
        mut result: Result<T, TokenError>,
        deadline: Option<Instant>,
        mut attempt: impl FnMut(&mut Self) -> Result<T, TokenError>,
    ) -> Result<T, End> {
        loop {
            if !self.is_active() {
                return Err(End::Gone);
            }
            let error = match result {
                Ok(value) => return Ok(value),
                Err(error) => error,
            };
            let step = next_step(stage, error.cause());
            self.shared.lock().note(Event::Fault {
                stage,
                error: error.clone(),
                step,
            });
            let prepared = match step {
                Step::SignAgain => {
                    self.pause(deadline);
                    stage = Stage::SignAgain;
                    Ok(())
                }
                Step::Reconnect => {
                    stage = Stage::Reconnect;
                    self.reconnect()
                }
                Step::Reinitialise => {
                    stage = Stage::Reinitialise;
                    self.reinitialise()
                }
                Step::Refuse => return Err(End::Refused(error)),
                Step::Wait | Step::Restart => return Err(End::Wait(error)),
                Step::Latch => return Err(End::Latch(error)),
            };
            result = match prepared {
                Err(error) => Err(error),
                Ok(()) if !self.is_active() => return Err(End::Gone),
                Ok(()) if is_past(deadline) => return Err(End::Late),
                Ok(()) => {
                    stage = after(stage);
                    attempt(self)
                }
            };
        }
    }

    /// R1.
    fn reconnect(&mut self) -> Result<(), TokenError> {
        self.connected = false;
        self.while_active(|state| state.link = Link::Connecting);
        let budget = self.shared.limits.connect_deadline();
        let found = self.timed(budget, |device| device.reconnect())?;
        self.connected = true;
        self.while_active(|state| {
            state.counts.connects += 1;
            state.note(Event::Connected {
                token: found.token.clone(),
            });
            state.link = Link::Up(found);
        });
        self.shared.changed.notify_all();
        Ok(())
    }

    /// R2, and R1 behind it.
    fn reinitialise(&mut self) -> Result<(), TokenError> {
        self.connected = false;
        self.while_active(|state| state.link = Link::Connecting);
        // Waiting for calls in flight comes on top of the library's own time.
        let budget = self.shared.limits.connect_deadline().saturating_mul(2);
        self.timed(budget, |device| device.reinitialise())?;
        self.while_active(|state| state.counts.reinitialisations += 1);
        self.reconnect()
    }

    /// Runs something that may block inside the library, and says until when it may.
    fn timed<T>(&mut self, budget: Duration, call: impl FnOnce(&mut dyn Device) -> T) -> T {
        self.return_by(Some(Instant::now() + budget));
        let result = call(self.device.as_mut());
        self.return_by(None);
        result
    }

    fn return_by(&self, when: Option<Instant>) {
        let mut state = self.shared.lock();
        if let Some(active) = state
            .active
            .as_mut()
            .filter(|active| active.number == self.number)
        {
            active.return_by = when;
        }
    }

    fn is_active(&self) -> bool {
        self.shared.lock().is_active(self.number)
    }

    fn while_active(&self, change: impl FnOnce(&mut State)) {
        let mut state = self.shared.lock();
        if state.is_active(self.number) {
            change(&mut state);
        }
    }

    fn pause(&self, deadline: Option<Instant>) {
        let left = deadline.map(|deadline| deadline.saturating_duration_since(Instant::now()));
        let pause = self.shared.limits.pause();
        std::thread::sleep(left.map_or(pause, |left| left.min(pause)));
    }

    fn note_done(&self, done: &Done) {
        self.while_active(|state| {
            state.breaker.succeeded();
            if let Done::Signed(_) = done {
                state.counts.signed += 1;
            }
        });
    }

    /// What the end of an escalation does to the link, and the answer to the job behind it.
    fn give_up(&mut self, end: End) -> CallError {
        let limits = self.shared.limits;
        match end {
            End::Gone | End::Late => CallError::Timeout,
            End::Refused(error) => {
                self.while_active(|state| state.counts.refused += 1);
                CallError::Refused(error)
            }
            End::Wait(error) => {
                self.connected = false;
                let answer = CallError::Unavailable(error.clone());
                self.while_active(|state| state.fail(&limits, chance(), error));
                self.shared.changed.notify_all();
                answer
            }
            End::Latch(error) => {
                let answer = CallError::Latched(error.clone());
                self.while_active(|state| state.latch(error));
                self.shared.changed.notify_all();
                answer
            }
        }
    }
}

/// The attempt that follows a step that succeeded.
const fn after(stage: Stage) -> Stage {
    match stage {
        Stage::Sign | Stage::SignAgain => stage,
        Stage::Reconnect | Stage::SignAfterReconnect => Stage::SignAfterReconnect,
        Stage::Reinitialise | Stage::SignAfterReinitialise => Stage::SignAfterReinitialise,
    }
}

fn is_past(deadline: Option<Instant>) -> bool {
    deadline.is_some_and(|deadline| Instant::now() >= deadline)
}

/// Any 32 bits; without any, the backoff is its full length.
fn chance() -> u32 {
    let mut bytes = [0; 4];
    match SystemRandom::new().fill(&mut bytes) {
        Ok(()) => u32::from_le_bytes(bytes),
        Err(_) => 0,
    }
}

//! What the callers and the threads of a pool share, and its transitions. Everything here is quick; the library is never called.
//!
//! Invariant: `active` names the one thread that may take jobs; a job is answered at most once, by whoever took it out of the queue.

use std::collections::{BTreeSet, VecDeque};
use std::fmt;
use std::sync::mpsc::SyncSender;
use std::thread::JoinHandle;
use std::time::{Duration, Instant};

use falaj_consensus::crypto::Signature;

use super::CallError;
use crate::pkcs11::breaker::Breaker;
use crate::pkcs11::config::Limits;
use crate::pkcs11::device::Connected;
use crate::pkcs11::error::TokenError;
use crate::pkcs11::fault::{Stage, Step};

/// Events that are kept until somebody takes them; older ones go.
const EVENTS_MAX: usize = 256;

/// What is asked of a thread.
pub(super) enum Work {
    Sign(Vec<u8>),
    Recheck,
}

/// What comes of it.
pub(super) enum Done {
    Signed(Signature),
    Checked,
}

pub(super) struct Job {
    pub(super) work: Work,
    pub(super) deadline: Instant,
    pub(super) reply: SyncSender<Result<Done, CallError>>,
}

/// The state of the connection.
pub(super) enum Link {
    /// A thread is opening a session.
    Connecting,
    /// The last call succeeded.
    Up(Connected),
    /// Left alone until then.
    Down { until: Instant, error: TokenError },
    /// All threads are inside the library and none came back.
    Stuck,
    /// Off until a person acts.
    Latched(TokenError),
}

/// The state of the connection, for metrics and pages.
#[derive(Clone, Debug)]
pub enum LinkStatus {
    /// A session is being opened.
    Connecting,
    /// The token works.
    Up {
        /// Its label.
        token: String,
        /// Whether its slot says it is hardware.
        hardware: bool,
    },
    /// The token does not work and is tried again.
    Down {
        /// Time until then, in milliseconds.
        retry_in_ms: u64,
        /// Why.
        error: TokenError,
    },
    /// Every thread is stuck in the library; only a new process can help.
    Stuck,
    /// Off until a person acts.
    Latched {
        /// Why.
        error: TokenError,
    },
}

impl LinkStatus {
    /// The stable word for it, in health checks and metrics.
    #[must_use]
    pub const fn code(&self) -> &'static str {
        match self {
            Self::Connecting => "connecting",
            Self::Up { .. } => "up",
            Self::Down { .. } => "down",
            Self::Stuck => "stuck",
            Self::Latched { .. } => "latched",
        }
    }
}

/// Something an operator may want to read in the log.
#[derive(Clone, Debug)]
pub enum Event {
    /// A session was opened, the key found, a canary signed.
    Connected {
        /// Label of the token.
        token: String,
    },
    /// A step failed.
    Fault {
        /// Where.
        stage: Stage,
        /// Why.
        error: TokenError,
        /// What is done about it.
        step: Step,
    },
    /// The breaker opened.
    Waiting {
        /// For how long, in milliseconds.
        backoff_ms: u64,
        /// How often it failed in a row.
        failures: u32,
    },
    /// A thread did not come back from the library in time and was set aside with its session.
    SetAside {
        /// Number of the thread.
        worker: u64,
    },
    /// A thread that was set aside came back; what it brought was dropped.
    CameBack {
        /// Number of the thread.
        worker: u64,
    },
}

impl fmt::Display for Event {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self {
            Self::Connected { token } => write!(f, "connected to token {token}"),
            Self::Fault { error, step, .. } => {
                write!(f, "{}: {error}; {}", error.cause().code(), step.words())
            }
            Self::Waiting {
                backoff_ms,
                failures,
            } => {
                write!(
                    f,
                    "failed {failures} times in a row; next attempt in {backoff_ms} ms"
                )
            }
            Self::SetAside { worker } => {
                write!(
                    f,
                    "thread {worker} did not come back from the library and was set aside"
                )
            }
            Self::CameBack { worker } => {
                write!(
                    f,
                    "thread {worker} came back from the library; what it brought was dropped"
                )
            }
        }
    }
}

#[derive(Clone, Copy, Debug, Default)]
pub(super) struct Counts {
    pub(super) calls: u64,
    pub(super) signed: u64,
    pub(super) refused: u64,
    pub(super) timeouts: u64,
    pub(super) late: u64,
    pub(super) connects: u64,
    pub(super) reinitialisations: u64,
    pub(super) set_aside: u64,
}

/// A snapshot of a pool, for metrics and pages.
#[derive(Clone, Debug)]
pub struct Status {
    /// The connection.
    pub link: LinkStatus,
    /// Signing calls of the library, canaries not counted.
    pub calls: u64,
    /// Signatures that were verified and handed over.
    pub signed: u64,
    /// Requests that the token refused while it worked.
    pub refused: u64,
    /// Requests that got no answer in time.
    pub timeouts: u64,
    /// Signatures that came after their caller had left; dropped.
    pub late: u64,
    /// Sessions opened with a good canary.
    pub connects: u64,
    /// Times the library was initialised again.
    pub reinitialisations: u64,
    /// Threads set aside.
    pub set_aside: u64,
    /// Threads alive, those that were set aside included.
    pub threads: usize,
    /// Requests that wait.
    pub queued: usize,
    /// Failures in a row.
    pub failures: u32,
}

pub(super) struct Active {
    pub(super) number: u64,
    /// When the call that is out must have returned.
    pub(super) return_by: Option<Instant>,
}

pub(super) struct State {
    pub(super) jobs: VecDeque<Job>,
    pub(super) link: Link,
    pub(super) active: Option<Active>,
    pub(super) breaker: Breaker,
    pub(super) counts: Counts,
    pub(super) events: VecDeque<Event>,
    pub(super) closing: bool,
    /// Threads that have not ended, by number; those that were set aside included.
    threads: BTreeSet<u64>,
    handles: Vec<(u64, JoinHandle<()>)>,
    numbers: u64,
}

impl State {
    pub(super) const fn new() -> Self {
        Self {
            jobs: VecDeque::new(),
            link: Link::Connecting,
            active: None,
            breaker: Breaker::new(),
            counts: Counts::NONE,
            events: VecDeque::new(),
            closing: false,
            threads: BTreeSet::new(),
            handles: Vec::new(),
            numbers: 0,
        }
    }

    /// Takes a job into the queue, or says why not.
    pub(super) fn admit(&mut self, job: Job, queue_max: usize) -> Result<(), CallError> {
        if self.closing {
            return Err(CallError::Closed);
        }
        match &self.link {
            Link::Latched(error) => return Err(CallError::Latched(error.clone())),
            Link::Down { error, .. } => return Err(CallError::Unavailable(error.clone())),
            Link::Stuck => return Err(CallError::Stuck),
            Link::Connecting | Link::Up(_) => {}
        }
        if self.jobs.len() >= queue_max {
            return Err(CallError::QueueFull);
        }
        self.jobs.push_back(job);
        Ok(())
    }

    pub(super) fn is_active(&self, number: u64) -> bool {
        self.active
            .as_ref()
            .is_some_and(|active| active.number == number)
    }

    /// Whether the call that is out should have returned.
    pub(super) fn overdue(&self, now: Instant) -> bool {
        let return_by = self.active.as_ref().and_then(|active| active.return_by);
        return_by.is_some_and(|return_by| now >= return_by)
    }

    /// Lets the thread at work go; it finds out when its call returns.
    pub(super) fn set_aside(&mut self, threads_max: usize) {
        let Some(active) = self.active.take() else {
            return;
        };
        self.counts.set_aside += 1;
        self.note(Event::SetAside {
            worker: active.number,
        });
        if self.threads.len() < threads_max {
            self.link = Link::Connecting;
        } else {
            self.link = Link::Stuck;
            self.answer_all(&CallError::Stuck);
        }
    }

    /// The number of a thread to start now, if one is missing and allowed.
    pub(super) fn next_worker(&mut self, threads_max: usize) -> Option<u64> {
        let wanted =
            self.active.is_none() && !self.closing && !matches!(self.link, Link::Latched(_));
        if !wanted || self.threads.len() >= threads_max {
            return None;
        }
        self.numbers += 1;
        self.threads.insert(self.numbers);
        if !matches!(self.link, Link::Down { .. }) {
            self.link = Link::Connecting;
        }
        self.active = Some(Active {
            number: self.numbers,
            return_by: None,
        });
        Some(self.numbers)
    }

    /// Keeps the handle of a thread that was started, and lets go of those that ended.
    pub(super) fn started(&mut self, number: u64, handle: JoinHandle<()>) {
        self.handles.retain(|(_, handle)| !handle.is_finished());
        self.handles.push((number, handle));
    }

    /// The handles of the threads that said they ended; joining them waits for their last instructions alone.
    pub(super) fn ended(&mut self) -> Vec<JoinHandle<()>> {
        let all = std::mem::take(&mut self.handles);
        let (inside, ended): (Vec<_>, Vec<_>) = all
            .into_iter()
            .partition(|(number, _)| self.threads.contains(number));
        self.handles = inside;
        ended.into_iter().map(|(_, handle)| handle).collect()
    }

    /// A thread ended.
    pub(super) fn left(&mut self, number: u64) {
        self.threads.remove(&number);
        if self.is_active(number) {
            self.active = None;
        } else {
            self.note(Event::CameBack { worker: number });
        }
    }

    /// Opens the breaker.
    pub(super) fn fail(&mut self, limits: &Limits, chance: u32, error: TokenError) {
        let backoff = self.breaker.failed(limits, chance);
        let failures = self.breaker.failures();
        self.note(Event::Waiting {
            backoff_ms: milliseconds(backoff),
            failures,
        });
        self.answer_all(&CallError::Unavailable(error.clone()));
        self.link = Link::Down {
            until: Instant::now() + backoff,
            error,
        };
    }

    /// X: off.
    pub(super) fn latch(&mut self, error: TokenError) {
        self.answer_all(&CallError::Latched(error.clone()));
        self.link = Link::Latched(error);
    }

    pub(super) fn close(&mut self) {
        self.closing = true;
        self.answer_all(&CallError::Closed);
    }

    pub(super) fn note(&mut self, event: Event) {
        if self.events.len() >= EVENTS_MAX {
            self.events.pop_front();
        }
        self.events.push_back(event);
    }

    fn answer_all(&mut self, error: &CallError) {
        for job in self.jobs.drain(..) {
            // A caller that left needs no answer.
            let _ = job.reply.send(Err(error.clone()));
        }
    }

    pub(super) fn status(&self, now: Instant) -> Status {
        let link = match &self.link {
            Link::Connecting => LinkStatus::Connecting,
            Link::Up(found) => LinkStatus::Up {
                token: found.token.clone(),
                hardware: found.hardware,
            },
            Link::Down { until, error } => LinkStatus::Down {
                retry_in_ms: milliseconds(until.saturating_duration_since(now)),
                error: error.clone(),
            },
            Link::Stuck => LinkStatus::Stuck,
            Link::Latched(error) => LinkStatus::Latched {
                error: error.clone(),
            },
        };
        let counts = self.counts;
        Status {
            link,
            calls: counts.calls,
            signed: counts.signed,
            refused: counts.refused,
            timeouts: counts.timeouts,
            late: counts.late,
            connects: counts.connects,
            reinitialisations: counts.reinitialisations,
            set_aside: counts.set_aside,
            threads: self.threads.len(),
            queued: self.jobs.len(),
            failures: self.breaker.failures(),
        }
    }
}

impl Counts {
    const NONE: Self = Self {
        calls: 0,
        signed: 0,
        refused: 0,
        timeouts: 0,
        late: 0,
        connects: 0,
        reinitialisations: 0,
        set_aside: 0,
    };
}

fn milliseconds(duration: Duration) -> u64 {
    u64::try_from(duration.as_millis()).unwrap_or(u64::MAX)
}

//! Threads for signature checks and execution.
//!
//! Invariant: whose work is done next is said by [`turns`]: messages of consensus before execution, before batches and submissions, each
//! with a share of its own, and within them all senders in turn. A panic in a job that is not execution is a broken belief and ends the
//! process.
//! Shape: what waits is unbounded here because the replica bounds what it hands out.

mod turns;

use falaj_consensus::verify::Checker;
use falaj_ledger::validate::Rules;
use std::collections::VecDeque;
use std::sync::{Arc, Condvar, Mutex, PoisonError};
use std::thread::JoinHandle;
use std::time::Instant;

use super::fatal::{Fatal, exit_code};
use crate::core::{ExecuteJob, Input, JobTools, VerifyJob};
use turns::{Rank, Source, Turns};

enum Job {
    Verify(Box<VerifyJob>),
    Execute(Box<ExecuteJob>),
}

/// What a thread does next.
enum Work {
    Verify(Vec<VerifyJob>),
    Execute(Box<ExecuteJob>),
}

struct Queues {
    turns: Turns<Job>,
    closed: bool,
}

struct Shared {
    queues: Mutex<Queues>,
    wake: Condvar,
}

/// The pool.
pub struct Workers {
    shared: Arc<Shared>,
    threads: Vec<JoinHandle<()>>,
}

impl Workers {
    /// Starts `count` threads; results go to `results`, and the seconds of each execution to `executed`.
    ///
    /// # Errors
    /// When the system gives no thread.
    pub fn start(
        count: usize,
        checker: Arc<dyn Checker>,
        rules: Arc<Rules>,
        results: impl Fn(Input) + Clone + Send + 'static,
        executed: impl Fn(f64) + Clone + Send + 'static,
        fatal: &Fatal,
    ) -> std::io::Result<Self> {
        let shared = Arc::new(Shared {
            queues: Mutex::new(Queues {
                turns: Turns::new(),
                closed: false,
            }),
            wake: Condvar::new(),
        });
        let mut threads = Vec::with_capacity(count);
        for number in 0..count.max(1) {
            let (shared, checker, rules) = (
                Arc::clone(&shared),
                Arc::clone(&checker),
                Arc::clone(&rules),
            );
            let (results, executed, fatal) = (results.clone(), executed.clone(), fatal.clone());
            let thread = std::thread::Builder::new()
                .name(format!("worker-{number}"))
                .spawn(move || {
                    let work = || {
                        run(
                            &shared,
                            JobTools {
                                checker: &*checker,
                                rules: &rules,
                            },
                            &results,
                            &executed,
                        )
                    };
                    if std::panic::catch_unwind(std::panic::AssertUnwindSafe(work)).is_err() {
                        fatal.end(exit_code::SOFTWARE, "a worker thread panicked");
                    }
                })?;
            threads.push(thread);
        }
        Ok(Self { shared, threads })
    }

    /// Has signatures checked.
    pub fn verify(&self, job: Box<VerifyJob>) {
        let (rank, source) = place_of(&job);
        self.push(rank, source, Job::Verify(job));
    }

    /// Has a block executed.
    pub fn execute(&self, job: Box<ExecuteJob>) {
        self.push(Rank::Execution, Source::Ourselves, Job::Execute(job));
    }

    fn push(&self, rank: Rank, source: Source, job: Job) {
        lock(&self.shared).turns.push(rank, source, job);
        self.shared.wake.notify_one();
    }
}

impl Drop for Workers {
    fn drop(&mut self) {
        lock(&self.shared).closed = true;
        self.shared.wake.notify_all();
        for thread in self.threads.drain(..) {
            // A panic was told to `fatal` already.
            drop(thread.join());
        }
    }
}

/// How urgent a check is, and whose.
const fn place_of(job: &VerifyJob) -> (Rank, Source) {
    match job {
        VerifyJob::Proposal { from, .. }
        | VerifyJob::Votes { from, .. }
        | VerifyJob::Polka { from, .. }
        | VerifyJob::Certificate { from, .. }
        | VerifyJob::Evidence { from, .. } => (Rank::Messages, Source::Peer(from.by)),
        // A block waits for these, whoever sent its parts.
        VerifyJob::Inline { .. }
        | VerifyJob::BlockEvidence { .. }
        | VerifyJob::Batch { from: None, .. } => (Rank::Messages, Source::Ourselves),
        VerifyJob::Batch {
            from: Some(from), ..
        } => (Rank::Bulk, Source::Peer(from.by)),
        VerifyJob::Submitted(_) => (Rank::Bulk, Source::Clients),
    }
}

fn lock(shared: &Shared) -> std::sync::MutexGuard<'_, Queues> {
    shared.queues.lock().unwrap_or_else(PoisonError::into_inner)
}

fn run(shared: &Shared, tools: JobTools<'_>, results: &impl Fn(Input), executed: &impl Fn(f64)) {
    while let Some(work) = next_work(shared) {
        match work {
            Work::Verify(jobs) => VerifyJob::run_together(jobs, tools)
                .into_iter()
                .for_each(|result| results(Input::Verified(result))),
            Work::Execute(job) => {
                let started = Instant::now();
                let done = job.run();
                executed(started.elapsed().as_secs_f64());
                results(Input::Executed(done));
            }
        }
    }
}

fn next_work(shared: &Shared) -> Option<Work> {
    let mut queues = lock(shared);
    loop {
        if queues.closed {
            return None;
        }
        if let Some(work) = queues.turns.next(take_front).flatten() {
            return Some(work);
        }
        queues = shared
            .wake
            .wait(queues)
            .unwrap_or_else(PoisonError::into_inner);
    }
}

/// The first job of a queue, with those behind it that are cheaper done with it.
fn take_front(queue: &mut VecDeque<Job>) -> Option<Work> {
    let waiting = queue.iter().map_while(|job| match job {
        Job::Verify(job) => Some(&**job),
        Job::Execute(_) => None,
    });
    let company = VerifyJob::company(waiting);
    if company == 0 {
        return match queue.pop_front()? {
            Job::Execute(job) => Some(Work::Execute(job)),
            Job::Verify(job) => Some(Work::Verify(vec![*job])),
        };
    }
    let taken = queue.drain(..company).filter_map(|job| match job {
        Job::Verify(job) => Some(*job),
        Job::Execute(_) => None,
    });
    Some(Work::Verify(taken.collect()))
}

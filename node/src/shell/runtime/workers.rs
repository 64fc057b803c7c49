//! Threads for signature checks and execution.
//!
//! Invariant: what a vote waits for is taken before what a client waits for: messages of consensus, then execution, then batches,
//! then submissions. A panic in a job that is not execution is a broken belief and ends the process.
//! Shape: one queue a priority, unbounded here because the replica bounds what it hands out.

use falaj_consensus::verify::Checker;
use falaj_ledger::validate::Rules;
use std::collections::VecDeque;
use std::sync::{Arc, Condvar, Mutex, PoisonError};
use std::thread::JoinHandle;
use std::time::Instant;

use super::fatal::{Fatal, exit_code};
use crate::core::{ExecuteJob, Input, JobTools, VerifyJob};

const PRIORITIES: usize = 4;

enum Job {
    Verify(Box<VerifyJob>),
    Execute(Box<ExecuteJob>),
}

/// What a thread does next.
enum Work {
    Verify(Vec<VerifyJob>),
    Execute(Box<ExecuteJob>),
}

#[derive(Default)]
struct Queues {
    by_priority: [VecDeque<Job>; PRIORITIES],
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
            queues: Mutex::new(Queues::default()),
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
        self.push(priority_of(&job), Job::Verify(job));
    }

    /// Has a block executed.
    pub fn execute(&self, job: Box<ExecuteJob>) {
        self.push(1, Job::Execute(job));
    }

    fn push(&self, priority: usize, job: Job) {
        lock(&self.shared).by_priority[priority].push_back(job);
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

const fn priority_of(job: &VerifyJob) -> usize {
    match job {
        VerifyJob::Proposal { .. }
        | VerifyJob::Votes { .. }
        | VerifyJob::Polka { .. }
        | VerifyJob::Certificate { .. }
        | VerifyJob::Inline { .. } => 0,
        VerifyJob::Batch { .. } => 2,
        VerifyJob::Submitted(_) => 3,
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
        if let Some(work) = queues.by_priority.iter_mut().find_map(take_front) {
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

//! The thread that owns the replica: one input, one step, effects out at once, outputs out when proven.
//!
//! Invariant: steps are taken one at a time, in the order of the [inbox](super::inbox); a timer that is due goes before what waits there.
//! A panic here is a broken belief and ends the process.

use falaj_consensus::durable::{LogId, Outbox, PendingQueue};
use std::sync::mpsc::RecvTimeoutError;
use std::thread::JoinHandle;
use std::time::Duration;

use super::clock::Clock;
use super::fatal::{Fatal, exit_code};
use super::inbox::{CoreInbox, Message};
use super::log_reader::LogRead;
use super::log_thread::{LogCommand, LogThread};
use super::snapshot_thread::SnapshotThread;
use super::timers::Timers;
use super::workers::Workers;
use crate::core::{Effect, Input, Output, Recovered, Replica, ReplicaConfig};
use falaj_consensus::message::Statement;
use falaj_hsm::{HeightProof, SignRequest};

/// Where outputs go once they may leave.
pub trait Outlet: Send {
    /// Takes outputs in order.
    fn take(&mut self, outputs: Vec<Output>);
}

/// Everything the core thread is given.
pub struct CoreParts<O: Outlet> {
    /// What the operator chose.
    pub config: ReplicaConfig,
    /// What the logs, the store and the guard hold.
    pub recovered: Recovered,
    /// The clocks.
    pub clock: Clock,
    /// Signature checks and execution.
    pub workers: Workers,
    /// The block log.
    pub block_log: LogThread,
    /// The batch log.
    pub batch_log: LogThread,
    /// The signer; `None` for a node that only follows.
    pub signer: Option<Box<dyn Fn(SignerCommand) + Send>>,
    /// Snapshots that peers ask for.
    pub snapshots: SnapshotThread,
    /// Where outputs go.
    pub outlet: O,
    /// How to end the process.
    pub fatal: Fatal,
}

/// What the core asks of the signer.
#[derive(Debug)]
pub enum SignerCommand {
    /// Sign.
    Sign(Box<SignRequest>),
    /// Refuse everything: this node computes another outcome than a quorum.
    Latch,
    /// Open that latch: this node computed what a quorum certified.
    OpenLatch,
    /// A statement signed by our own key came from outside.
    OwnStatementSeen(Statement),
    /// A height fixed another validator set.
    SetDecided(Box<HeightProof>),
}

impl CoreInbox {
    /// Starts the thread.
    ///
    /// # Errors
    /// When the system gives no thread.
    pub fn run<O: Outlet + 'static>(
        mut self,
        parts: CoreParts<O>,
    ) -> std::io::Result<JoinHandle<()>> {
        let fatal = parts.fatal.clone();
        std::thread::Builder::new()
            .name("core".into())
            .spawn(move || {
                let work = move || Core::start(parts).run(&mut self);
                if std::panic::catch_unwind(std::panic::AssertUnwindSafe(work)).is_err() {
                    fatal.end(exit_code::SOFTWARE, "the core thread panicked");
                }
            })
    }
}

struct Core<O: Outlet> {
    replica: Replica,
    pending: PendingQueue<Output>,
    timers: Timers,
    clock: Clock,
    workers: Workers,
    block_log: LogThread,
    batch_log: LogThread,
    signer: Option<Box<dyn Fn(SignerCommand) + Send>>,
    snapshots: SnapshotThread,
    outlet: O,
}

impl<O: Outlet> Core<O> {
    fn start(parts: CoreParts<O>) -> Self {
        let CoreParts {
            config,
            recovered,
            clock,
            workers,
            block_log,
            batch_log,
            signer,
            snapshots,
            outlet,
            fatal: _,
        } = parts;
        let (replica, outbox) = Replica::start(config, recovered, clock.now());
        let pending = PendingQueue::new();
        let timers = Timers::default();
        let mut core = Self {
            replica,
            pending,
            timers,
            clock,
            workers,
            block_log,
            batch_log,
            signer,
            snapshots,
            outlet,
        };
        core.perform(outbox);
        core
    }

    fn run(mut self, inbox: &mut CoreInbox) {
        loop {
            while let Some(timer) = self.timers.take_due(self.clock.now().mono_ns) {
                self.step(Input::Timer(timer));
            }
            match self.next(inbox) {
                Ok(Message::Result(input) | Message::Input(input)) => self.step(input),
                Ok(Message::Bounded(input, room)) => {
                    drop(room);
                    self.step(input);
                }
                Ok(Message::Ask(question)) => question(&self.replica),
                Err(RecvTimeoutError::Timeout) => {}
                Ok(Message::Stop) | Err(RecvTimeoutError::Disconnected) => return,
            }
        }
    }

    fn next(&self, inbox: &mut CoreInbox) -> Result<Message, RecvTimeoutError> {
        let wait = self.timers.next_ns().map(|at| {
            let left_ns = at.saturating_sub(self.clock.now().mono_ns);
            Duration::from_nanos(left_ns)
        });
        inbox.next(wait)
    }

    fn step(&mut self, input: Input) {
        if let Input::Synced(durable) = &input {
            self.pending.note(durable);
        }
        let outbox = self.replica.step(self.clock.now(), input);
        self.perform(outbox);
    }

    fn perform(&mut self, outbox: Outbox<Effect, Output>) {
        for effect in outbox.start {
            self.begin(effect);
        }
        self.pending.push(outbox.pending);
        let released = self.pending.release();
        if !released.is_empty() {
            self.outlet.take(released);
        }
    }

    fn begin(&mut self, effect: Effect) {
        match effect {
            Effect::Sign { request, .. } => self.ask_signer(SignerCommand::Sign(request)),
            Effect::LatchSigning => self.ask_signer(SignerCommand::Latch),
            Effect::OpenLatch => self.ask_signer(SignerCommand::OpenLatch),
            Effect::SetDecided(proof) => self.ask_signer(SignerCommand::SetDecided(proof)),
            Effect::OwnStatementSeen { statement, .. } => {
                self.ask_signer(SignerCommand::OwnStatementSeen(statement))
            }
            Effect::Verify(job) => self.workers.verify(job),
            Effect::Execute(job) => self.workers.execute(job),
            Effect::Append { log, record } => self.log(log).send(LogCommand::Append(record)),
            Effect::Read { positions, purpose } => self
                .log(LogId::Batch)
                .send(LogCommand::Read(LogRead::Records { positions, purpose })),
            Effect::Find {
                from,
                count,
                purpose,
            } => self
                .log(LogId::Block)
                .send(LogCommand::Read(LogRead::Heights {
                    from,
                    count,
                    purpose,
                })),
            Effect::ReadSnapshot { to, part } => self.snapshots.read(to, part),
            Effect::Timer { id, after_ns } => {
                let at = self.clock.now().mono_ns.saturating_add(after_ns);
                self.timers.start(at, id);
            }
        }
    }

    fn ask_signer(&self, command: SignerCommand) {
        if let Some(signer) = &self.signer {
            signer(command);
        }
    }

    const fn log(&self, log: LogId) -> &LogThread {
        match log {
            LogId::Batch => &self.batch_log,
            LogId::Block | LogId::Guard | LogId::Audit => &self.block_log,
        }
    }
}

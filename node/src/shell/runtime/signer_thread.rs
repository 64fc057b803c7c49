//! The threads of the signer: one owns the guard and its log, one waits for the HSM.
//!
//! Invariant: the guard's thread alone writes the guard; it syncs an intent while the HSM signs it, and answers when both are done.
//! A device that hangs costs votes: its thread waits, the guard's thread answers and syncs on.
//! A failed write or sync of the guard ends the process.
//! Source: `docs/spec/guard.md`, "The home"; `docs/spec/hsm.md`, "Sessions".

use falaj_consensus::crypto::Signature;
use falaj_consensus::durable::{Disk, LogError, LogId};
use falaj_consensus::types::Height;
use falaj_hsm::purpose::Purpose;
use falaj_hsm::{
    Alarm, Backend, BackendCall, BackendError, CallId, Counters, Input, Latch, Notice, Output,
    SignerHome, Unlatch, WitnessFile,
};
use std::sync::Arc;
use std::sync::mpsc::{Receiver, RecvTimeoutError, SendError, Sender, channel};
use std::thread::JoinHandle;
use std::time::{Duration, Instant};

use super::clock::Clock;
use super::core_thread::SignerCommand;
use super::fatal::Fatal;
use crate::core;

/// How long the signer must be idle before it tidies up its logs.
const IDLE: Duration = Duration::from_secs(1);

/// Time between two looks at token, key and attributes.
const RECHECK_INTERVAL: Duration = Duration::from_secs(3_600);

/// How long a look that is due waits for a moment in which nothing is signed.
const RECHECK_PATIENCE: Duration = Duration::from_secs(600);

enum Message {
    Command(SignerCommand),
    Input(Box<Input>),
    /// A call ended; without a result if its deadline passed before it was begun.
    Done {
        call: CallId,
        result: Option<Result<Signature, BackendError>>,
        purpose: Purpose,
        seconds: f64,
    },
    /// The backend was looked at without a call: it failed, or it works again.
    Attended(Result<(), BackendError>),
    Look(Box<dyn FnOnce(&Counters) + Send>),
    Stop,
}

/// What the signer's threads tell the node beside their answers.
pub trait SignerWitness: Send + Sync {
    /// A call of the backend took that long.
    fn signed(&self, purpose: Purpose, seconds: f64, error: Option<&BackendError>);
    /// Without a call of ours the backend failed its check, or it has connected again and signed a canary.
    fn attended(&self, result: Result<(), &BackendError>);
    /// A request was refused.
    fn refused(&self, code: &'static str);
    /// A person has to know.
    fn alarm(&self, alarm: &Alarm);
    /// Something happened to the backend.
    fn notice(&self, notice: &Notice);
    /// The guard's highest record is of that height.
    fn guard_at(&self, height: Height);
}

/// The hand on a running signer.
#[derive(Clone)]
pub struct SignerHandle {
    messages: Sender<Message>,
}

impl SignerHandle {
    /// Hands over what the core asks.
    pub fn command(&self, command: SignerCommand) {
        drop(self.messages.send(Message::Command(command)));
    }

    /// Hands over what an operator asks.
    pub fn input(&self, input: Input) {
        drop(self.messages.send(Message::Input(Box::new(input))));
    }

    /// Looks at the counters; the question is dropped if the signer has stopped.
    pub fn look(&self, question: impl FnOnce(&Counters) + Send + 'static) {
        drop(self.messages.send(Message::Look(Box::new(question))));
    }

    /// Stops the signer after what came before.
    pub fn stop(&self) {
        drop(self.messages.send(Message::Stop));
    }
}

/// The threads.
pub struct SignerThread {
    handle: SignerHandle,
    threads: Vec<JoinHandle<()>>,
}

impl SignerThread {
    /// Starts them; answers go to `results`.
    ///
    /// # Errors
    /// When the system gives no thread.
    pub fn start<D>(
        home: SignerHome<D>,
        memory: WitnessFile<D>,
        backend: Arc<dyn Backend + Send + Sync>,
        clock: Clock,
        results: impl Fn(core::Input) + Send + 'static,
        witness: Arc<dyn SignerWitness>,
        fatal: Fatal,
    ) -> std::io::Result<Self>
    where
        D: Disk + Send + 'static,
        D::File: Send,
    {
        let (messages, inbox) = channel();
        let (calls, call_inbox) = channel();
        let handle = SignerHandle {
            messages: messages.clone(),
        };
        let mut device = DeviceThread {
            backend,
            clock,
            messages,
            witness: Arc::clone(&witness),
            upkeep: Upkeep::new(Instant::now(), RECHECK_INTERVAL),
            failed_at: Some(0),
        };
        let device = std::thread::Builder::new()
            .name("hsm".into())
            .spawn(move || device.run(&call_inbox))?;
        let mut guard = GuardThread {
            home,
            memory,
            clock,
            calls,
            witness,
        };
        let owner = std::thread::Builder::new()
            .name("guard".into())
            .spawn(move || {
                if let Err(error) = guard.run(&inbox, &results) {
                    fatal.log_failed(&error);
                }
            })?;
        Ok(Self {
            handle,
            threads: vec![owner, device],
        })
    }

    /// A hand on it.
    #[must_use]
    pub fn handle(&self) -> SignerHandle {
        self.handle.clone()
    }
}

impl Drop for SignerThread {
    fn drop(&mut self) {
        self.handle.stop();
        for thread in self.threads.drain(..) {
            drop(thread.join());
        }
    }
}

/// Calls the backend, one call at a time, and looks after it in between.
struct DeviceThread {
    backend: Arc<dyn Backend + Send + Sync>,
    clock: Clock,
    messages: Sender<Message>,
    witness: Arc<dyn SignerWitness>,
    upkeep: Upkeep,
    /// How often the backend had connected when it last failed, until it works again. At the start it may be away.
    failed_at: Option<u64>,
}

impl DeviceThread {
    fn run(&mut self, inbox: &Receiver<BackendCall>) {
        loop {
            let called = inbox.recv_timeout(IDLE);
            match &called {
                Ok(call) if self.perform(call).is_err() => return,
                Ok(_) | Err(RecvTimeoutError::Timeout) => {}
                Err(RecvTimeoutError::Disconnected) => return,
            }
            self.attend(called.is_err());
        }
    }

    fn perform(&mut self, call: &BackendCall) -> Result<(), SendError<Message>> {
        let started = Instant::now();
        let result = call
            .budget(self.clock.now())
            .map(|budget| call.work.perform(&*self.backend, budget));
        match &result {
            Some(Ok(_)) => self.failed_at = None,
            Some(Err(_)) => self.failed_at = Some(self.backend.connections()),
            None => {}
        }
        self.messages.send(Message::Done {
            call: call.id,
            result,
            purpose: call.work.purpose(),
            seconds: started.elapsed().as_secs_f64(),
        })
    }

    /// Tells what happened to the backend, and has it look at its token and key now and then. What it says of the backend's health goes
    /// the way of the answers, so that it never overtakes one.
    fn attend(&mut self, idle: bool) {
        if self.upkeep.is_due(Instant::now(), idle)
            && let Err(error) = self.backend.recheck()
        {
            let text = format!("the hourly check of the HSM: {error}");
            self.witness.notice(&Notice::Trouble(text));
            self.failed_at = Some(self.backend.connections());
            drop(self.messages.send(Message::Attended(Err(error))));
        }
        let connections = self.backend.connections();
        if self.failed_at.is_some_and(|before| connections > before) {
            self.failed_at = None;
            drop(self.messages.send(Message::Attended(Ok(()))));
        }
        for notice in self.backend.take_notices() {
            self.witness.notice(&notice);
        }
    }
}

/// When the backend is to be looked at again.
struct Upkeep {
    due: Instant,
    interval: Duration,
}

impl Upkeep {
    fn new(now: Instant, interval: Duration) -> Self {
        Self {
            due: now + interval,
            interval,
        }
    }

    /// Once in each interval, however often it is asked; what was missed is not made up for. It waits for an idle moment, in which it holds
    /// up no vote, but at most for [`RECHECK_PATIENCE`].
    fn is_due(&mut self, now: Instant, idle: bool) -> bool {
        let patience = if idle {
            Duration::ZERO
        } else {
            RECHECK_PATIENCE
        };
        let due = now >= self.due + patience;
        if due {
            self.due = now + self.interval;
        }
        due
    }
}

struct GuardThread<D: Disk> {
    home: SignerHome<D>,
    memory: WitnessFile<D>,
    clock: Clock,
    calls: Sender<BackendCall>,
    witness: Arc<dyn SignerWitness>,
}

impl<D: Disk> GuardThread<D> {
    fn run(
        &mut self,
        inbox: &Receiver<Message>,
        results: &impl Fn(core::Input),
    ) -> Result<(), LogError> {
        loop {
            match inbox.recv_timeout(IDLE) {
                Ok(Message::Stop) | Err(RecvTimeoutError::Disconnected) => {
                    return self.settle();
                }
                Ok(message) => self.take(message)?,
                Err(RecvTimeoutError::Timeout) => self.settle()?,
            }
            self.advance(results)?;
        }
    }

    fn take(&mut self, message: Message) -> Result<(), LogError> {
        let now = self.clock.now();
        match message {
            Message::Command(SignerCommand::Sign(request)) => {
                self.home.submit(now, Input::Sign(request))
            }
            Message::Command(SignerCommand::Latch) => {
                self.home.submit(now, Input::Latch(Latch::Diverged))
            }
            Message::Command(SignerCommand::OpenLatch) => {
                self.home.submit(now, Input::Unlatch(Unlatch::Recomputed))
            }
            Message::Command(SignerCommand::SetDecided(proof)) => {
                self.home.submit(now, Input::HeightProof(proof))
            }
            Message::Command(SignerCommand::OwnStatementSeen(statement)) => {
                self.home.submit(now, Input::OwnStatementSeen(statement))
            }
            Message::Input(input) => self.home.submit(now, *input),
            Message::Done {
                call,
                result: Some(result),
                purpose,
                seconds,
            } => {
                self.witness.signed(purpose, seconds, result.as_ref().err());
                self.home.complete(now, call, result)
            }
            Message::Done {
                call, result: None, ..
            } => self.home.drop_call(now, call),
            Message::Attended(result) => {
                self.witness.attended(result.as_ref().copied());
                Ok(())
            }
            Message::Look(question) => {
                question(self.home.signer().counters());
                Ok(())
            }
            Message::Stop => Ok(()),
        }
    }

    /// Sends the HSM to work, syncs meanwhile, and answers what may leave.
    fn advance(&mut self, results: &impl Fn(core::Input)) -> Result<(), LogError> {
        for call in self.home.take_calls() {
            // The device's thread ends only after this one.
            drop(self.calls.send(call));
        }
        self.home.sync()?;
        if let Ok(guard) = self.home.signer().guard() {
            self.witness.guard_at(guard.witness().place.height);
        }
        for output in self.home.released() {
            match output {
                Output::Signed { id, result } => {
                    if let Err(refusal) = &result {
                        self.witness.refused(refusal.code());
                    }
                    results(core::Input::Signed { id, result });
                }
                // Bindings are signed before this thread starts; possession and canary have their own commands.
                Output::Attested { .. } | Output::Decided { .. } => {}
                Output::Alarm(alarm) => self.witness.alarm(&alarm),
            }
        }
        if self.home.settle_due() {
            self.settle()?;
        }
        Ok(())
    }

    /// Writes and syncs everything; then the data folder remembers where the guard stands, never before.
    fn settle(&mut self) -> Result<(), LogError> {
        self.home.settle()?;
        let Ok(guard) = self.home.signer().guard() else {
            return Ok(());
        };
        let witness = guard.witness();
        self.memory
            .remember(witness)
            .map_err(|source| LogError::Disk {
                log: LogId::Guard,
                source,
            })
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn the_hourly_check_is_due_once_an_hour() {
        let start = Instant::now();
        let minutes = |minutes: u64| start + Duration::from_secs(60 * minutes);
        let mut upkeep = Upkeep::new(start, RECHECK_INTERVAL);
        assert!(!upkeep.is_due(minutes(59), true));
        assert!(upkeep.is_due(minutes(60), true));
        assert!(!upkeep.is_due(minutes(61), true));
        assert!(upkeep.is_due(minutes(500), true));
        assert!(!upkeep.is_due(minutes(559), true));
        assert!(upkeep.is_due(minutes(560), true));
    }

    // A canary of the check would hold up a vote; on a chain that never rests it is made all the same.
    #[test]
    fn the_hourly_check_waits_for_an_idle_moment_for_ten_minutes() {
        let start = Instant::now();
        let minutes = |minutes: u64| start + Duration::from_secs(60 * minutes);
        let mut upkeep = Upkeep::new(start, RECHECK_INTERVAL);
        assert!(!upkeep.is_due(minutes(60), false));
        assert!(!upkeep.is_due(minutes(69), false));
        assert!(upkeep.is_due(minutes(69), true));
        assert!(!upkeep.is_due(minutes(138), false));
        assert!(upkeep.is_due(minutes(139), false));
    }
}

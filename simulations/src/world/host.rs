//! The host of a replica: starts it, performs its effects at a virtual cost, and lets its outputs out when their records are on disk.
//!
//! Invariant: what `node::shell` does with threads, this does with events; no output leaves but through the pending queue.
//! Source: `docs/ARCHITECTURE.md`, "Bird's-eye view".

use falaj_consensus::durable::{Durable, LogId, Outbox};
use falaj_consensus::message::Kind;
use falaj_consensus::types::Hash32;
use falaj_hsm::{Input as SignerInput, Latch, Place, Unlatch};
use falaj_node::core::{
    Class, Effect, ExecuteResult, Frame, Input, JobTools, Output, Peer, Recovered, Replica,
    answer_from,
};

use super::World;
use super::event::{Completion, Event};
use super::log_device::{Command, FULL_RETRY_NS, Turn};
use super::node::Process;
use super::start::{Ready, ready};
use crate::checker::Observation;
use crate::disk::SimDisk;
use crate::economy::validator_of;
use crate::marks::Mark;
use crate::network::Delivery;
use crate::timers::Punctuality;
use crate::trace::{Tag, summary};
use crate::types::NodeIndex;

impl World {
    /// Starts a node, unless it runs.
    pub(super) fn start(&mut self, place: NodeIndex) {
        let at = self.now();
        let node = &mut self.nodes[place.position()];
        if node.is_up() || node.is_absent {
            return;
        }
        node.boot += 1;
        let boot = node.boot;
        self.trace.event(at, boot, Tag::Started, place, &[]);
        node.clock.started = at;
        if node.joins {
            return self.join_by_snapshot(place);
        }
        match ready(node, self.shared.of(node), node.now(at)) {
            Ok(ready) => self.run(place, ready),
            Err(_) if !node.disks.have_power() => {
                self.marks.hit(Mark::CrashInRecovery);
                self.power_lost(place);
            }
            Err(_) if node.disks.any(SimDisk::is_failing) => {
                self.marks.hit(Mark::SyncFailed);
                self.power_lost(place);
            }
            Err(_) if self.is_lost_by_disk(place) || self.scenario.unsound.contains(&place) => {
                self.crash(place);
            }
            Err(error) => self.judge.blame("recovery", at, place, error.to_string()),
        }
    }

    fn run(&mut self, place: NodeIndex, ready: Ready) {
        let at = self.now();
        let Ready {
            config,
            recovered,
            block,
            batch,
            signers,
            replayed,
            torn,
        } = ready;
        let lags = recovered.guards.len() < config.keys.len();
        self.marks.hit_if(lags, Mark::GuardOlder);
        self.mark_start(place, &recovered, torn, !replayed.is_empty());
        for committed in &replayed {
            self.observe(place, Observation::Replayed(committed));
            self.show_clients(place, committed);
        }
        let started = Observation::Started {
            height: recovered.state.height(),
            block: recovered.last_block_record,
            batch: recovered.last_batch_record,
            guard: last_said(&recovered),
        };
        self.observe(place, started);
        self.trace.tell(|| {
            let height = recovered.state.height();
            let guards = recovered.guards.values();
            let guards: Vec<_> = guards.map(|guard| guard.last.to_string()).collect();
            format!("{at} {place} starts at height {height}, guard at {guards:?}")
        });
        let node = &mut self.nodes[place.position()];
        // The host brings the store up to the tip before the replica starts.
        for committed in &replayed {
            node.stored.commit(committed);
        }
        let (replica, outbox) = Replica::start(config, recovered, node.now(at));
        node.course = Default::default();
        node.process = Some(Process {
            replica,
            pending: Default::default(),
            block,
            batch,
            signers,
            under_way: Default::default(),
            inputs: 0,
            is_look_due: false,
            stores_until: at,
            lets_out: false,
        });
        // Before the first record of this process is appended, whose sync takes its time.
        let proofs = self.prove(place);
        self.perform(place, outbox);
        for durable in proofs {
            self.input(place, Input::Synced(durable));
        }
        self.connect(place);
    }

    /// What a restart stands on is on disk, and the replica waits for the proof.
    fn prove(&mut self, place: NodeIndex) -> Vec<Durable> {
        let mut proofs = Vec::new();
        for log in [LogId::Block, LogId::Batch] {
            let Some(process) = &mut self.nodes[place.position()].process else {
                break;
            };
            match process.device(log).prove() {
                Ok(durable) => proofs.push(durable),
                Err(error) => self.disk_failed(place, &error),
            }
        }
        proofs
    }

    fn mark_start(&mut self, place: NodeIndex, recovered: &Recovered, torn: bool, replayed: bool) {
        let boot = self.nodes[place.position()].boot;
        let marks = &mut self.marks;
        marks.hit_if(boot > 1, Mark::Restart);
        marks.hit_if(torn, Mark::TornLog);
        marks.hit_if(replayed, Mark::Replayed);
        let open = recovered.state.height().next();
        let is_under_way = recovered.state.is_change_under_way();
        marks.hit_if(boot > 1 && is_under_way, Mark::RestartAtChange);
        let set = recovered.state.validators_at(open);
        let own = set.index_of(validator_of(place));
        let key = own.and_then(|own| set.get(own)).map(|own| &own.key);
        let Some(guard) = key.and_then(|key| recovered.guards.get(key)) else {
            return;
        };
        let here = guard.last.height == open;
        marks.hit_if(here, Mark::RestartInHeight);
        marks.hit_if(here && guard.lock.is_some(), Mark::RestartLocked);
        marks.hit_if(guard.last.height > open, Mark::GuardAhead);
        let own = guard.own.iter().map(|signed| signed.get().statement);
        let held = |id| recovered.open.iter().any(|block| block.header.id() == id);
        let lost = own
            .chain(guard.intent)
            .filter(|statement| statement.kind() > Kind::Proposal)
            .any(|vote| vote.block().is_some_and(|id| !held(id)));
        marks.hit_if(here && lost, Mark::LostBlock);
    }

    /// The others find the node and it finds them, where the network carries.
    pub(super) fn connect(&mut self, place: NodeIndex) {
        let others: Vec<_> = self
            .nodes()
            .filter(|other| *other != place && self.nodes[other.position()].is_up())
            .filter(|other| self.network.are_joined(place, *other))
            .collect();
        for other in others {
            self.input(place, Input::PeerUp(peer(other)));
            self.input(other, Input::PeerUp(peer(place)));
        }
    }

    pub(super) fn deliver(&mut self, sequence: u64, delivery: Delivery, said: Option<&Frame>) {
        let carries = self.network.carries(&delivery);
        let due = delivery.at;
        let Delivery {
            from,
            to,
            class,
            packet,
            damaged,
            ..
        } = delivery;
        let at = self.now();
        self.trace.event(at, sequence, Tag::Delivered, to, &packet);
        self.trace.tell(|| {
            let words = said.map_or_else(|| "no frame".to_owned(), summary);
            let how = if damaged { ", damaged" } else { "" };
            format!("{at} {to} hears {from}: {words}{how}")
        });
        if !carries || !self.nodes[to.position()].is_up() {
            self.write_missed(due, from, to);
            return;
        }
        if damaged {
            self.write_missed(due, from, to);
            return self.connection_ends(from, to);
        }
        if let Some(said) = said.filter(|_| self.nodes[to.position()].process.is_some()) {
            self.mark_received(said);
            self.observe(to, Observation::Received(said));
        }
        let input = Input::Received {
            from: peer(from),
            class: class_of(class),
            bytes: packet,
        };
        self.input(to, input);
    }

    pub(super) fn complete(
        &mut self,
        sequence: u64,
        place: NodeIndex,
        boot: u64,
        what: Completion,
    ) {
        let at = self.now();
        let node = &mut self.nodes[place.position()];
        if node.boot != boot || !node.is_up() {
            return;
        }
        let name = what.name();
        self.trace
            .event(at, sequence, Tag::Completed, place, name.as_bytes());
        self.trace.tell(|| format!("{at} {place} {}", what.words()));
        let shared = self.shared.of(node);
        let tools = JobTools {
            checker: &*shared.checker,
            rules: &shared.rules,
        };
        match what {
            Completion::Timer(timer, punctuality) => {
                let drifts = node.clock.drift_ppm != 0;
                self.mark_timer(drifts, punctuality);
                self.input(place, Input::Timer(timer));
            }
            Completion::Verify(job) => {
                let result = job.run(tools);
                self.input(place, Input::Verified(result));
            }
            Completion::Execute(job) => {
                let mut result = job.run();
                if self.nodes[place.position()].diverges {
                    miscompute(&mut result);
                }
                self.input(place, Input::Executed(result));
            }
            Completion::Input(input) => self.input(place, *input),
            Completion::Joins(input) => self.joins(place, *input),
            Completion::Synced(log) => self.synced(place, log),
            Completion::Retry(log) => self.retry(place, log),
            Completion::GuardSynced(key) => {
                self.guard_synced(place, key);
                if self.nodes[place.position()].costs.is_idle() {
                    self.settle_guard(place);
                }
            }
            Completion::Called { key, call, result } => self.call_done(place, (key, call), result),
            Completion::LateSuccess {
                key,
                call,
                signature,
            } => {
                self.marks.hit(Mark::LateSuccess);
                self.call_done(place, (key, call), Some(Ok(signature)));
            }
            Completion::Stored(committed) => {
                self.nodes[place.position()].stored.commit(&committed);
                self.take_snapshot(place, &committed);
                self.input(place, Input::Persisted(committed.header.height));
            }
        }
    }

    /// Gives a running node an input; one that is down hears nothing.
    pub(super) fn input(&mut self, place: NodeIndex, input: Input) {
        let Some(input) = self.input_unless_asleep(place, input) else {
            return;
        };
        if self.nodes[place.position()].joiner.is_some() {
            return self.hear_while_joining(place, input);
        }
        let at = self.now();
        let node = &mut self.nodes[place.position()];
        let now = node.now_if_up(at);
        let (Some(process), Some(now)) = (&mut node.process, now) else {
            return;
        };
        if let Input::Synced(durable) = &input {
            process.pending.note(durable);
        }
        assert!(!process.lets_out, "{place} is asked within its own step");
        process.ended(&input);
        let outbox = process.replica.step(now, input);
        self.perform(place, outbox);
        self.look_now_and_then(place);
    }

    fn perform(&mut self, place: NodeIndex, outbox: Outbox<Effect, Output>) {
        let Outbox { start, pending } = outbox;
        if let Some(process) = &mut self.nodes[place.position()].process {
            process.pending.push(pending);
            process.begun(&start);
        }
        for effect in start {
            self.begin(place, effect);
        }
        self.release(place);
    }

    fn release(&mut self, place: NodeIndex) {
        let Some(process) = &mut self.nodes[place.position()].process else {
            return;
        };
        process.lets_out = true;
        for output in process.pending.release() {
            self.output(place, output);
        }
        if let Some(process) = &mut self.nodes[place.position()].process {
            process.lets_out = false;
        }
    }

    fn begin(&mut self, place: NodeIndex, effect: Effect) {
        let node = &mut self.nodes[place.position()];
        match effect {
            Effect::Sign { key, request } => {
                self.ask_signer(place, &key, SignerInput::Sign(request));
            }
            // A liar's key is used behind its replica's back, which the replica must not mind.
            Effect::LatchSigning | Effect::OwnStatementSeen { .. } if !node.lies.is_empty() => {}
            Effect::LatchSigning => {
                self.tell_signers(place, &SignerInput::Latch(Latch::Diverged));
            }
            Effect::OpenLatch => {
                self.tell_signers(place, &SignerInput::Unlatch(Unlatch::Recomputed));
            }
            Effect::SetDecided(proof) => {
                self.tell_signers(place, &SignerInput::HeightProof(proof));
            }
            Effect::OwnStatementSeen { key, statement } => {
                self.ask_signer(place, &key, SignerInput::OwnStatementSeen(statement));
            }
            Effect::Verify(job) => {
                let after_ns = node.costs.verify_ns(&job);
                self.later(place, after_ns, Completion::Verify(job));
            }
            Effect::Execute(job) => {
                let after_ns = node.costs.execute_ns(&job);
                self.marks.hit_if(node.costs.is_slow(), Mark::SlowProcessor);
                self.later(place, after_ns, Completion::Execute(job));
            }
            Effect::Append { log, record } => self.ask_log(place, log, Command::Append(record)),
            Effect::Read { positions, purpose } => {
                self.ask_log(place, LogId::Batch, Command::Read(positions, purpose));
            }
            Effect::Find {
                from,
                count,
                purpose,
            } => self.ask_log(place, LogId::Block, Command::Find(from, count, purpose)),
            Effect::ReadSnapshot { to, part } => {
                let answer = Box::new(answer_from(&node.shelf, part));
                let after_ns = node.costs.store_ns();
                let read = Input::SnapshotRead { to, answer };
                self.later(place, after_ns, Completion::Input(Box::new(read)));
            }
            Effect::Timer { id, after_ns } => {
                let at = self.now();
                let node = &mut self.nodes[place.position()];
                let right = node.clock.after(at, after_ns);
                let (runs_ns, punctuality) = node.timers.runs_ns(after_ns);
                let due = node.clock.after(at, runs_ns);
                // What is overdue when all trouble ends runs out then.
                let ends = self.scenario.stabilise_at.unwrap_or(due);
                let due = due.min(right.max(ends));
                let punctuality = if due == right {
                    Punctuality::Right
                } else {
                    punctuality
                };
                self.schedule_sees_timer(place, id, due);
                let after_ns = due.get() - at.get();
                self.later(place, after_ns, Completion::Timer(id, punctuality));
            }
        }
    }

    /// Puts in the end of something that a process has begun.
    pub(super) fn later(&mut self, place: NodeIndex, after_ns: u64, what: Completion) {
        let at = self.now().after_ns(after_ns);
        let boot = self.nodes[place.position()].boot;
        let node = place;
        self.queue.push(at, Event::Complete { node, boot, what });
    }

    fn ask_log(&mut self, place: NodeIndex, log: LogId, command: Command) {
        let Some(process) = &mut self.nodes[place.position()].process else {
            return;
        };
        match process.device(log).ask(command) {
            Ok(turn) => self.log_turn(place, log, turn),
            Err(error) => self.disk_failed(place, &error),
        }
    }

    fn retry(&mut self, place: NodeIndex, log: LogId) {
        let Some(process) = &mut self.nodes[place.position()].process else {
            return;
        };
        match process.device(log).retry() {
            Ok(turn) => self.log_turn(place, log, turn),
            Err(error) => self.disk_failed(place, &error),
        }
    }

    fn synced(&mut self, place: NodeIndex, log: LogId) {
        let Some(process) = &mut self.nodes[place.position()].process else {
            return;
        };
        match process.device(log).synced() {
            Ok((durable, turn)) => {
                let upto = durable.upto();
                self.observe(place, Observation::Durable { log, upto });
                self.log_turn(place, log, turn);
                self.input(place, Input::Synced(durable));
            }
            Err(error) => self.disk_failed(place, &error),
        }
    }

    fn log_turn(&mut self, place: NodeIndex, log: LogId, turn: Turn) {
        for (position, record) in &turn.appended {
            let appended = Observation::Appended {
                log,
                position: *position,
                record,
            };
            self.observe(place, appended);
        }
        for input in turn.inputs {
            let marks = &mut self.marks;
            marks.hit_if(matches!(input, Input::DiskFull(_)), Mark::DiskFull);
            marks.hit_if(matches!(input, Input::DiskRoom(_)), Mark::DiskRoom);
            self.later(place, 0, Completion::Input(Box::new(input)));
        }
        if let Some(sync_ns) = turn.sync_ns {
            self.mark_sync(sync_ns);
            self.later(place, sync_ns, Completion::Synced(log));
        }
        if turn.retries {
            self.later(place, FULL_RETRY_NS, Completion::Retry(log));
        }
    }
}

/// The last place of which a node's keys have said anything. A floor says nothing.
fn last_said(recovered: &Recovered) -> Place {
    let guards = recovered.guards.values();
    let said = guards.filter(|guard| !guard.statements.is_empty());
    said.map(|guard| guard.last).max().unwrap_or(Place::GENESIS)
}

/// What a program that computes something else makes of a block: the same whenever it executes it.
fn miscompute(result: &mut ExecuteResult) {
    if let Some(executed) = &mut result.executed {
        let root = executed.outcome.receipts_root.bytes().map(|byte| !byte);
        executed.outcome.receipts_root = Hash32::new(root);
    }
}

/// A node as its peers name it.
pub(super) fn peer(node: NodeIndex) -> Peer {
    Peer::of(validator_of(node)).expect("ids of validators are small")
}

/// A class as the network numbers it.
pub(super) const fn number_of(class: Class) -> crate::network::Class {
    crate::network::Class::new(match class {
        Class::Votes => 0,
        Class::Proposals => 1,
        Class::Batches => 2,
        Class::Sync => 3,
    })
}

fn class_of(class: crate::network::Class) -> Class {
    Class::ALL[usize::from(class.get())]
}

//! A network of nodes in virtual time: the shipped replicas, signers, logs and ledger on simulated network, disks, clocks and tokens.
//!
//! Invariant: a world is a function of its scenario and seed; everything that happens is an event of the one queue, in order of
//! (time, sequence), and is hashed into the trace.
//! Who calls it: [`crate::run`], tests, programs of researchers: build one, add faults, run it to a predicate, ask.
//! Errors: none; what a correct node must not do is a [`Violation`] that the oracles report.
//! Source: `docs/simulation.md`.

mod builder;
mod clients;
mod clogs;
mod connections;
mod costs;
mod event;
mod faults;
mod holdings;
mod host;
mod images;
mod joining;
mod keys;
mod log_device;
mod node;
mod observe;
mod other_genesis;
mod other_user;
mod outlet;
mod pauses;
mod persons;
mod recorded;
mod schedule;
mod signing;
mod standby;
mod standstill;
mod start;
mod view;

pub use builder::{BuildError, WorldBuilder};
pub use start::StartError;
pub use view::{ConsensusView, GuardView, LogEnds, MempoolView, NodeView, RoundView};

use std::collections::{BTreeMap, BTreeSet};
use std::sync::Arc;

use falaj_consensus::types::{ChainContext, Height, ValidatorIndex};
use falaj_consensus::validator_set::ValidatorSet;
use falaj_consensus::verify::{Checker, RealChecker};
use falaj_ledger::account::AccountId;
use falaj_ledger::state::{Opened, State};
use falaj_ledger::trust::Trust;
use falaj_ledger::validate::Rules;
use falaj_node::core::Replica;

use crate::byzantine::Plot;
use crate::chance::{Chance, Draws, Site};
use crate::checker::{Facts, Judge, Violation};
use crate::economy::{Economy, validator_of};
use crate::fault::{Fault, Timed};
use crate::history::History;
use crate::hsm::{KeyIndex, Keys, Registry, RegistryChecker};
use crate::marks::Marks;
use crate::network::Network;
use crate::queue::Queue;
use crate::scenario::{Scenario, Signatures};
use crate::schedule::Schedule;
use crate::trace::Trace;
use crate::types::{NodeIndex, SimTime};
use crate::workload::{Step, Workload};

use event::Event;
use images::Image;
use node::{Node, Stored};
use other_genesis::OtherGenesis;
use pauses::Asleep;
use standstill::Motion;

const CLIENT: Site = Site::new("world/client");
const INSTANCE: Site = Site::new("world/guard-instance");

/// What all nodes of a world share.
struct Shared {
    chance: Chance,
    chain: Arc<ChainContext>,
    keys: Arc<Keys>,
    /// The first of the keys that validators may get after that of genesis.
    second_keys: Option<KeyIndex>,
    set: Arc<ValidatorSet>,
    checker: Arc<dyn Checker>,
    rules: Rules,
    trust: Arc<Trust>,
    /// What nodes share that were set up from another genesis, once there is one.
    elsewhere: Option<Box<OtherGenesis>>,
}

impl Shared {
    fn new(chance: Chance, economy: &Economy, signatures: Signatures) -> Self {
        let checker: Arc<dyn Checker> = match signatures {
            Signatures::Simulated => Arc::new(RegistryChecker::new(Arc::clone(&economy.keys))),
            Signatures::Real => Arc::new(RealChecker),
        };
        Self {
            chance,
            chain: Arc::new(economy.genesis.chain()),
            keys: Arc::clone(&economy.keys),
            second_keys: economy.second_key(NodeIndex::new(0)),
            set: Arc::new(economy.genesis.validators.clone()),
            checker,
            rules: Rules::of_genesis(&economy.genesis),
            trust: Arc::new(Trust::of_genesis(&economy.genesis)),
            elsewhere: None,
        }
    }

    /// The key that a node's validator may get in the place of that of genesis.
    fn second_key(&self, node: NodeIndex) -> Option<KeyIndex> {
        let first = self.second_keys?;
        Some(KeyIndex::new(first.get().saturating_add(node.get())))
    }

    /// The bytes that name the guard of a node's key.
    fn instance_of(&self, key: KeyIndex) -> [u8; 16] {
        let key = self.chance.key(INSTANCE, u64::from(key.get()));
        *key.first_chunk().expect("a key has 32 bytes")
    }
}

/// A network and everything around it.
pub struct World {
    seed: u64,
    scenario: Scenario,
    queue: Queue<Event>,
    shared: Shared,
    network: Network,
    /// Who chooses when messages arrive, if somebody does.
    schedule: Option<Schedule>,
    nodes: Vec<Node>,
    registry: Registry,
    plot: Plot,
    workload: Workload,
    clients: Draws,
    trace: Trace,
    judge: Judge,
    marks: Marks,
    /// How many frames each node has sent as a liar.
    said: Vec<u64>,
    /// What waits for processes that stand still.
    asleep: BTreeMap<NodeIndex, Asleep>,
    /// What waits on the links of nodes that are clogged.
    clogged: BTreeMap<NodeIndex, Vec<Event>>,
    /// Images of machines.
    images: BTreeMap<NodeIndex, Image>,
    stable: bool,
    motion: Motion,
    /// The event after which nothing more happens.
    stop_at: Option<u64>,
    /// What was seen, if it is written down.
    history: Option<Box<History>>,
}

impl World {
    /// A world as its scenario says, started, with clients at work.
    ///
    /// # Panics
    /// Never: a genesis made here adds up.
    #[must_use]
    pub fn new(seed: u64, scenario: Scenario, trace: Trace) -> Self {
        let chance = Chance::new(seed);
        let economy = Arc::new(Economy::new(&chance, &scenario));
        let opened = State::open(&economy.genesis).expect("the economy adds up");
        let shared = Shared::new(chance, &economy, scenario.signatures);
        let judge = Judge::new(Facts {
            economy: Arc::clone(&economy),
            validators: scenario.validators,
            byzantine: scenario.judged_by_nobody(),
            outcome: opened.outcome.clone(),
        });
        let mut world = Self {
            seed,
            queue: Queue::new(),
            network: Network::new(chance, scenario.network).over(scenario.ways_ns()),
            schedule: None,
            nodes: nodes(&chance, &opened, &scenario),
            registry: Registry::new(Arc::clone(&economy.keys)),
            plot: Plot::default(),
            workload: Workload::new(&chance, economy, scenario.workload),
            clients: chance.draws(CLIENT, 0),
            trace,
            judge,
            marks: Marks::default(),
            said: vec![0; usize::from(scenario.validators)],
            asleep: BTreeMap::new(),
            clogged: BTreeMap::new(),
            images: BTreeMap::new(),
            stable: false,
            motion: Motion::default(),
            stop_at: None,
            history: None,
            shared,
            scenario,
        };
        world.plan();
        world
    }

    /// Makes the nodes' disks and puts in what is known to come.
    fn plan(&mut self) {
        for place in self.nodes() {
            let node = &self.nodes[place.position()];
            start::make(node, &self.shared).expect("an empty disk takes guard and logs");
            self.queue.push(SimTime::START, Event::Start(place));
        }
        self.queue.push(SimTime::START, Event::Client(Step::Act));
        let gates = self.scenario.gates.iter();
        let gates = gates.map(|(bit, from)| self.workload.gate(SimTime::START, (*bit, *from)));
        let steps = gates.collect();
        self.take_up(steps);
        for number in 0..self.scenario.faults.len() {
            let at = self.scenario.faults[number].at;
            self.queue.push(at, Event::Fault(number));
        }
        if let Some(at) = self.scenario.stabilise_at {
            self.queue.push(at, Event::Stabilise);
        }
    }

    /// Adds a fault while the world runs.
    ///
    /// # Panics
    /// When its time has passed.
    pub fn add_fault(&mut self, at: SimTime, fault: Fault) {
        self.scenario.faults.push(Timed { at, fault });
        let number = self.scenario.faults.len() - 1;
        self.queue.push(at, Event::Fault(number));
    }

    /// What time it is.
    #[must_use]
    pub const fn now(&self) -> SimTime {
        self.queue.now()
    }

    /// Takes the next event; `false` when nothing is to come.
    pub fn step(&mut self) -> bool {
        let Some(entry) = self.queue.pop() else {
            return false;
        };
        self.dispatch(entry.sequence, entry.event);
        true
    }

    /// Runs until the time has come or something is wrong.
    pub fn run_to(&mut self, end: SimTime) {
        self.run_until(end, |_| false);
    }

    /// Runs until `done` holds, the time has come, or something is wrong; whether `done` held.
    pub fn run_until(&mut self, end: SimTime, done: impl Fn(&Self) -> bool) -> bool {
        while !done(self) {
            let over = self.queue.next_at().is_none_or(|at| at > end);
            if over || self.is_over() {
                return false;
            }
            self.step();
        }
        true
    }

    /// Lets nothing happen after an event, counted as in the trace.
    pub const fn stop_at(&mut self, event: u64) {
        self.stop_at = Some(event);
    }

    /// Whether the run has come to its end: something is wrong, or nothing more is wanted.
    #[must_use]
    pub fn is_over(&self) -> bool {
        let events = self.trace.events();
        self.violation().is_some() || self.stop_at.is_some_and(|last| events >= last)
    }

    fn dispatch(&mut self, sequence: u64, event: Event) {
        let unclogged = self.unless_clogged(event);
        let Some(event) = unclogged.and_then(|event| self.unless_asleep(event)) else {
            return;
        };
        self.happen(sequence, event);
    }

    fn happen(&mut self, sequence: u64, event: Event) {
        match event {
            Event::Deliver { delivery, said } => {
                self.deliver(sequence, delivery, said.as_deref());
            }
            Event::Complete { node, boot, what } => self.complete(sequence, node, boot, what),
            Event::Submit {
                node,
                ticket,
                transaction,
            } => self.submit(sequence, node, ticket, transaction),
            Event::Client(step) => self.client(step),
            Event::Fault(number) => self.fault(number),
            Event::Start(node) => self.start(node),
            Event::Reconnect(one, other) => self.reconnect(one, other),
            Event::Part(node, other) => self.parted(node, other),
            Event::Rejoin(node, other) => self.find_each_other(node, other),
            Event::Wake(node) => self.wake(sequence, node),
            Event::Stabilise => self.stabilise(),
        }
    }
}

/// What can be asked.
impl World {
    /// The nodes.
    pub fn nodes(&self) -> impl Iterator<Item = NodeIndex> + use<> {
        (0..self.scenario.validators).map(NodeIndex::new)
    }

    /// The nodes that neither lie nor are lost for good.
    pub fn correct(&self) -> impl Iterator<Item = NodeIndex> + '_ {
        let lost = &self.scenario.lost;
        self.nodes()
            .filter(|node| !self.is_lying(*node) && !lost.contains(node))
    }

    /// Whether a node lies.
    #[must_use]
    pub fn is_lying(&self, node: NodeIndex) -> bool {
        self.scenario.byzantine.contains_key(&node)
    }

    /// A node's replica, if it runs.
    #[must_use]
    pub fn replica(&self, node: NodeIndex) -> Option<&Replica> {
        let process = self.nodes[node.position()].process.as_ref()?;
        Some(&process.replica)
    }

    /// The ledger of a running node, after the last height that it has decided: accounts, supply, participants, validators.
    #[must_use]
    pub fn ledger(&self, node: NodeIndex) -> Option<&State> {
        self.replica(node).map(Replica::state)
    }

    /// What a running node holds an account to have, in minor units; `None` if it does not run or knows no such account.
    #[must_use]
    pub fn balance(&self, node: NodeIndex, account: AccountId) -> Option<i128> {
        let account = self.ledger(node)?.account(account)?;
        Some(account.posted())
    }

    /// The last height that a running node has decided and confirmed.
    #[must_use]
    pub fn height(&self, node: NodeIndex) -> Option<Height> {
        self.replica(node).map(Replica::height)
    }

    /// The least height of the correct nodes; `None` while one is down.
    #[must_use]
    pub fn least_height(&self) -> Option<Height> {
        let heights: Option<BTreeSet<Height>> =
            self.correct().map(|node| self.height(node)).collect();
        heights.and_then(|heights| heights.first().copied())
    }

    /// The index that a node has at a height, by its own ledger; `None` if it is no validator then, or does not run.
    fn index_at(&self, node: NodeIndex, height: Height) -> Option<ValidatorIndex> {
        let sets = self.ledger(node)?.validator_sets();
        let (_, set) = sets.take_while(|(from, _)| *from <= height).last()?;
        set.index_of(validator_of(node))
    }

    /// What was found wrong, if anything was.
    #[must_use]
    pub const fn violation(&self) -> Option<&Violation> {
        self.judge.violation()
    }

    /// What the run has reached.
    #[must_use]
    pub const fn marks(&self) -> &Marks {
        &self.marks
    }

    /// Under which seed it runs.
    #[must_use]
    pub const fn seed(&self) -> u64 {
        self.seed
    }

    /// What the run is made of.
    #[must_use]
    pub const fn scenario(&self) -> &Scenario {
        &self.scenario
    }

    /// Everything that was ever signed.
    #[must_use]
    pub const fn registry(&self) -> &Registry {
        &self.registry
    }

    /// The network.
    #[must_use]
    pub const fn network(&self) -> &Network {
        &self.network
    }

    /// The clients.
    #[must_use]
    pub const fn workload(&self) -> &Workload {
        &self.workload
    }

    /// The clients, to be told what to do.
    pub const fn workload_mut(&mut self) -> &mut Workload {
        &mut self.workload
    }

    /// The trace so far.
    #[must_use]
    pub const fn trace(&self) -> &Trace {
        &self.trace
    }

    /// The highest height that any correct node let out as final.
    #[must_use]
    pub fn decided(&self) -> Height {
        self.judge.height()
    }
}

fn nodes(chance: &Chance, opened: &Opened, scenario: &Scenario) -> Vec<Node> {
    let stored = Stored::at_genesis(opened);
    let node = |place| Node::new(chance, NodeIndex::new(place), stored.clone(), scenario);
    (0..scenario.validators).map(node).collect()
}

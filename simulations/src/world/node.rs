//! A node: what survives a crash, and the process that does not.
//!
//! Invariant: everything a restarted process stands on comes from the disks, the store or the token, never from the old process.

use falaj_consensus::durable::{LogId, PendingQueue};
use falaj_consensus::message::{Header, Outcome};
use falaj_consensus::types::Now;
use falaj_hsm::HeightProof;
use falaj_ledger::bundle::SetChange;
use falaj_ledger::state::State;
use falaj_node::core::{Joining, Output, Replica, ShelfInMemory};

use super::costs::Costs;
use super::joining::Draft;
use super::log_device::LogDevice;
use super::observe::Course;
use super::signing::SignerDevice;
use super::standby::Copied;
use crate::byzantine::Behaviour;
use crate::chance::Chance;
use crate::checker::UnderWay;
use crate::clock::Clock;
use crate::disk::{DiskDials, SimDisk};
use crate::hsm::{KeyIndex, Token, TokenDials};
use crate::scenario::Scenario;
use crate::timers::Timers;
use crate::types::{NodeIndex, SimTime};

/// The folders of a node, each on a disk of its own.
#[derive(Clone, Debug)]
pub(super) struct Disks {
    pub(super) guard: SimDisk,
    pub(super) audit: SimDisk,
    pub(super) block: SimDisk,
    pub(super) batch: SimDisk,
    /// What the data folder remembers of the guard.
    pub(super) witness: SimDisk,
    /// Guard, audit log and memory of the second key.
    pub(super) second: [SimDisk; 3],
}

/// How many disks a node has beside those of its second key.
pub(super) const FIRST_DISKS: usize = 5;

impl Disks {
    fn new(chance: &Chance, place: NodeIndex, dials: DiskDials) -> Self {
        Self::numbered(0, chance, place, dials)
    }

    /// Empty ones that take the place of those that the node began with.
    pub(super) fn anew(chance: &Chance, place: NodeIndex, dials: DiskDials) -> Self {
        Self::numbered(5, chance, place, dials)
    }

    fn numbered(before: u64, chance: &Chance, place: NodeIndex, dials: DiskDials) -> Self {
        let disk = |number: u64| {
            let number = u64::from(place.get()) << 8 | (before + number);
            SimDisk::new(chance, number, dials)
        };
        Self {
            guard: disk(1),
            audit: disk(2),
            block: disk(3),
            batch: disk(4),
            witness: disk(5),
            second: [disk(11), disk(12), disk(13)],
        }
    }

    pub(super) const fn of(&self, log: LogId) -> &SimDisk {
        match log {
            LogId::Guard => &self.guard,
            LogId::Audit => &self.audit,
            LogId::Block => &self.block,
            LogId::Batch => &self.batch,
        }
    }

    /// Guard, audit log and memory of the first key, or of the second.
    pub(super) fn of_key(&self, is_first: bool) -> [&SimDisk; 3] {
        if is_first {
            [&self.guard, &self.audit, &self.witness]
        } else {
            self.second.each_ref()
        }
    }

    pub(super) const fn all(&self) -> [&SimDisk; 8] {
        let [guard, audit, witness] = &self.second;
        [
            &self.guard,
            &self.audit,
            &self.block,
            &self.batch,
            &self.witness,
            guard,
            audit,
            witness,
        ]
    }

    pub(super) fn any(&self, is: impl Fn(&SimDisk) -> bool) -> bool {
        self.all().into_iter().any(is)
    }

    pub(super) fn have_power(&self) -> bool {
        self.all().iter().all(|disk| disk.has_power())
    }
}

/// The ledger's store: the state after some decided height, whole, behind the block log or level with it.
#[derive(Clone, Debug)]
pub(super) struct Stored {
    pub(super) state: State,
    pub(super) outcome: Outcome,
    /// Every height up to here that fixed another validator set.
    pub(super) decided_sets: Vec<HeightProof>,
    /// The same with their blocks, as snapshots show them.
    pub(super) set_changes: Vec<SetChange>,
}

/// A node.
pub(super) struct Node {
    pub(super) place: NodeIndex,
    pub(super) disks: Disks,
    pub(super) stored: Stored,
    pub(super) token: Token,
    pub(super) costs: Costs,
    pub(super) clock: Clock,
    pub(super) timers: Timers,
    /// How often a process was started; completions of earlier ones are forgotten.
    pub(super) boot: u64,
    pub(super) process: Option<Process>,
    /// The machine of a process that joins by a snapshot, before there is a replica.
    pub(super) joiner: Option<Joining>,
    /// What was fetched of a snapshot and is on disk.
    pub(super) draft: Draft,
    /// The snapshots that it has taken.
    pub(super) shelf: ShelfInMemory,
    /// Whether it has not been there yet.
    pub(super) is_absent: bool,
    /// Whether its next start joins by a snapshot.
    pub(super) joins: bool,
    /// What its process has reported.
    pub(super) course: Course,
    /// How it lies, if it does.
    pub(super) lies: Vec<Behaviour>,
    /// What a standby has copied of it.
    pub(super) copied: Option<Copied>,
    /// Whether a standby has taken its place, whose guard may be older than what the key has signed.
    pub(super) guard_may_lag: bool,
    /// Whether a second process signs with its key.
    pub(super) shares_key: bool,
    /// Whether a person has started it anew, and nothing was signed since.
    pub(super) mended: bool,
    /// Whether its execution gives other outcomes than everybody's.
    pub(super) diverges: bool,
    /// The features that its program supports.
    pub(super) supported: u64,
    /// Whether it has its first key in use, which who is not in genesis has only from when it joins.
    pub(super) has_first_key: bool,
    /// Whether its token and its configuration have its second key.
    pub(super) has_second_key: bool,
    /// Whether it was set up from another genesis than the others.
    pub(super) is_elsewhere: bool,
}

/// A running process.
pub(super) struct Process {
    pub(super) replica: Replica,
    pub(super) pending: PendingQueue<Output>,
    pub(super) block: LogDevice,
    pub(super) batch: LogDevice,
    /// One for each key of the node.
    pub(super) signers: Vec<SignerDevice>,
    /// What it has begun and not ended.
    pub(super) under_way: UnderWay,
    /// How many inputs it was given.
    pub(super) inputs: u64,
    /// Whether a block has become final since it was looked at.
    pub(super) is_look_due: bool,
    /// When its store holds the last block that is final here.
    pub(super) stores_until: SimTime,
    /// Whether it is letting something out: until all of it is, the process does nothing else.
    pub(super) lets_out: bool,
}

impl Node {
    pub(super) fn new(
        chance: &Chance,
        place: NodeIndex,
        stored: Stored,
        scenario: &Scenario,
    ) -> Self {
        let slowness = scenario.slow.get(&place).copied().unwrap_or(1);
        Self {
            place,
            disks: Disks::new(chance, place, scenario.disk),
            stored,
            token: Token::new(chance, u64::from(place.get()), TokenDials::CALM),
            costs: Costs::new(chance, place, slowness),
            timers: Timers::new(chance, place),
            clock: scenario.clocks.get(&place).copied().unwrap_or_default(),
            boot: 0,
            process: None,
            joiner: None,
            draft: Draft::default(),
            shelf: ShelfInMemory::default(),
            is_absent: scenario.arrivals().contains(&place),
            joins: scenario.arrivals().contains(&place),
            course: Course::default(),
            lies: scenario.byzantine.get(&place).cloned().unwrap_or_default(),
            copied: None,
            guard_may_lag: false,
            shares_key: false,
            mended: false,
            diverges: false,
            supported: Header::FEATURES_KNOWN,
            has_first_key: !scenario.outsiders().contains(&place),
            has_second_key: false,
            is_elsewhere: false,
        }
    }

    pub(super) fn now(&self, time: SimTime) -> Now {
        self.clock.now(time)
    }

    /// What the process's clocks show, if there is one.
    pub(super) fn now_if_up(&self, time: SimTime) -> Option<Now> {
        self.process.as_ref().map(|_| self.now(time))
    }

    pub(super) const fn is_up(&self) -> bool {
        self.process.is_some() || self.joiner.is_some()
    }
}

impl Process {
    /// The signer of a key.
    pub(super) fn signer_of(&mut self, key: KeyIndex) -> Option<&mut SignerDevice> {
        self.signers.iter_mut().find(|signer| signer.key() == key)
    }

    /// The signer that the open height asks, or else the first, if there is any.
    pub(super) fn signer(&self) -> Option<&SignerDevice> {
        let key = self.replica.voting_key();
        let of_key = |signer: &&SignerDevice| key.as_ref().is_some_and(|key| signer.is_of(key));
        let signer = self.signers.iter().find(of_key);
        signer.or(self.signers.first())
    }

    /// Whether nothing of it waits for a disk: neither what it wrote nor what it says.
    pub(super) fn is_written(&self) -> bool {
        self.pending.is_empty() && self.block.is_written() && self.batch.is_written()
    }

    pub(super) const fn device(&mut self, log: LogId) -> &mut LogDevice {
        match log {
            LogId::Batch => &mut self.batch,
            LogId::Block | LogId::Guard | LogId::Audit => &mut self.block,
        }
    }
}

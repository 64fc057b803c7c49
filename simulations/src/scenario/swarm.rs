//! The random scenario of a seed: a subset of all faults, each log-uniform in strength, within the fault budget.
//!
//! Invariant: every choice is a draw of its own site, so a new kind of fault leaves those of old seeds where they were.
//! Shape: chaos of 3 to 20 seconds, then the network stabilises. At most f validators lie or are lost for good; any number may
//! crash and come back.

mod cuts;
mod disks;
mod faulty;
mod governing;
mod machines;
mod signers;
mod versions;

use std::collections::BTreeSet;

use falaj_consensus::durable::LogId;
use falaj_consensus::params::{Parameters, Timeouts};
use schemars::JsonSchema;
use serde::{Deserialize, Serialize};

use super::{Scenario, Signatures, local_parameters, short_memory};
use crate::chance::{Chance, Draw, Site, Word};
use crate::disk::DiskDials;
use crate::fault::{Fault, Timed};
use crate::network::LinkDials;
use crate::types::{NodeIndex, Ppm, SimTime};
use crate::workload::WorkloadDials;

/// The most validators of a random scenario.
pub const VALIDATORS_MAX: u16 = 7;

const SHAPE: Site = Site::new("scenario/shape");
const CLIENTS: Site = Site::new("scenario/clients");

const MS_NS: u64 = 1_000_000;
const SECOND_NS: u64 = 1_000 * MS_NS;
/// One seed in so many runs with real signatures.
const REAL_EVERY: u64 = 32;

/// Logs whose disk can be bad by itself.
const LOGS: [LogId; 3] = [LogId::Guard, LogId::Block, LogId::Batch];

/// The validators of a scenario that says nothing of them.
const VALIDATORS: u16 = 4;

/// What can be drawn by itself.
#[derive(
    Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord, Serialize, Deserialize, JsonSchema,
)]
#[serde(rename_all = "snake_case")]
pub enum Class {
    /// How many validators there are.
    Validators,
    /// Which voting powers they have.
    Powers,
    /// How long there is trouble.
    Horizon,
    /// Every link.
    Network,
    /// Every disk.
    Disk,
    /// What clients do.
    Clients,
    /// What consensus waits for.
    Timeouts,
    /// Which arithmetic checks signatures.
    Signatures,
    /// Validators that lie or are lost for good.
    Faulty,
    /// A validator whose execution gives other outcomes.
    Divergence,
    /// A validator whose key has a second user.
    SharedKeys,
    /// A validator whose place a standby takes with an older guard.
    Failovers,
    /// Partitions and cuts of one direction.
    Partitions,
    /// Crashes, power cuts, restarts.
    Crashes,
    /// A crash of all at once.
    CrashOfAll,
    /// Tokens that are slow, unreliable or gone for a while.
    Tokens,
    /// Tokens that wait for a person: the PIN is locked, or the key is gone.
    UnfitTokens,
    /// Slow disks of one log.
    SlowDisks,
    /// Disks without room for a while.
    FullDisks,
    /// Disks whose syncs fail for a while.
    FailingDisks,
    /// A disk with a sector that cannot be read any more.
    BadSectors,
    /// Connections that end all at once, nodes that hear liars alone, links that clog one after the other.
    Connections,
    /// Somebody who chooses when messages arrive.
    WorstSchedules,
    /// Processes that are killed on machines that keep what was not synced.
    Kills,
    /// A disk that rots, lies, or is put back to an older image.
    SpoiltDisks,
    /// A write of a disk that lands elsewhere.
    MisdirectedWrites,
    /// A validator that is set up from another genesis.
    MismatchedGenesis,
    /// A feature gate, and programs of two versions until everybody has the newer one.
    MixedVersions,
    /// Processes that stand still for a while.
    Pauses,
    /// Wall clocks that leap.
    ClockLeaps,
    /// Timers that run out too early or too late.
    Timers,
    /// Wrong clocks.
    Clocks,
    /// Slow processors.
    Processors,
    /// Validators that leave, come back and get other powers.
    SetChanges,
    /// Validators that get other keys.
    Rotations,
    /// Other parameters.
    Tunings,
}

impl Class {
    /// Every class.
    pub const ALL: [Self; 36] = [
        Self::Validators,
        Self::Powers,
        Self::Horizon,
        Self::Network,
        Self::Disk,
        Self::Clients,
        Self::Timeouts,
        Self::Signatures,
        Self::Faulty,
        Self::Divergence,
        Self::SharedKeys,
        Self::Failovers,
        Self::Partitions,
        Self::Crashes,
        Self::CrashOfAll,
        Self::Tokens,
        Self::UnfitTokens,
        Self::SlowDisks,
        Self::FullDisks,
        Self::FailingDisks,
        Self::BadSectors,
        Self::Connections,
        Self::WorstSchedules,
        Self::Kills,
        Self::SpoiltDisks,
        Self::MisdirectedWrites,
        Self::MismatchedGenesis,
        Self::MixedVersions,
        Self::Pauses,
        Self::ClockLeaps,
        Self::Timers,
        Self::Clocks,
        Self::Processors,
        Self::SetChanges,
        Self::Rotations,
        Self::Tunings,
    ];
}

pub(super) fn swarm(seed: u64) -> Scenario {
    let mut scenario = shape(seed, &Class::ALL.into_iter().collect());
    Swarm::new(seed, &mut scenario).faults(|_| true);
    scenario
}

/// A good day but for these classes, and without what goes wrong when; trouble has an end if it is drawn.
pub(super) fn shape(seed: u64, classes: &BTreeSet<Class>) -> Scenario {
    let chance = Chance::new(seed);
    let shape = chance.draws(SHAPE, 0).next();
    let mut scenario = Scenario::calm(VALIDATORS);
    for class in classes {
        match class {
            Class::Validators => scenario.validators = validators(&shape),
            Class::Powers => scenario.powers = governing::powers(&chance, scenario.validators),
            Class::Horizon => scenario.stabilise_at = Some(horizon(&shape)),
            Class::Network => scenario.network = LinkDials::swarm(&chance),
            Class::Disk => scenario.disk = disk(&shape),
            Class::Clients => scenario.workload = workload(&chance, &shape),
            Class::Timeouts => scenario.parameters = parameters(&shape),
            Class::Signatures => scenario.signatures = signatures(&shape),
            Class::Faulty
            | Class::Divergence
            | Class::SharedKeys
            | Class::Failovers
            | Class::Partitions
            | Class::Crashes
            | Class::CrashOfAll
            | Class::Tokens
            | Class::UnfitTokens
            | Class::SlowDisks
            | Class::FullDisks
            | Class::FailingDisks
            | Class::BadSectors
            | Class::Connections
            | Class::WorstSchedules
            | Class::Kills
            | Class::SpoiltDisks
            | Class::MisdirectedWrites
            | Class::MismatchedGenesis
            | Class::MixedVersions
            | Class::Pauses
            | Class::ClockLeaps
            | Class::Timers
            | Class::Clocks
            | Class::Processors
            | Class::SetChanges
            | Class::Rotations
            | Class::Tunings => {}
        }
    }
    scenario
}

fn validators(shape: &Draw) -> u16 {
    [4, 4, 4, 4, 5, 6, 7, VALIDATORS_MAX][index(shape.word(0).below(8))]
}

fn horizon(shape: &Draw) -> SimTime {
    SimTime::new(shape.word(1).log_uniform(3 * SECOND_NS, 20 * SECOND_NS))
}

fn index(below: u64) -> usize {
    usize::try_from(below).expect("it is below a small bound")
}

fn disk(shape: &Draw) -> DiskDials {
    let slow = shape.word(2).below(3) == 0;
    let cap_ns = shape.word(2).log_uniform(10 * MS_NS, 400 * MS_NS);
    DiskDials {
        sync_cap_ns: if slow {
            cap_ns
        } else {
            DiskDials::CALM.sync_cap_ns
        },
        ..DiskDials::CALM
    }
}

/// Bursts in a quarter of all runs, hot accounts in another.
fn workload(chance: &Chance, shape: &Draw) -> WorkloadDials {
    let draw = chance.draws(CLIENTS, 0).next();
    let (burst, hot) = match draw.word(0).below(4) {
        0 => (draw.word(1).log_uniform(2, 200), Ppm::NEVER),
        1 => (1, ppm(draw.word(2).log_uniform(10_000, 900_000))),
        _ => (1, Ppm::NEVER),
    };
    WorkloadDials {
        gap_min_ns: shape.word(3).log_uniform(5 * MS_NS, 200 * MS_NS),
        burst,
        hot,
        ..WorkloadDials::CALM
    }
}

fn parameters(shape: &Draw) -> Parameters {
    let [wide, hasty, local] = drawn_parameters();
    match shape.word(4).below(8) {
        0 => wide,
        1..4 => hasty,
        _ => local,
    }
}

/// What parameters are drawn from.
pub(super) fn drawn_parameters() -> [Parameters; 3] {
    [short_memory(), hasty_parameters(), local_parameters()]
}

/// Timeouts that hold on the calm network from round 1 on and are missed whenever anything is slow: many rounds.
fn hasty_parameters() -> Parameters {
    Parameters {
        timeouts: Timeouts {
            propose_ms: 120,
            prevote_ms: 50,
            precommit_ms: 50,
            growth_ms: 20,
            growth_rounds_max: 50,
            tick_ms: 15,
            heartbeat_ms: 2_000,
        },
        ..short_memory()
    }
}

fn signatures(shape: &Draw) -> Signatures {
    if shape.word(5).below(REAL_EVERY) == 0 {
        Signatures::Real
    } else {
        Signatures::Simulated
    }
}

/// What goes wrong when.
pub(super) struct Swarm<'a> {
    chance: Chance,
    scenario: &'a mut Scenario,
    chaos_ns: u64,
}

impl<'a> Swarm<'a> {
    /// Draws onto a scenario whose validators, trouble and faulty nodes are said.
    pub(super) fn new(seed: u64, scenario: &'a mut Scenario) -> Self {
        let chaos_ns = scenario.stabilise_at.unwrap_or_default().get();
        let chance = Chance::new(seed);
        Self {
            chance,
            scenario,
            chaos_ns,
        }
    }

    /// Draws the classes that were chosen, faulty nodes before all that has to leave them alone.
    pub(super) fn faults(&mut self, chosen: impl Fn(&Class) -> bool) {
        for class in Class::ALL.iter().filter(|class| chosen(class)) {
            match class {
                Class::Faulty => self.faulty(),
                Class::Divergence => self.divergence(),
                Class::SharedKeys => self.shared_keys(),
                Class::Failovers => self.failovers(),
                Class::Partitions => self.partitions(),
                Class::Crashes => self.crashes(),
                Class::CrashOfAll => self.crash_of_all(),
                Class::Tokens => self.tokens(),
                Class::UnfitTokens => self.unfit_tokens(),
                Class::SlowDisks => self.disks(),
                Class::FullDisks => self.full_disks(),
                Class::FailingDisks => self.failing_disks(),
                Class::BadSectors => self.bad_sectors(),
                Class::Connections => self.connections(),
                Class::WorstSchedules => self.worst_schedules(),
                Class::Kills => self.kills(),
                Class::SpoiltDisks => self.spoilt_disks(),
                Class::MisdirectedWrites => self.misdirected_writes(),
                Class::MismatchedGenesis => self.mismatched_genesis(),
                Class::MixedVersions => self.mixed_versions(),
                Class::Pauses => self.pauses(),
                Class::ClockLeaps => self.clock_leaps(),
                Class::Timers => self.timers(),
                Class::Clocks => self.clocks(),
                Class::Processors => self.processors(),
                Class::SetChanges => self.set_changes(),
                Class::Rotations => self.rotations(),
                Class::Tunings => self.tunings(),
                Class::Validators
                | Class::Powers
                | Class::Horizon
                | Class::Network
                | Class::Disk
                | Class::Clients
                | Class::Timeouts
                | Class::Signatures => {}
            }
        }
    }

    /// How often something happens in this run: not at all in half of all runs.
    fn times(&self, site: Site, most: u64) -> u64 {
        let draw = self.chance.draws(site, u64::MAX).next();
        if draw.word(0).below(2) == 0 {
            0
        } else {
            draw.word(1).within(1, most)
        }
    }

    fn draw(&self, site: Site, number: u64) -> Draw {
        self.chance.draws(site, number).next()
    }

    fn node(&self, word: Word) -> NodeIndex {
        let node = word.below(u64::from(self.scenario.validators));
        NodeIndex::new(u16::try_from(node).expect("below the number of validators"))
    }

    fn time(&self, word: Word) -> SimTime {
        SimTime::new(word.below(self.chaos_ns))
    }

    fn add(&mut self, at: SimTime, fault: Fault) {
        self.scenario.add(Timed { at, fault });
    }
}

fn ppm(parts: u64) -> Ppm {
    Ppm::new(u32::try_from(parts).expect("dials are bounded by a million"))
}

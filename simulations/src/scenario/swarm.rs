//! The random scenario of a seed: a subset of all faults, each log-uniform in strength, within the fault budget.
//!
//! Invariant: every choice is a draw of its own site, so a new kind of fault leaves those of old seeds where they were.
//! Shape: chaos of 3 to 20 seconds, then the network stabilises. At most f validators lie or are lost for good; any number may
//! crash and come back.

use std::collections::BTreeSet;

use falaj_consensus::durable::LogId;
use falaj_consensus::params::{Parameters, Timeouts};
use schemars::JsonSchema;
use serde::{Deserialize, Serialize};

use super::{Scenario, Signatures, local_parameters};
use crate::byzantine::Behaviour;
use crate::chance::{Chance, Draw, Site, Word};
use crate::clock::Clock;
use crate::disk::DiskDials;
use crate::fault::{Fault, Timed};
use crate::hsm::TokenDials;
use crate::network::LinkDials;
use crate::types::{NodeIndex, Ppm, SimTime};
use crate::workload::WorkloadDials;

/// The most validators of a random scenario.
pub const VALIDATORS_MAX: u16 = 7;

const SHAPE: Site = Site::new("scenario/shape");
const CLIENTS: Site = Site::new("scenario/clients");
const FAULTY: Site = Site::new("scenario/faulty");
const PARTITION: Site = Site::new("scenario/partition");
const CRASH: Site = Site::new("scenario/crash");
const TOGETHER: Site = Site::new("scenario/crash-of-all");
const DIVERGE: Site = Site::new("scenario/diverge");
const DISK_FULL: Site = Site::new("scenario/disk-full");
const DISK: Site = Site::new("scenario/disk");
const TOKEN: Site = Site::new("scenario/token");
const CLOCK: Site = Site::new("scenario/clock");
const CPU: Site = Site::new("scenario/cpu");

const MS_NS: u64 = 1_000_000;
const SECOND_NS: u64 = 1_000 * MS_NS;
/// One seed in so many runs with real signatures.
const REAL_EVERY: u64 = 32;

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
    /// Partitions and cuts of one direction.
    Partitions,
    /// Crashes, power cuts, restarts.
    Crashes,
    /// A crash of all at once.
    CrashOfAll,
    /// Tokens that are slow, unreliable or gone for a while.
    Tokens,
    /// Slow disks of one log.
    SlowDisks,
    /// Disks without room for a while.
    FullDisks,
    /// Wrong clocks.
    Clocks,
    /// Slow processors.
    Processors,
}

impl Class {
    /// Every class.
    pub const ALL: [Self; 17] = [
        Self::Validators,
        Self::Horizon,
        Self::Network,
        Self::Disk,
        Self::Clients,
        Self::Timeouts,
        Self::Signatures,
        Self::Faulty,
        Self::Divergence,
        Self::Partitions,
        Self::Crashes,
        Self::CrashOfAll,
        Self::Tokens,
        Self::SlowDisks,
        Self::FullDisks,
        Self::Clocks,
        Self::Processors,
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
            Class::Horizon => scenario.stabilise_at = Some(horizon(&shape)),
            Class::Network => scenario.network = LinkDials::swarm(&chance),
            Class::Disk => scenario.disk = disk(&shape),
            Class::Clients => scenario.workload = workload(&chance, &shape),
            Class::Timeouts => scenario.parameters = parameters(&shape),
            Class::Signatures => scenario.signatures = signatures(&shape),
            Class::Faulty
            | Class::Divergence
            | Class::Partitions
            | Class::Crashes
            | Class::CrashOfAll
            | Class::Tokens
            | Class::SlowDisks
            | Class::FullDisks
            | Class::Clocks
            | Class::Processors => {}
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
    [
        Parameters::default(),
        hasty_parameters(),
        local_parameters(),
    ]
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
        ..Parameters::default()
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
                Class::Partitions => self.partitions(),
                Class::Crashes => self.crashes(),
                Class::CrashOfAll => self.crash_of_all(),
                Class::Tokens => self.tokens(),
                Class::SlowDisks => self.disks(),
                Class::FullDisks => self.full_disks(),
                Class::Clocks => self.clocks(),
                Class::Processors => self.processors(),
                Class::Validators
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

    /// Up to f validators that lie, or that are lost for good at some time.
    fn faulty(&mut self) {
        let budget = u64::from(self.scenario.fault_budget());
        let shape = self.draw(FAULTY, 0);
        let count = shape.word(0).within(0, budget);
        let first = shape.word(1).below(u64::from(self.scenario.validators));
        for number in 0..count {
            let draw = self.draw(FAULTY, 1 + number);
            let node = (first + number) % u64::from(self.scenario.validators);
            let node = NodeIndex::new(u16::try_from(node).expect("below the number of validators"));
            let at = self.time(draw.word(1));
            match draw.word(0).below(6) {
                0 => self.lie(node, &[Behaviour::Equivocate]),
                1 => self.lie(node, &[Behaviour::VoteTwice]),
                2 | 3 => self.lie(node, &[Behaviour::Equivocate, Behaviour::VoteTwice]),
                4 => self.lose(at, node, Fault::Crash(node)),
                _ => self.lose(at, node, Fault::TokenGone(node)),
            }
        }
    }

    fn lie(&mut self, node: NodeIndex, behaviours: &[Behaviour]) {
        self.scenario.byzantine.insert(node, behaviours.to_vec());
    }

    fn lose(&mut self, at: SimTime, node: NodeIndex, fault: Fault) {
        self.scenario.lost.insert(node);
        self.add(at, fault);
    }

    /// One validator whose execution gives something else from some time on, if consensus bears one more that is faulty.
    fn divergence(&mut self) {
        let draw = self.draw(DIVERGE, 0);
        let faulty = self.scenario.byzantine.len() + self.scenario.lost.len();
        let node = self.node(draw.word(1));
        let is_new =
            !self.scenario.byzantine.contains_key(&node) && !self.scenario.lost.contains(&node);
        let bears = faulty < usize::from(self.scenario.fault_budget());
        if draw.word(0).below(4) == 0 && is_new && bears {
            let at = self.time(draw.word(2));
            self.scenario.diverging.insert(node);
            self.lose(at, node, Fault::Diverge(node));
        }
    }

    fn partitions(&mut self) {
        for number in 0..self.times(PARTITION, 3) {
            let draw = self.draw(PARTITION, number);
            let side: Vec<_> = (0..self.scenario.validators)
                .filter(|node| draw.word(0).get() >> node & 1 == 1)
                .map(NodeIndex::new)
                .collect();
            let at = self.time(draw.word(1));
            let lasts_ns = draw.word(2).log_uniform(200 * MS_NS, 10 * SECOND_NS);
            let fault = match draw.word(3).below(4) {
                0 => Fault::Mute { side },
                kind => Fault::Partition {
                    side,
                    noticed: kind == 1,
                },
            };
            self.add(at, fault);
            self.add(at.after_ns(lasts_ns), Fault::Heal);
        }
    }

    fn crashes(&mut self) {
        for number in 0..self.times(CRASH, 6) {
            let draw = self.draw(CRASH, number);
            let node = self.node(draw.word(0));
            let at = self.time(draw.word(1));
            if self.scenario.lost.contains(&node) {
                continue;
            }
            let fault = if draw.word(2).below(2) == 0 {
                Fault::Crash(node)
            } else {
                let after_changes = draw.word(3).log_uniform(1, 200);
                Fault::PowerCut {
                    node,
                    after_changes,
                }
            };
            let again = draw.word(4).below(4) == 0;
            let after_changes = again.then(|| draw.word(5).below(40));
            let down_ns = draw.word(6).log_uniform(10 * MS_NS, 8 * SECOND_NS);
            self.add(at, fault);
            self.add(
                at.after_ns(down_ns),
                Fault::Restart {
                    node,
                    after_changes,
                },
            );
        }
    }

    /// All at once, as when a data centre loses its power.
    fn crash_of_all(&mut self) {
        let draw = self.draw(TOGETHER, 0);
        if draw.word(0).below(8) != 0 {
            return;
        }
        let at = self.time(draw.word(1));
        for index in 0..self.scenario.validators {
            let node = NodeIndex::new(index);
            if self.scenario.lost.contains(&node) {
                continue;
            }
            let down_ns = self
                .draw(TOGETHER, 1 + u64::from(index))
                .word(0)
                .log_uniform(10 * MS_NS, 4 * SECOND_NS);
            self.add(at, Fault::Crash(node));
            let after_changes = None;
            self.add(
                at.after_ns(down_ns),
                Fault::Restart {
                    node,
                    after_changes,
                },
            );
        }
    }

    fn tokens(&mut self) {
        for number in 0..self.times(TOKEN, 4) {
            let draw = self.draw(TOKEN, number);
            let node = self.node(draw.word(0));
            let at = self.time(draw.word(1));
            let ends = at.after_ns(draw.word(2).log_uniform(100 * MS_NS, 8 * SECOND_NS));
            if self.scenario.lost.contains(&node) {
                continue;
            }
            if draw.word(3).below(3) == 0 {
                self.add(at, Fault::TokenGone(node));
                self.add(ends, Fault::TokenBack(node));
                continue;
            }
            let dials = TokenDials {
                latency_cap_ns: draw.word(4).log_uniform(3 * MS_NS, 2 * SECOND_NS),
                session_loss: ppm(draw.word(5).log_uniform(1_000, 500_000)),
                lost_answer: ppm(draw.word(6).log_uniform(1_000, 500_000)),
                ..TokenDials::CALM
            };
            self.add(at, Fault::Token { node, dials });
            let dials = TokenDials::CALM;
            self.add(ends, Fault::Token { node, dials });
        }
    }

    /// One log of a node on a disk that is slower than those of its others.
    fn disks(&mut self) {
        for number in 0..self.times(DISK, 3) {
            let draw = self.draw(DISK, number);
            let node = self.node(draw.word(0));
            let at = self.time(draw.word(1));
            let log = [LogId::Guard, LogId::Block, LogId::Batch][index(draw.word(2).below(3))];
            let sync_min_ns = draw.word(3).log_uniform(5 * MS_NS, 200 * MS_NS);
            let dials = DiskDials {
                sync_min_ns,
                sync_cap_ns: 4 * sync_min_ns,
                ..DiskDials::CALM
            };
            self.add(at, Fault::Disk { node, log, dials });
        }
    }

    /// All disks of a node, for a while.
    fn full_disks(&mut self) {
        for number in 0..self.times(DISK_FULL, 2) {
            let draw = self.draw(DISK_FULL, number);
            let node = self.node(draw.word(0));
            let at = self.time(draw.word(1));
            let lasts_ns = draw.word(2).log_uniform(100 * MS_NS, 6 * SECOND_NS);
            if self.scenario.lost.contains(&node) {
                continue;
            }
            self.add(at, Fault::DiskFull(node));
            self.add(at.after_ns(lasts_ns), Fault::DiskRoom(node));
        }
    }

    fn clocks(&mut self) {
        for index in 0..self.scenario.validators {
            let draw = self.draw(CLOCK, u64::from(index));
            if draw.word(0).below(3) != 0 {
                continue;
            }
            let signed = |word: Word, most: i64| {
                i64::try_from(word.below(2 * most.unsigned_abs() + 1)).expect("a small number")
                    - most
            };
            let clock = Clock {
                offset_us: signed(draw.word(1), 150_000),
                drift_ppm: i32::try_from(signed(draw.word(2), 500)).expect("a small number"),
                ..Clock::default()
            };
            self.scenario.clocks.insert(NodeIndex::new(index), clock);
        }
    }

    fn processors(&mut self) {
        let draw = self.draw(CPU, 0);
        if draw.word(0).below(4) == 0 {
            let node = self.node(draw.word(1));
            self.scenario
                .slow
                .insert(node, draw.word(2).log_uniform(2, 50));
        }
    }
}

fn ppm(parts: u64) -> Ppm {
    Ppm::new(u32::try_from(parts).expect("dials are bounded by a million"))
}

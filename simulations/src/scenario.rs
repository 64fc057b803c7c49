//! What a run is made of: how many validators, how bad everything is, and what goes wrong when.
//!
//! Invariant: a scenario is data, complete: world and seed add nothing but the outcome of dials.
//! Units: nanoseconds of virtual time; probabilities in parts per million.
//! Source: `docs/simulation.md`, "Scenarios".

pub mod file;
mod plan;
mod sets;
pub mod shipped;
mod swarm;
mod tuned;

use std::collections::{BTreeMap, BTreeSet};

use falaj_consensus::params::{Parameters, Timeouts};
use falaj_consensus::types::Height;

use crate::byzantine::Behaviour;
use crate::cities::{City, STRETCH_PERCENT};
use crate::clock::Clock;
use crate::disk::DiskDials;
use crate::fault::{Fault, Timed};
use crate::network::LinkDials;
use crate::types::{NodeIndex, SimTime};
use crate::workload::WorkloadDials;

pub use plan::{MARKS_FROM_SEEDS, Plan};
pub use swarm::{Class, VALIDATORS_MAX};

/// Which arithmetic checks signatures.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Signatures {
    /// The simulated HSM's keyed hash.
    Simulated,
    /// Ed25519, by the checker that production uses.
    Real,
}

/// A run before it has a seed.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Scenario {
    /// How many validators.
    pub validators: u16,
    /// The voting powers of those that have another than one.
    pub powers: BTreeMap<NodeIndex, u64>,
    /// What consensus runs with.
    pub parameters: Parameters,
    /// Which arithmetic checks signatures.
    pub signatures: Signatures,
    /// The network until it stabilises.
    pub network: LinkDials,
    /// Where validators stand, if that is said.
    pub cities: BTreeMap<NodeIndex, City>,
    /// How much longer than the great circle the ways between cities are.
    pub stretch_percent: u64,
    /// Every disk until then.
    pub disk: DiskDials,
    /// What clients do.
    pub workload: WorkloadDials,
    /// The clocks of nodes that are not right.
    pub clocks: BTreeMap<NodeIndex, Clock>,
    /// How many times slower than usual a node computes.
    pub slow: BTreeMap<NodeIndex, u64>,
    /// Validators that lie, and how.
    pub byzantine: BTreeMap<NodeIndex, Vec<Behaviour>>,
    /// Validators that are down for good, or whose token is, once the first fault hits them.
    pub lost: BTreeSet<NodeIndex>,
    /// Those of the lost that run on and compute other outcomes than everybody: what they say is judged by nobody.
    pub unsound: BTreeSet<NodeIndex>,
    /// What goes wrong, in order of time.
    pub faults: Vec<Timed>,
    /// When everything that can end has ended, and liveness is owed; `None` leaves it to whoever runs the world.
    pub stabilise_at: Option<SimTime>,
    /// Clients go on at least until this height is decided.
    pub heights: Option<Height>,
    /// Feature gates that are scheduled at the beginning, by bit, with their first heights. Every program lacks them at first.
    pub gates: BTreeMap<u8, Height>,
}

impl Scenario {
    /// So many validators on a good day.
    #[must_use]
    pub fn calm(validators: u16) -> Self {
        Self {
            validators,
            powers: BTreeMap::new(),
            parameters: local_parameters(),
            signatures: Signatures::Simulated,
            network: LinkDials::CALM,
            cities: BTreeMap::new(),
            stretch_percent: STRETCH_PERCENT,
            disk: DiskDials::CALM,
            workload: WorkloadDials::CALM,
            clocks: BTreeMap::new(),
            slow: BTreeMap::new(),
            byzantine: BTreeMap::new(),
            lost: BTreeSet::new(),
            unsound: BTreeSet::new(),
            faults: Vec::new(),
            stabilise_at: None,
            heights: None,
            gates: BTreeMap::new(),
        }
    }

    /// The random scenario that belongs to a seed.
    #[must_use]
    pub fn swarm(seed: u64) -> Self {
        swarm::swarm(seed)
    }

    /// Whose words no oracle judges: those who lie, and those who compute something else.
    #[must_use]
    pub fn judged_by_nobody(&self) -> BTreeSet<NodeIndex> {
        let liars = self.byzantine.keys().copied();
        liars.chain(self.unsound.iter().copied()).collect()
    }

    /// Who is not there at the beginning, and arrives.
    #[must_use]
    pub fn arrivals(&self) -> BTreeSet<NodeIndex> {
        let arrive = |timed: &Timed| {
            if let Fault::Arrive(node) = timed.fault {
                Some(node)
            } else {
                None
            }
        };
        self.faults.iter().filter_map(arrive).collect()
    }

    /// How long a message between two nodes takes for the way alone, there and back alike.
    #[must_use]
    pub fn ways_ns(&self) -> BTreeMap<(NodeIndex, NodeIndex), u64> {
        let pairs = self.cities.iter().flat_map(|(from, here)| {
            let others = self.cities.iter().filter(move |(to, _)| *to != from);
            others.map(move |(to, there)| {
                let delay_ns = here.delay_ns(*there, self.stretch_percent);
                ((*from, *to), delay_ns)
            })
        });
        pairs.collect()
    }

    /// How many faulty validators consensus bears at genesis, if they are those of the least power.
    #[must_use]
    pub fn fault_budget(&self) -> u16 {
        let powers = self.first_powers();
        let mut bearable = sets::bearable(&powers);
        let mut ascending: Vec<_> = powers.into_values().map(u128::from).collect();
        ascending.sort_unstable();
        let fits = ascending.into_iter().take_while(|power| {
            let left = bearable.checked_sub(*power);
            bearable = left.unwrap_or_default();
            left.is_some()
        });
        u16::try_from(fits.count()).unwrap_or(u16::MAX)
    }

    /// Whether no more power lies, computes something else or goes for good than consensus bears, and no quorum can agree on a wrong time,
    /// in any set that is planned.
    #[must_use]
    pub fn is_within_budget(&self) -> bool {
        let mut sets = self.planned_powers().into_iter();
        let bears = |powers: &sets::Powers| self.faulty_power(powers) <= sets::bearable(powers);
        sets.all(|powers| bears(&powers) && self.keeps_time(&powers))
    }

    /// Whether consensus would bear that this node is faulty too.
    fn bears(&self, node: NodeIndex) -> bool {
        let mut worse = self.clone();
        worse.lost.insert(node);
        worse.is_within_budget()
    }

    /// Adds a fault, in its place.
    pub fn add(&mut self, timed: Timed) {
        let place = self.faults.partition_point(|entry| entry.at <= timed.at);
        self.faults.insert(place, timed);
    }
}

/// Windows of evidence that a run of a few seconds outlasts.
pub(crate) fn short_memory() -> Parameters {
    Parameters {
        evidence_age_heights: 60,
        evidence_age_ms: 1_500,
        ..Parameters::default()
    }
}

/// Parameters that fit the calm network: timeouts of a few hundred milliseconds.
#[must_use]
pub fn local_parameters() -> Parameters {
    Parameters {
        timeouts: Timeouts {
            propose_ms: 400,
            prevote_ms: 150,
            precommit_ms: 150,
            growth_ms: 100,
            growth_rounds_max: 50,
            tick_ms: 50,
            heartbeat_ms: 5_000,
        },
        ..short_memory()
    }
}

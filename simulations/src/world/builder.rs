//! A world of one's own, node by node and fault by fault.
//!
//! Invariant: what was built is a [`Scenario`], so that a world from here is judged, replayed and hashed like any other.
//! Shape: nodes are counted from 0 in the order in which they are added; what is not said is as on a good day.
//! Who calls it: programs of researchers, tests.
//! Errors: [`BuildError`], for what no network can be.

use std::sync::mpsc::Sender;

use super::World;
use crate::byzantine::Behaviour;
use crate::cities::City;
use crate::clock::Clock;
use crate::disk::DiskDials;
use crate::fault::{Fault, Timed};
use crate::network::LinkDials;
use crate::scenario::Scenario;
use crate::scenario::file::VALIDATORS_MAX;
use crate::trace::{Line, Trace};
use crate::types::{NodeIndex, SimTime};
use crate::workload::WorkloadDials;

/// Why there is no such world.
#[derive(Clone, Copy, Debug, PartialEq, Eq, thiserror::Error)]
pub enum BuildError {
    /// A network of nobody, or of too many.
    #[error("a network has 1 to {VALIDATORS_MAX} nodes, not {0}")]
    Nodes(u16),
    /// A fault of a node that was not added.
    #[error("a fault is about node {node}, and there are {nodes}, counted from 0")]
    FaultOfNobody {
        /// Whom it is about.
        node: NodeIndex,
        /// How many there are.
        nodes: u16,
    },
}

/// What a world is built of.
///
/// ```
/// use falaj_simulations::{Behaviour, Fault, NodeIndex, SimTime, WorldBuilder};
///
/// let half_a_second = SimTime::new(500_000_000);
/// let mut world = WorldBuilder::new(7)
///     .nodes(3)
///     .liar([Behaviour::VoteTwice])
///     .fault(half_a_second, Fault::Crash(NodeIndex::new(1)))
///     .fault(SimTime::new(900_000_000), Fault::Restart { node: NodeIndex::new(1), after_changes: None })
///     .start()?;
/// assert!(world.is_lying(NodeIndex::new(3)));
/// world.run_to(SimTime::new(2_000_000_000));
/// assert_eq!(world.view(NodeIndex::new(1)).starts, 2);
/// # Ok::<(), falaj_simulations::BuildError>(())
/// ```
#[derive(Debug)]
#[must_use]
pub struct WorldBuilder {
    seed: u64,
    scenario: Scenario,
    lines: Option<Sender<Line>>,
}

impl WorldBuilder {
    /// Nothing yet, under a seed.
    pub fn new(seed: u64) -> Self {
        Self {
            seed,
            scenario: Scenario::calm(0),
            lines: None,
        }
    }

    /// Adds so many correct validators.
    pub const fn nodes(mut self, count: u16) -> Self {
        self.scenario.validators = self.scenario.validators.saturating_add(count);
        self
    }

    /// Adds a validator that lies in these ways.
    pub fn liar(self, behaviours: impl Into<Vec<Behaviour>>) -> Self {
        let behaviours = behaviours.into();
        self.one(|scenario, node| {
            scenario.byzantine.insert(node, behaviours);
        })
    }

    /// Adds a correct validator that computes so many times slower than the others.
    pub fn slow_node(self, factor: u64) -> Self {
        self.one(|scenario, node| {
            scenario.slow.insert(node, factor);
        })
    }

    /// Adds a correct validator that stands in a city: from there to others that do, messages take their time.
    pub fn node_in(self, city: City) -> Self {
        self.one(|scenario, node| {
            scenario.cities.insert(node, city);
        })
    }

    /// Adds a correct validator whose clock is wrong.
    pub fn node_with_clock(self, clock: Clock) -> Self {
        self.one(|scenario, node| {
            scenario.clocks.insert(node, clock);
        })
    }

    fn one(mut self, say: impl FnOnce(&mut Scenario, NodeIndex)) -> Self {
        let node = NodeIndex::new(self.scenario.validators);
        say(&mut self.scenario, node);
        self.nodes(1)
    }

    /// Makes every link like this, until [`World::stabilise`].
    pub const fn network(mut self, dials: LinkDials) -> Self {
        self.scenario.network = dials;
        self
    }

    /// Makes every disk like this, until [`World::stabilise`].
    pub const fn disks(mut self, dials: DiskDials) -> Self {
        self.scenario.disk = dials;
        self
    }

    /// Makes clients pay like this.
    pub const fn clients(mut self, dials: WorkloadDials) -> Self {
        self.scenario.workload = dials;
        self
    }

    /// Lets something go wrong, or end, at a time.
    pub fn fault(mut self, at: SimTime, fault: Fault) -> Self {
        self.scenario.add(Timed { at, fault });
        self
    }

    /// Changes anything else of the scenario.
    pub fn with(mut self, change: impl FnOnce(&mut Scenario)) -> Self {
        change(&mut self.scenario);
        self
    }

    /// Tells the trace, a line for every event.
    pub fn told(mut self, lines: Sender<Line>) -> Self {
        self.lines = Some(lines);
        self
    }

    /// Starts every node, with clients at work.
    ///
    /// # Errors
    /// [`BuildError`], when there are no nodes or too many, or a fault is about none of them.
    pub fn start(self) -> Result<World, BuildError> {
        let nodes = self.scenario.validators;
        if !(1..=VALIDATORS_MAX).contains(&u64::from(nodes)) {
            return Err(BuildError::Nodes(nodes));
        }
        let named = self.scenario.faults.iter();
        let nobody = named
            .flat_map(|timed| timed.fault.nodes())
            .find(|node| node.get() >= nodes);
        if let Some(node) = nobody {
            return Err(BuildError::FaultOfNobody { node, nodes });
        }
        Ok(World::new(self.seed, self.scenario, Trace::new(self.lines)))
    }
}

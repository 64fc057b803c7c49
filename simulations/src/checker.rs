//! Oracles: they watch a world from outside and share no code with what they judge.
//!
//! Invariant: an oracle knows what was observed and what everybody is told (genesis, keys); it never asks a machine under test.
//! Codecs alone are shared, because what they read has its own frozen vectors.
//! Shape: one file an oracle; [`Judge`] shows each observation to all. Who lies or was lost for good is judged by nobody.
//! Errors: the first [`Violation`] ends a run.
//! Source: `docs/simulation.md`, "Oracles".

mod accountability;
mod acknowledged;
mod agreement;
mod alarms;
mod bounds;
mod certificates;
mod chain;
mod conformance;
mod conservation;
mod disclosure;
mod double_sign;
mod evidence;
mod keys;
mod liveness;
mod once;
mod quorum;
mod sets;
mod turns;
mod upgrades;
mod waits;
mod why;

use std::collections::BTreeSet;
use std::fmt;
use std::sync::Arc;

use falaj_consensus::crypto::PublicKey;
use falaj_consensus::durable::{LogId, Position};
use falaj_consensus::message::{Outcome, Statement};
use falaj_consensus::types::{BlockId, Height, Now, OutcomeHash};
use falaj_hsm::Place;
use falaj_ledger::transaction::TxKey;
use falaj_node::core::{Committed, Event, Frame, Holdings};

use crate::economy::Economy;
use crate::hsm::Registry;
use crate::types::{NodeIndex, SimTime};

pub use liveness::Bound;
pub use why::{Standing, Truth, can_last};

/// What an oracle is told before the run.
#[derive(Clone, Debug)]
pub struct Facts {
    /// Keys, genesis, accounts.
    pub economy: Arc<Economy>,
    /// How many nodes there are, all of them validators at the beginning.
    pub validators: u16,
    /// Who lies.
    pub byzantine: BTreeSet<NodeIndex>,
    /// The outcome of genesis.
    pub outcome: Outcome,
}

/// When something is seen.
#[derive(Clone, Copy, Debug)]
pub struct Moment {
    /// In virtual time.
    pub at: SimTime,
    /// On the clocks of the node that shows it.
    pub clock: Now,
}

/// What a process has begun and not ended, counted by its host.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub struct UnderWay {
    /// Checks of signatures.
    pub checks: u64,
    /// Requests that its signer has.
    pub signatures: u64,
    /// Reads of the batch log and searches of the block log.
    pub reads: u64,
    /// Steps whose outputs wait for the disk.
    pub outputs: u64,
}

/// What can be seen from outside.
#[derive(Clone, Copy, Debug)]
pub enum Observation<'a> {
    /// A process started and stands on this height.
    Started {
        /// Height that its logs and store hold.
        height: Height,
        /// Last record of its block log.
        block: Position,
        /// Last record of its batch log.
        batch: Position,
        /// The last place that its guard has recorded.
        guard: Place,
    },
    /// A starting process executed a decided height again from its logs.
    Replayed(&'a Committed),
    /// A guard recorded a statement, or had recorded it, and asks its token for the signature.
    Intended(&'a Statement),
    /// A signer let a signature out.
    Released {
        /// What was signed.
        statement: &'a Statement,
        /// The bytes that were signed.
        message: &'a [u8],
        /// With which key.
        key: &'a PublicKey,
    },
    /// A frame left.
    Sent(&'a Frame),
    /// A frame was taken in.
    Received(&'a Frame),
    /// A record was written, though not synced yet.
    Appended {
        /// Which log.
        log: LogId,
        /// Where.
        position: Position,
        /// The record.
        record: &'a [u8],
    },
    /// A log was synced.
    Durable {
        /// Which.
        log: LogId,
        /// Up to here.
        upto: Position,
    },
    /// A block was let out as final.
    Committed(&'a Committed),
    /// The replica reported something.
    Reported(&'a Event),
    /// A look at what the replica holds.
    Held {
        /// As it counts it.
        holdings: &'a Holdings,
        /// As its host counts it.
        under_way: UnderWay,
    },
}

impl Observation<'_> {
    /// The block that became final here, now or in an earlier life of the process.
    const fn decided(&self) -> Option<&Committed> {
        match self {
            Self::Replayed(block) | Self::Committed(block) => Some(block),
            Self::Started { .. }
            | Self::Intended(_)
            | Self::Released { .. }
            | Self::Sent(_)
            | Self::Received(_)
            | Self::Appended { .. }
            | Self::Durable { .. }
            | Self::Reported(_)
            | Self::Held { .. } => None,
        }
    }
}

/// An oracle's finding.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Violation {
    /// Which oracle.
    pub oracle: &'static str,
    /// When it was seen.
    pub at: SimTime,
    /// At whom.
    pub node: NodeIndex,
    /// What is wrong.
    pub what: String,
}

impl fmt::Display for Violation {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        let Self {
            oracle,
            at,
            node,
            what,
        } = self;
        write!(f, "{oracle} at {at}, {node}: {what}")
    }
}

/// What an oracle says to an observation: nothing, or what is wrong.
type Finding = Result<(), String>;

const ACCOUNTABILITY: &str = "accountability";
const AGREEMENT: &str = "agreement";
const ALARMS: &str = "alarms";

/// All oracles.
#[derive(Debug)]
pub struct Judge {
    facts: Facts,
    sets: sets::Sets,
    accountability: accountability::Accountability,
    agreement: agreement::Agreement,
    acknowledged: acknowledged::Acknowledged,
    chain: chain::Chain,
    certificates: certificates::Certificates,
    double_sign: double_sign::DoubleSign,
    conservation: conservation::Conservation,
    once: once::Once,
    conformance: conformance::Conformance,
    disclosure: disclosure::Disclosure,
    bounds: bounds::Bounds,
    evidence: evidence::Evidence,
    upgrades: upgrades::Upgrades,
    violation: Option<Violation>,
}

impl Judge {
    /// Oracles that have seen nothing yet.
    #[must_use]
    pub fn new(facts: Facts) -> Self {
        Self {
            sets: sets::Sets::new(
                &facts.economy.genesis.validators,
                facts.economy.genesis.parameters,
            ),
            accountability: accountability::Accountability::new(&facts),
            agreement: agreement::Agreement::new(&facts),
            acknowledged: acknowledged::Acknowledged::default(),
            chain: chain::Chain::new(&facts),
            certificates: certificates::Certificates::new(&facts),
            double_sign: double_sign::DoubleSign::new(&facts.economy.genesis.chain()),
            conservation: conservation::Conservation::new(&facts),
            once: once::Once::default(),
            conformance: conformance::Conformance::new(&facts),
            disclosure: disclosure::Disclosure::new(&facts),
            bounds: bounds::Bounds::new(&facts),
            evidence: evidence::Evidence::new(&facts),
            upgrades: upgrades::Upgrades::default(),
            violation: None,
            facts,
        }
    }

    /// The first thing that was wrong.
    #[must_use]
    pub const fn violation(&self) -> Option<&Violation> {
        self.violation.as_ref()
    }

    /// The highest height that any correct node has let out as final.
    #[must_use]
    pub fn height(&self) -> Height {
        self.agreement.height()
    }

    /// Notes something wrong that was found elsewhere.
    pub fn blame(&mut self, oracle: &'static str, at: SimTime, node: NodeIndex, what: String) {
        self.violation.get_or_insert(Violation {
            oracle,
            at,
            node,
            what,
        });
    }

    /// A client made a transaction.
    pub fn issued(&mut self, key: TxKey) {
        self.once.issued(key);
        self.acknowledged.issued(key);
    }

    /// The timers of a node may run out so much before their time from now on.
    pub fn timers_may_be_early(&mut self, node: NodeIndex, early_ns: u64) {
        self.conformance.timers_may_be_early(node, early_ns);
    }

    /// A node runs another program from now on, which supports these features.
    pub fn program_changed(&mut self, node: NodeIndex, features: u64) {
        self.upgrades.program_changed(node, features);
    }

    /// A node stands on a state that it was given, after the block of that height, id and outcome.
    pub fn restored(
        &mut self,
        at: SimTime,
        node: NodeIndex,
        height: Height,
        block: (BlockId, OutcomeHash),
    ) {
        if let Err(what) = self.agreement.restored(node, height, block) {
            self.blame("agreement", at, node, what);
        }
    }

    /// Shows an observation at a node to every oracle.
    pub fn observe(
        &mut self,
        when: Moment,
        node: NodeIndex,
        registry: &Registry,
        observation: Observation<'_>,
    ) {
        if self.violation.is_some() || self.facts.byzantine.contains(&node) {
            return;
        }
        let seen = &observation;
        let conserved = self.conservation.observe(seen);
        self.sets.learn(self.conservation.sets());
        self.sets.learn_parameters(self.conservation.parameters());
        let sets = &self.sets;
        let known = (sets, registry);
        let proven = self.evidence.observe(known, when.at, node, seen);
        let accountable = self.accountability.observe(sets, registry, node, seen);
        let agreed = self.agreement.observe(node, seen);
        let calm = alarms::observe(&self.facts, sets, seen);
        let (agreement, agreed) = self.named(AGREEMENT, agreed, self.agreement.fork());
        let (alarms, calm) = self.named(ALARMS, calm, alarms::fork(seen));
        let findings = [
            (agreement, agreed),
            (
                "upgrades",
                self.upgrades.observe(&self.conservation, node, seen),
            ),
            ("validity", self.chain.observe(sets, seen)),
            (
                "certificates",
                self.certificates.observe(sets, registry, seen),
            ),
            ("double sign", self.double_sign.observe(node, seen)),
            ("keys", keys::observe(sets, node, seen)),
            ("exactly once", self.once.observe(seen)),
            ("conservation", conserved),
            ("acknowledged", self.acknowledged.observe(seen)),
            (
                "rule conformance",
                self.conformance
                    .observe((&self.chain, sets), when.clock, node, seen),
            ),
            (
                "durable before disclosed",
                self.disclosure.observe(sets, node, seen),
            ),
            ("bounds", self.bounds.observe(sets, node, seen)),
            (ACCOUNTABILITY, accountable),
            (alarms, calm),
            ("evidence", proven),
        ];
        if let Some(block) = seen.decided() {
            let next = block.header.height.next();
            for height in [next, next.next()] {
                let word = self.conservation.features_at(height);
                self.chain.features_fixed(height, word);
            }
        }
        for (oracle, finding) in findings {
            if let Err(what) = finding {
                self.blame(oracle, when.at, node, what);
            }
        }
    }

    /// The finding of an oracle; if it is a fork, with those who are proven to have lied, who must be enough.
    fn named(
        &self,
        oracle: &'static str,
        finding: Finding,
        fork: Option<Height>,
    ) -> (&'static str, Finding) {
        let (Err(what), Some(height)) = (&finding, fork) else {
            return (oracle, finding);
        };
        match self.accountability.answer(&self.sets, height) {
            Ok(named) => (oracle, Err(format!("{what}; proven to have lied: {named}"))),
            Err(silent) => (ACCOUNTABILITY, Err(format!("{what}; {silent}"))),
        }
    }
}

#[cfg(test)]
mod tests;

//! A validator that was set up from another genesis than the others: the same name of the chain, the same keys, another genesis hash.
//!
//! Invariant: its machine is empty but for its key, and it runs the shipped start on that genesis; what it signs names the other chain, and
//! so does what it verifies. Its hello, by which a node refuses who names another genesis before anything else is said, is let through, so
//! that signatures alone keep the chains apart.
//! Source: `docs/spec/wire.md`, "Control"; `docs/spec/encoding.md`, "Sign-bytes".

use falaj_ledger::state::State;
use falaj_node::core::Peer;

use super::node::{Disks, Node, Stored};
use super::{Shared, World, start};
use crate::chance::Chance;
use crate::economy::{Economy, node_of};
use crate::scenario::Scenario;
use crate::types::NodeIndex;

/// What nodes on the other chain share, and stand on at first.
pub(super) struct OtherGenesis {
    shared: Shared,
    stored: Stored,
}

impl OtherGenesis {
    fn new(chance: Chance, scenario: &Scenario) -> Self {
        let economy = Economy::elsewhere(&chance, scenario);
        let opened = State::open(&economy.genesis).expect("the economy adds up there too");
        Self {
            shared: Shared::new(chance, &economy, scenario.signatures),
            stored: Stored::at_genesis(&opened),
        }
    }
}

impl Shared {
    /// What a node shares with the others of its chain.
    pub(super) fn of(&self, node: &Node) -> &Self {
        let elsewhere = self.elsewhere.as_ref().filter(|_| node.is_elsewhere);
        elsewhere.map_or(self, |there| &there.shared)
    }
}

impl World {
    /// The machine is set up anew, on empty disks, from the other genesis, and started.
    pub(super) fn set_up_elsewhere(&mut self, place: NodeIndex) {
        self.crash(place);
        let (chance, scenario) = (self.shared.chance, &self.scenario);
        let make = || Box::new(OtherGenesis::new(chance, scenario));
        let elsewhere = self.shared.elsewhere.get_or_insert_with(make);
        let node = &mut self.nodes[place.position()];
        node.disks = Disks::anew(&chance, place, scenario.disk);
        node.stored = elsewhere.stored.clone();
        node.is_elsewhere = true;
        node.has_first_key = true;
        node.has_second_key = false;
        start::make(node, &elsewhere.shared).expect("an empty disk takes guard and logs");
        self.start(place);
    }

    pub(super) fn are_on_two_chains(&self, one: NodeIndex, other: Peer) -> bool {
        let is_elsewhere = |node: NodeIndex| self.nodes[node.position()].is_elsewhere;
        let other = other.validator().and_then(node_of);
        other.is_some_and(|other| is_elsewhere(one) != is_elsewhere(other))
    }
}

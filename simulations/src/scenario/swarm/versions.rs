//! Upgrades at random: a feature gate, and nodes that get the newer program one by one, before it or after.

use falaj_consensus::types::Height;

use super::Swarm;
use crate::chance::Site;
use crate::fault::Fault;
use crate::types::NodeIndex;

const VERSIONS: Site = Site::new("scenario/versions");
/// One run in so many has a gate.
const EVERY: u64 = 4;
/// The first height under it; the lowest may come too soon after its decision, and then there is none.
const FROM: (u64, u64) = (20, 80);

impl Swarm<'_> {
    /// Every node has the newer program before the trouble ends, so that everybody passes in the end.
    pub(super) fn mixed_versions(&mut self) {
        let draw = self.draw(VERSIONS, 0);
        if draw.word(0).below(EVERY) != 0 {
            return;
        }
        let bit = u8::try_from(draw.word(1).below(64)).expect("below 64");
        let from = Height::new(draw.word(2).within(FROM.0, FROM.1));
        self.scenario.gates.insert(bit, from);
        for node in (0..self.scenario.validators).map(NodeIndex::new) {
            let at = self.time(self.draw(VERSIONS, 1 + u64::from(node.get())).word(0));
            let features = 1 << bit;
            self.add(at, Fault::Program { node, features });
        }
    }
}

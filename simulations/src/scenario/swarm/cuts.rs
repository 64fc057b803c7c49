//! Partitions and cuts of one direction.

use super::{MS_NS, SECOND_NS, Swarm};
use crate::chance::Site;
use crate::fault::Fault;
use crate::types::NodeIndex;

const PARTITION: Site = Site::new("scenario/partition");

impl Swarm<'_> {
    pub(super) fn partitions(&mut self) {
        for number in 0..self.times(PARTITION, 3) {
            let draw = self.draw(PARTITION, number);
            let side: Vec<_> = (0..self.scenario.validators)
                .filter(|node| draw.bit(0, *node))
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
}

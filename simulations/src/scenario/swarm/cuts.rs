//! Partitions, cuts of one direction, and what befalls connections.

use super::{MS_NS, SECOND_NS, Swarm};
use crate::chance::{Draw, Site};
use crate::fault::Fault;
use crate::schedule::ScheduleDials;
use crate::types::NodeIndex;

const PARTITION: Site = Site::new("scenario/partition");
const RESET: Site = Site::new("scenario/reset");
const SWIZZLE: Site = Site::new("scenario/swizzle");
const WORST_SCHEDULE: Site = Site::new("scenario/worst-schedule");
const ECLIPSE: Site = Site::new("scenario/eclipse");

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

    /// Storms of resets, links that clog one after the other, and a node that hears liars alone.
    pub(super) fn connections(&mut self) {
        for number in 0..self.times(RESET, 6) {
            let draw = self.draw(RESET, number);
            let side = self.some(&draw);
            self.add(self.time(draw.word(1)), Fault::Reset { side });
        }
        for number in 0..self.times(SWIZZLE, 2) {
            let draw = self.draw(SWIZZLE, number);
            let at = self.time(draw.word(1));
            let over_ns = draw.word(2).log_uniform(50 * MS_NS, 3 * SECOND_NS);
            let begin = 1 + (number << 32);
            for (node, place) in self.some(&draw).into_iter().zip(begin..) {
                let own = self.draw(SWIZZLE, place << 8);
                let clogs = at.after_ns(own.word(0).below(over_ns));
                let frees = at.after_ns(over_ns + own.word(1).below(over_ns));
                self.add(clogs, Fault::Clog(node));
                self.add(frees, Fault::Unclog(node));
            }
        }
        let draw = self.draw(ECLIPSE, 0);
        let node = self.node(draw.word(1));
        if draw.word(0).below(4) == 0 && !self.scenario.byzantine.contains_key(&node) {
            let by = self.scenario.byzantine.keys().copied().collect();
            let at = self.time(draw.word(2));
            let lasts_ns = draw.word(3).log_uniform(200 * MS_NS, 10 * SECOND_NS);
            self.add(at, Fault::Eclipse { node, by });
            self.add(at.after_ns(lasts_ns), Fault::Heal);
        }
    }

    /// Somebody who chooses when messages arrive, in an eighth of all runs; at last he may hold them back for no longer than timers bear
    /// from round 0 on: a sixteenth of the shortest.
    pub(super) fn worst_schedules(&mut self) {
        let draw = self.draw(WORST_SCHEDULE, 0);
        // He counts validators of equal power.
        if draw.word(0).below(8) != 0 || !self.scenario.powers.is_empty() {
            return;
        }
        let waits = self.scenario.parameters.timeouts;
        let shortest_ns = u64::from(waits.prevote_ms.min(waits.precommit_ms)) * MS_NS;
        let dials = ScheduleDials {
            hold_ns: draw.word(2).log_uniform(50 * MS_NS, 2 * SECOND_NS),
            delta_ns: draw
                .word(3)
                .log_uniform(MS_NS / 2, (shortest_ns / 16).max(MS_NS)),
        };
        self.add(self.time(draw.word(1)), Fault::WorstSchedule(dials));
    }

    /// The nodes whose bits are set.
    fn some(&self, draw: &Draw) -> Vec<NodeIndex> {
        let nodes = 0..self.scenario.validators;
        let chosen = nodes.filter(|node| draw.bit(0, *node));
        chosen.map(NodeIndex::new).collect()
    }
}

//! Entries about connections: those that end all at once, nodes that hear liars alone, and links that clog one after the other.

use super::{Entries, File, Ms};
use crate::chance::Site;
use crate::fault::Fault;
use crate::schedule::ScheduleDials;
use crate::types::NodeIndex;

const RESET: Site = Site::new("scenario/file/reset");
const ECLIPSE: Site = Site::new("scenario/file/eclipse");
const WORST_SCHEDULE: Site = Site::new("scenario/file/worst-schedule");
const SWIZZLE: Site = Site::new("scenario/file/swizzle");

/// How long a swizzle takes to clog all its nodes, and again to free them.
const OVER_NS: u64 = 1_000_000_000;
/// How long a message is held back after all trouble.
const DELTA_NS: u64 = 1_000_000;

impl Entries<'_> {
    pub(super) fn links(&mut self, file: &File) {
        for (number, entry) in (0..).zip(&file.reset) {
            self.each(RESET, number, entry.times.as_ref(), |this, turn| {
                let side = entry.nodes.pick(&turn.0, &this.all());
                this.add(turn.at(&entry.at_ms), Fault::Reset { side });
            });
        }
        for (number, entry) in (0..).zip(&file.eclipse) {
            self.each(ECLIPSE, number, entry.times.as_ref(), |this, turn| {
                let by: Vec<NodeIndex> = this.scenario.byzantine.keys().copied().collect();
                let at = turn.at(&entry.at_ms);
                for node in entry.nodes.pick(&turn.0, &this.correct()) {
                    let by = by.clone();
                    this.add(at, Fault::Eclipse { node, by });
                }
                if let Some(lasts) = turn.value(0, entry.for_ms.as_ref()) {
                    this.add(at.after_ns(lasts.ns()), Fault::Heal);
                }
            });
        }
        for (number, entry) in (0..).zip(&file.worst_schedule) {
            let turn = self.turn(WORST_SCHEDULE, number, 0);
            let hold = turn.value(0, Some(&entry.hold_ms));
            let delta = turn.value(1, entry.delta_ms.as_ref());
            let dials = ScheduleDials {
                hold_ns: hold.map_or(0, Ms::ns),
                delta_ns: delta.map_or(DELTA_NS, Ms::ns),
            };
            self.add(turn.at(&entry.at_ms), Fault::WorstSchedule(dials));
        }
        for (number, entry) in (0..).zip(&file.swizzle) {
            self.each(SWIZZLE, number, entry.times.as_ref(), |this, turn| {
                let over = turn.value(0, entry.over_ms.as_ref());
                let over_ns = over.map_or(OVER_NS, Ms::ns);
                let at = turn.at(&entry.at_ms);
                for node in entry.nodes.pick(&turn.0, &this.all()) {
                    let draw = turn.0.at(super::NODES + u64::from(node.get()));
                    let clogs = at.after_ns(draw.word(1).below(over_ns));
                    let frees = at.after_ns(over_ns + draw.word(2).below(over_ns));
                    this.add(clogs, Fault::Clog(node));
                    this.add(frees, Fault::Unclog(node));
                }
            });
        }
    }
}

//! Disks that are slow, full, or whose syncs fail.

use super::{LOGS, MS_NS, SECOND_NS, Swarm, index, ppm};
use crate::chance::Site;
use crate::disk::DiskDials;
use crate::fault::Fault;

const DISK_FULL: Site = Site::new("scenario/disk-full");
const FAILING: Site = Site::new("scenario/failing-disk");
const DISK: Site = Site::new("scenario/disk");

impl Swarm<'_> {
    /// One log of a node on a disk that is slower than those of its others.
    pub(super) fn disks(&mut self) {
        for number in 0..self.times(DISK, 3) {
            let draw = self.draw(DISK, number);
            let node = self.node(draw.word(0));
            let at = self.time(draw.word(1));
            let log = LOGS[index(draw.word(2).below(3))];
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
    pub(super) fn full_disks(&mut self) {
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

    /// One log of a node on a disk whose syncs fail now and then: each takes the process with it.
    pub(super) fn failing_disks(&mut self) {
        for number in 0..self.times(FAILING, 2) {
            let draw = self.draw(FAILING, number);
            let node = self.node(draw.word(0));
            let at = self.time(draw.word(1));
            if self.scenario.lost.contains(&node) {
                continue;
            }
            let log = LOGS[index(draw.word(2).below(3))];
            let dials = DiskDials {
                sync_fails: ppm(draw.word(3).log_uniform(1_000, 100_000)),
                ..DiskDials::CALM
            };
            self.add(at, Fault::Disk { node, log, dials });
            let ends = at.after_ns(draw.word(4).log_uniform(100 * MS_NS, 5 * SECOND_NS));
            let dials = DiskDials::CALM;
            self.add(ends, Fault::Disk { node, log, dials });
        }
    }
}

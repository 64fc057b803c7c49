//! Entries about disks that spoil their node for good: bits that rot, images that are too old, syncs that lie, writes that land elsewhere.

use super::{DOWN_NS, Entries, File, Ms, NODES, RESTART_NS, log_of};
use crate::chance::Site;
use crate::disk::DiskDials;
use crate::fault::Fault;
use crate::types::{NodeIndex, SimTime};

const ROT: Site = Site::new("scenario/file/rot");
const OLD_IMAGE: Site = Site::new("scenario/file/old-image");
const LYING_DISK: Site = Site::new("scenario/file/lying-disk");
const MISDIRECTED: Site = Site::new("scenario/file/misdirected-write");

impl Entries<'_> {
    pub(super) fn spoilt(&mut self, file: &File) {
        for (number, entry) in (0..).zip(&file.rot) {
            let turn = self.turn(ROT, number, 0);
            let (at, log) = (turn.at(&entry.at_ms), log_of(entry.log));
            for node in entry.nodes.pick(&turn.0, &self.correct()) {
                let chosen = turn.0.at(NODES + u64::from(node.get())).word(1).get() >> 1;
                self.spoil(node);
                self.add(at, Fault::Rot { node, log, chosen });
                self.up_again(node, at);
            }
        }
        for (number, entry) in (0..).zip(&file.old_image) {
            let turn = self.turn(OLD_IMAGE, number, 0);
            let at = turn.at(&entry.at_ms);
            for node in entry.nodes.pick(&turn.0, &self.correct()) {
                let age = turn.own(node, 0, Some(&entry.age_ms)).map_or(0, Ms::ns);
                let taken = SimTime::new(at.get().saturating_sub(age));
                self.spoil(node);
                self.add(taken, Fault::ImageTaken(node));
                self.add(at, Fault::ImageRestored(node));
                self.up_again(node, at);
            }
        }
        for (number, entry) in (0..).zip(&file.lying_disk) {
            let turn = self.turn(LYING_DISK, number, 0);
            let (at, log) = (turn.at(&entry.at_ms), log_of(entry.log));
            for node in entry.nodes.pick(&turn.0, &self.correct()) {
                let lies = turn.own(node, 1, Some(&entry.sync_lies_ppm));
                let dials = DiskDials {
                    sync_lies: lies.map_or(Default::default(), super::super::ppm),
                    ..DiskDials::CALM
                };
                self.spoil(node);
                self.add(at, Fault::Disk { node, log, dials });
                let restart = turn.own(node, 0, entry.restart_ms.as_ref());
                let dies = at.after_ns(restart.map_or(RESTART_NS, Ms::ns));
                self.add(dies, Fault::Crash(node));
                self.up_again(node, dies);
            }
        }
        for (number, entry) in (0..).zip(&file.misdirected_write) {
            let turn = self.turn(MISDIRECTED, number, 0);
            let (at, log) = (turn.at(&entry.at_ms), log_of(entry.log));
            for node in entry.nodes.pick(&turn.0, &self.correct()) {
                let chosen = turn.0.at(NODES + u64::from(node.get())).word(1).get() >> 1;
                self.spoil(node);
                self.add(at, Fault::Misdirect { node, log, chosen });
                let restart = turn.own(node, 0, entry.restart_ms.as_ref());
                let dies = at.after_ns(restart.map_or(RESTART_NS, Ms::ns));
                self.add(dies, Fault::Crash(node));
                self.up_again(node, dies);
            }
        }
    }

    fn spoil(&mut self, node: NodeIndex) {
        self.scenario.lost.insert(node);
        self.scenario.unsound.insert(node);
    }

    fn up_again(&mut self, node: NodeIndex, down: SimTime) {
        let after_changes = None;
        let restart = Fault::Restart {
            node,
            after_changes,
        };
        self.add(down.after_ns(DOWN_NS), restart);
    }
}

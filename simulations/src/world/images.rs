//! Disks that are not what they were: bits that rot, writes that landed elsewhere, and a machine that is put back to an older image of
//! itself.
//!
//! Invariant: whoever stands on such a disk is judged by nobody from then on, because its guard may have forgotten what its key has
//! signed; that all others bear it is judged.
//! Source: `docs/spec/guard.md`, "Loading"; `docs/spec/durable.md`, "Recovery".

use falaj_consensus::durable::LogId;

use super::World;
use super::node::FIRST_DISKS;
use super::node::Stored;
use crate::chance::Word;
use crate::disk::SimDisk;
use crate::marks::Mark;
use crate::types::NodeIndex;

/// What a machine was at some time: its disks, as far as they would survive a crash, and its store.
pub(super) struct Image {
    disks: Vec<SimDisk>,
    stored: Stored,
}

impl World {
    /// Keeps an image of a machine.
    pub(super) fn take_image(&mut self, place: NodeIndex) {
        let node = &self.nodes[place.position()];
        let disks = node.disks.all().into_iter().map(SimDisk::durable_image);
        let image = Image {
            disks: disks.collect(),
            stored: node.stored.clone(),
        };
        self.images.insert(place, image);
    }

    /// Puts a machine back to its image, if there is one; its process ends.
    pub(super) fn restore_image(&mut self, place: NodeIndex) {
        let Some(image) = self.images.remove(&place) else {
            return;
        };
        self.crash(place);
        let node = &mut self.nodes[place.position()];
        for (disk, image) in node.disks.all().into_iter().zip(&image.disks) {
            disk.restore(image);
        }
        node.stored = image.stored;
        self.marks.hit(Mark::OldImage);
    }

    /// What the disks of a machine without power were told to write and have put elsewhere is there now.
    pub(super) fn strays_land(&mut self, place: NodeIndex) {
        let all = self.nodes[place.position()].disks.all();
        let disks = &all[..FIRST_DISKS];
        for stray in disks.iter().filter_map(|disk| disk.take_stray()) {
            let onto = usize::try_from(stray.lands_on(disks.len() as u64));
            let onto = onto.expect("it lies inside an array");
            self.marks
                .hit_if(disks[onto].hit(&stray), Mark::MisdirectedWrite);
        }
    }

    /// Flips a bit of a log; the process ends, and reads it at its next start.
    pub(super) fn rot(&mut self, place: NodeIndex, log: LogId, chosen: u64) {
        self.crash(place);
        let disk = self.nodes[place.position()].disks.of(log);
        let rotten = disk.rot_any(Word::new(chosen), Word::new(chosen.rotate_left(32)));
        self.marks.hit_if(rotten, Mark::BitRot);
    }
}

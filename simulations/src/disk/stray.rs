//! Writes that land where they do not belong: the place that they were meant for keeps what it held, and another is overwritten.
//!
//! Invariant: until the power goes readers see what was written, because memory holds it. After that nothing of the write is where it was
//! meant to be, and the sectors that it hit hold it instead of their own bytes; no file's length changes.
//! Shape and units: whole sectors, from the first that the write touched; on a file of the same disk or of another of the node's.
//! Source: Bairavasundaram, Goodson, Schroeder, Arpaci-Dusseau, Arpaci-Dusseau, "An Analysis of Data Corruption in the Storage Stack"
//! (FAST 2008), "misdirected writes".

use super::{SimDisk, SimFile, State};
use crate::chance::Word;

/// A write that went elsewhere.
#[derive(Clone, Debug)]
pub struct Stray {
    /// Whose it was: disk, file, and the first of its sectors.
    meant_for: (u64, u64, usize),
    sectors: Vec<u8>,
    chosen: u64,
}

impl Stray {
    /// Which of so many disks it lands on.
    #[must_use]
    pub const fn lands_on(&self, disks: u64) -> u64 {
        Word::new(self.chosen << 1).below(disks)
    }

    const fn file(&self) -> Word {
        Word::new(self.chosen.rotate_left(22))
    }

    const fn sector(&self) -> Word {
        Word::new(self.chosen.rotate_left(43))
    }
}

impl SimDisk {
    /// Lets the next write that a sync calls durable go elsewhere; these bits, below 2⁶³, choose where.
    pub fn misdirect(&self, chosen: u64) {
        self.lock().misdirects = Some(chosen);
    }

    /// Takes the write that went elsewhere, if there is one.
    #[must_use]
    pub fn take_stray(&self) -> Option<Stray> {
        self.lock().stray.take()
    }

    /// Takes a stray write onto one of this disk's files; whether there was anything to overwrite.
    pub fn hit(&self, stray: &Stray) -> bool {
        let mut state = self.lock();
        let place = stray.file().below(state.names.len() as u64);
        let place = usize::try_from(place).unwrap_or_default();
        let Some(file) = state.names.values().nth(place).copied() else {
            return false;
        };
        let (disk, inode, first) = stray.meant_for;
        let is_own = (disk, inode) == (state.place, file);
        let below = if is_own { first } else { usize::MAX };
        let inode = state.inodes.get_mut(&file);
        inode.is_some_and(|inode| inode.overwrite(&stray.sectors, below, stray.sector()))
    }
}

impl State {
    /// Whether what a file has not synced goes elsewhere now.
    pub(super) fn goes_astray(&mut self, file: &SimFile) -> bool {
        let unsynced = self.inodes.get(&file.inode);
        let unsynced = unsynced.and_then(|inode| inode.unsynced_sectors());
        let (Some((first, sectors)), Some(chosen)) = (unsynced, self.misdirects) else {
            return false;
        };
        self.misdirects = None;
        self.stray = Some(Stray {
            meant_for: (self.place, file.inode, first),
            sectors,
            chosen,
        });
        self.tally.misdirected += 1;
        true
    }
}

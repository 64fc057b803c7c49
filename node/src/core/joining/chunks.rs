//! Which chunks of a proven manifest are here, and which are on their way.
//!
//! Invariant: a chunk is here only when it was proven and is on disk; at most [`WINDOW`] are on their way, so memory holds no more of them.
//! Source: `docs/spec/snapshots.md`, "Between peers".

use falaj_ledger::snapshot::ProvenManifest;
use std::sync::Arc;

use crate::core::input::Peer;
use crate::core::snapshots::SnapshotName;

/// Most chunks that are on their way: asked for, being read back, checked or written.
pub(super) const WINDOW: usize = 16;

#[derive(Clone, Copy, Debug, PartialEq, Eq)]
enum Place {
    /// An earlier process may have kept it.
    Unread,
    Missing,
    OnItsWay,
    Here,
}

/// The chunks of one snapshot.
#[derive(Debug)]
pub(super) struct Chunks {
    pub(super) name: SnapshotName,
    pub(super) manifest: Arc<ProvenManifest>,
    /// Who gave the manifest; `None` if it was kept.
    pub(super) giver: Option<Peer>,
    places: Vec<Place>,
    unread: usize,
    on_their_way: usize,
    here: usize,
    /// Before this all are here or on their way, but for those that came back.
    first: usize,
}

impl Chunks {
    /// Of a manifest that was just given, or of one that an earlier process kept.
    pub(super) fn of(manifest: Arc<ProvenManifest>, giver: Option<Peer>) -> Self {
        let place = if giver.is_some() {
            Place::Missing
        } else {
            Place::Unread
        };
        Self {
            name: SnapshotName::of(manifest.manifest()),
            places: vec![place; manifest.chunks()],
            unread: if giver.is_some() {
                0
            } else {
                manifest.chunks()
            },
            manifest,
            giver,
            on_their_way: 0,
            here: 0,
            first: 0,
        }
    }

    /// How many are here.
    pub(super) const fn here(&self) -> usize {
        self.here
    }

    pub(super) const fn are_all_here(&self) -> bool {
        self.here == self.places.len()
    }

    pub(super) const fn are_any_on_their_way(&self) -> bool {
        self.on_their_way > 0
    }

    /// Whether all that an earlier process kept was read.
    pub(super) const fn are_read(&self) -> bool {
        self.unread == 0
    }

    /// One that an earlier process may have kept.
    pub(super) fn next_unread(&mut self) -> Option<u32> {
        let next = self.next(Place::Unread)?;
        self.unread = self.unread.saturating_sub(1);
        Some(next)
    }

    /// One that is not here, if there is room for it.
    pub(super) fn next_missing(&mut self) -> Option<u32> {
        self.next(Place::Missing)
    }

    fn next(&mut self, of: Place) -> Option<u32> {
        if self.on_their_way >= WINDOW {
            return None;
        }
        let rest = self.places.get_mut(self.first..)?;
        let found = rest.iter().position(|place| *place == of)?;
        *rest.get_mut(found)? = Place::OnItsWay;
        self.on_their_way = self.on_their_way.saturating_add(1);
        let at = self.first.saturating_add(found);
        let done = rest
            .iter()
            .take_while(|place| matches!(place, Place::Here | Place::OnItsWay));
        self.first = self.first.saturating_add(done.count());
        u32::try_from(at).ok()
    }

    /// It did not come, or is wrong.
    pub(super) fn lost(&mut self, index: u32) {
        self.arrive(index, Place::Missing);
    }

    /// It is proven and on disk.
    pub(super) fn kept(&mut self, index: u32) {
        if self.arrive(index, Place::Here) {
            self.here = self.here.saturating_add(1);
        }
    }

    fn arrive(&mut self, index: u32, at: Place) -> bool {
        let Ok(index) = usize::try_from(index) else {
            return false;
        };
        let Some(place) = self.places.get_mut(index) else {
            return false;
        };
        if *place != Place::OnItsWay {
            return false;
        }
        *place = at;
        self.on_their_way = self.on_their_way.saturating_sub(1);
        if at == Place::Missing {
            self.first = self.first.min(index);
        }
        true
    }
}

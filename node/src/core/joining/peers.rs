//! Who can be asked for parts of a snapshot, what each is said to have, and what was asked of it.
//!
//! Invariant: a peer has one request open at a time; who failed least is asked first; who gave what is proven wrong is never asked or heard
//! again.
//! Units: ticks of the machine that joins.
//! Source: `docs/spec/snapshots.md`, "Between peers".

use std::cmp::Reverse;
use std::collections::BTreeMap;

use crate::core::input::Peer;
use crate::core::snapshots::{SnapshotName, SnapshotPart};

/// Ticks after which an unanswered request is given to somebody else.
pub(super) const PATIENCE_TICKS: u32 = 8;

#[derive(Clone, Debug, Default, PartialEq, Eq)]
struct State {
    is_up: bool,
    /// What it last said that it has; the outer option is whether it said anything.
    offer: Option<Option<SnapshotName>>,
    /// What it was asked for, and for how many ticks.
    request: Option<(SnapshotPart, u32)>,
    /// Requests that were not answered.
    failures: u32,
    /// It failed since the last tick.
    rests: bool,
    /// It does not have the snapshot that is fetched.
    lacks: bool,
    /// It was told since the last tick what we have.
    is_answered: bool,
    /// It gave what is proven wrong.
    is_liar: bool,
}

impl State {
    const fn is_good(&self) -> bool {
        self.is_up && !self.is_liar
    }

    const fn is_free(&self) -> bool {
        self.is_good() && !self.rests && self.request.is_none()
    }
}

/// All of them.
#[derive(Clone, Debug, Default)]
pub(super) struct Peers {
    peers: BTreeMap<Peer, State>,
}

impl Peers {
    pub(super) fn up(&mut self, peer: Peer) {
        let state = self.peers.entry(peer).or_default();
        *state = State {
            is_up: true,
            failures: state.failures,
            is_liar: state.is_liar,
            ..State::default()
        };
    }

    /// Gives what it was asked for.
    pub(super) fn down(&mut self, peer: Peer) -> Option<SnapshotPart> {
        let state = self.peers.get_mut(&peer)?;
        state.is_up = false;
        state.offer = None;
        state.request.take().map(|(part, _)| part)
    }

    /// Whether anybody can be asked.
    pub(super) fn are_any(&self) -> bool {
        self.peers.values().any(State::is_good)
    }

    pub(super) fn is_heard(&self, peer: Peer) -> bool {
        self.peers.get(&peer).is_some_and(State::is_good)
    }

    /// Never again. Gives what it was asked for.
    pub(super) fn lied(&mut self, peer: Peer) -> Option<SnapshotPart> {
        self.peers.entry(peer).or_default().is_liar = true;
        self.down(peer)
    }

    /// Whether it may be told what we have; once between two ticks.
    pub(super) fn may_answer(&mut self, peer: Peer) -> bool {
        let state = self.peers.get_mut(&peer);
        state.is_some_and(|state| !std::mem::replace(&mut state.is_answered, true))
    }

    pub(super) fn offered(&mut self, peer: Peer, offer: Option<SnapshotName>) {
        if let Some(state) = self.peers.get_mut(&peer) {
            state.offer = Some(offer);
        }
    }

    /// It did not give what it should have; what it said counts no more.
    pub(super) fn failed(&mut self, peer: Peer) {
        if let Some(state) = self.peers.get_mut(&peer) {
            state.failures = state.failures.saturating_add(1);
            state.rests = true;
            state.offer = None;
        }
    }

    pub(super) fn lacks(&mut self, peer: Peer) {
        if let Some(state) = self.peers.get_mut(&peer) {
            state.lacks = true;
        }
    }

    /// Another snapshot is fetched.
    pub(super) fn begin(&mut self) {
        for state in self.peers.values_mut() {
            state.lacks = false;
            state.request = None;
        }
    }

    /// Whether everybody who can be asked lacks the snapshot that is fetched.
    pub(super) fn all_lack(&self) -> bool {
        let good = || self.peers.values().filter(|state| state.is_good());
        good().next().is_some() && good().all(|state| state.lacks)
    }

    /// Whether everybody who can be asked said what it has.
    pub(super) fn all_said(&self) -> bool {
        let mut good = self.peers.values().filter(|state| state.is_good());
        good.all(|state| state.offer.is_some())
    }

    /// Books a request.
    pub(super) fn ask(&mut self, peer: Peer, part: SnapshotPart) {
        if let Some(state) = self.peers.get_mut(&peer) {
            state.request = Some((part, 0));
        }
    }

    /// What a peer was asked for, if it was that; it is answered then.
    pub(super) fn answered(
        &mut self,
        peer: Peer,
        is: impl FnOnce(&SnapshotPart) -> bool,
    ) -> Option<SnapshotPart> {
        let state = self.peers.get_mut(&peer)?;
        let (part, _) = state.request.take_if(|(part, _)| is(part))?;
        Some(part)
    }

    /// Those who have not said what they have, and can be asked for it.
    pub(super) fn unasked(&self) -> Vec<Peer> {
        let free = self.peers.iter().filter(|(_, state)| state.is_free());
        let unasked = free.filter(|(_, state)| state.offer.is_none());
        unasked.map(|(peer, _)| *peer).collect()
    }

    /// The snapshot to fetch, and of whom: of those who failed least the highest.
    pub(super) fn best(
        &self,
        is_worth: impl Fn(&SnapshotName) -> bool,
    ) -> Option<(Peer, SnapshotName)> {
        let offers = self.peers.iter().filter(|(_, state)| state.is_free());
        let offers = offers.filter_map(|(peer, state)| {
            let name = state.offer.flatten().filter(&is_worth)?;
            Some((state.failures, Reverse(name), *peer))
        });
        offers.min().map(|(_, Reverse(name), peer)| (peer, name))
    }

    /// Who is asked next for a chunk.
    pub(super) fn next(&self) -> Option<Peer> {
        let free = self.peers.iter().filter(|(_, state)| state.is_free());
        let might = free.filter(|(_, state)| !state.lacks);
        might
            .min_by_key(|(peer, state)| (state.failures, **peer))
            .map(|(peer, _)| *peer)
    }

    /// A tick passed. Gives who did not answer in time, and what it was asked for.
    pub(super) fn tick(&mut self) -> Vec<(Peer, SnapshotPart)> {
        let mut late = Vec::new();
        for (peer, state) in &mut self.peers {
            state.rests = false;
            state.is_answered = false;
            if let Some((part, ticks)) = &mut state.request {
                *ticks = ticks.saturating_add(1);
                if *ticks > PATIENCE_TICKS {
                    late.push((*peer, *part));
                }
            }
        }
        for (peer, _) in &late {
            if let Some(state) = self.peers.get_mut(peer) {
                state.request = None;
            }
            self.failed(*peer);
        }
        late
    }
}

//! Catching up: decided blocks ahead of ours, asked for in ranges from several peers, checked against their certificates.
//!
//! Invariant: nothing fetched touches the chain before its certificate was verified under the set of its height, in order of height;
//! a peer has one request open at a time, and what is kept ahead stays within [`AHEAD_MAX`] blocks.
//! A height that a peer states is a claim: alone it chooses whom to ask, and nothing else ([`Sync::hinted_height`]).
//! There is no mode: voting goes on beside it, and the height at hand is decided by whichever certificate comes first.
//! Source: `docs/spec/consensus.md`, "There is no sync mode".

use falaj_consensus::message::BatchRef;
use falaj_consensus::params::Parameters;
use falaj_consensus::types::{Height, ValidatorId};
use falaj_consensus::validator_set::{Validator, ValidatorSet};
use std::cmp::Reverse;
use std::collections::BTreeMap;

use super::candidates::within_limits;
use super::input::Peer;
use super::wire::{BLOCKS_REQUESTED_MAX, DecidedBlock};

/// Most blocks kept ahead of the open height.
pub const AHEAD_MAX: u64 = 128;
/// Most batches of blocks ahead that are fetched before the certificate of such a block was verified: half of a sender's quota.
const AHEAD_BATCHES_MAX: usize = 64;
/// Ticks after which an unanswered request is given to somebody else.
const PATIENCE_TICKS: u32 = 8;

#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash)]
struct Request {
    from: Height,
    count: u16,
    ticks: u32,
}

#[derive(Clone, Debug, Default, PartialEq, Eq, Hash)]
struct PeerState {
    up: bool,
    height: Height,
    request: Option<Request>,
    /// Requests that were not answered or answered wrongly; who failed least is asked first.
    failures: u32,
    /// It failed since the last tick, so it is left alone until the next.
    rests: bool,
}

impl PeerState {
    /// Whether it can be asked for blocks now.
    const fn is_free(&self) -> bool {
        self.up && !self.rests && self.request.is_none()
    }
}

/// What is known of the peers' heights, and blocks kept ahead.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub struct Sync {
    peers: BTreeMap<Peer, PeerState>,
    /// What [`Self::best_height`] gives: asked after every input, and changed by few.
    best: Height,
    ahead: BTreeMap<Height, (Peer, DecidedBlock)>,
}

/// How much of the power can be reached, our own included.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash)]
pub struct Reach {
    /// Of ourselves, as far as we are a member, and of the members that can be reached.
    pub power: u128,
    /// Of all members.
    pub power_total: u128,
    /// Whether they are a quorum together.
    pub is_quorum: bool,
}

/// "Ask this peer for these blocks."
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash)]
pub struct Ask {
    /// Whom.
    pub peer: Peer,
    /// First height.
    pub from: Height,
    /// How many.
    pub count: u16,
}

impl Sync {
    /// A peer can be reached.
    pub fn up(&mut self, peer: Peer) {
        self.peers.entry(peer).or_default().up = true;
        self.find_best();
    }

    /// A peer cannot be reached; what it was asked for is asked of others.
    pub fn down(&mut self, peer: Peer) {
        let state = self.peers.entry(peer).or_default();
        state.up = false;
        state.request = None;
        self.find_best();
    }

    /// Peers that can be reached.
    pub fn reachable(&self) -> impl Iterator<Item = Peer> + '_ {
        self.peers
            .iter()
            .filter(|(_, state)| state.up)
            .map(|(peer, _)| *peer)
    }

    /// The decided height that a peer last stated; `None` if it cannot be reached.
    #[must_use]
    pub fn reached_at(&self, peer: Peer) -> Option<Height> {
        let state = self.peers.get(&peer).filter(|state| state.up)?;
        Some(state.height)
    }

    /// What can be reached of a set by a node that speaks for `own`.
    #[must_use]
    pub fn reach(&self, set: &ValidatorSet, own: Option<ValidatorId>) -> Reach {
        let is_reached = |member: &&Validator| {
            let peer = Peer::of(member.id).and_then(|peer| self.peers.get(&peer));
            Some(member.id) == own || peer.is_some_and(|state| state.up)
        };
        let reached = set.members().iter().filter(is_reached);
        let power = reached.map(|member| u128::from(member.power.get())).sum();
        Reach {
            power,
            power_total: set.total_power(),
            is_quorum: set.is_quorum(power),
        }
    }

    /// A peer stated its decided height.
    pub fn heard(&mut self, peer: Peer, height: Height) {
        let state = self.peers.entry(peer).or_default();
        if state.height != height {
            state.height = height;
            self.find_best();
        }
    }

    /// The decided height a peer last stated.
    #[must_use]
    pub fn height_of(&self, peer: Peer) -> Height {
        self.peers
            .get(&peer)
            .map_or(Height::new(0), |state| state.height)
    }

    /// The highest decided height that a reachable peer stated; nobody vouches for it, so it is good for asking and no more.
    #[must_use]
    pub const fn best_height(&self) -> Height {
        self.best
    }

    fn find_best(&mut self) {
        let reachable = self.peers.values().filter(|state| state.up);
        let heights = reachable.map(|state| state.height);
        self.best = heights.max().unwrap_or_default();
    }

    /// The highest decided height that reachable members with more than a third of the power state at least: one of them is correct.
    #[must_use]
    pub fn hinted_height(&self, set: &ValidatorSet) -> Height {
        let claim = |(peer, state): (&Peer, &PeerState)| {
            let index = set.index_of(peer.validator()?)?;
            Some((state.height, set.power(index)))
        };
        let reachable = self.peers.iter().filter(|(_, state)| state.up);
        let mut claims: Vec<(Height, u128)> = reachable.filter_map(claim).collect();
        claims.sort_unstable_by_key(|(height, _)| Reverse(*height));
        let mut power = 0_u128;
        for (height, share) in claims {
            power = power.saturating_add(share);
            if set.is_honest_hint(power) {
                return height;
            }
        }
        Height::default()
    }

    /// A peer said what is not true: nothing it gave ahead is used.
    pub fn lied(&mut self, peer: Peer) {
        self.failed(peer);
        self.ahead.retain(|_, (giver, _)| *giver != peer);
    }

    /// A peer broke its word.
    pub fn failed(&mut self, peer: Peer) {
        let state = self.peers.entry(peer).or_default();
        state.failures = state.failures.saturating_add(1);
        state.request = None;
        state.rests = true;
    }

    /// A tick passed: requests that were not answered count against who was asked.
    pub fn tick(&mut self) {
        for state in self.peers.values_mut() {
            state.rests = false;
            if let Some(request) = &mut state.request {
                request.ticks = request.ticks.saturating_add(1);
                if request.ticks > PATIENCE_TICKS {
                    state.request = None;
                    state.failures = state.failures.saturating_add(1);
                }
            }
        }
    }

    /// Blocks came. Those that nobody asked for, that lie outside the window or that exceed the limits of their height are left. What the
    /// parameters of a height are is known two heights ahead; above that a block has only the bounds that every message has.
    pub fn received(
        &mut self,
        peer: Peer,
        open: Height,
        parameters: impl Fn(Height) -> Option<Parameters>,
        blocks: Vec<DecidedBlock>,
    ) {
        let state = self.peers.entry(peer).or_default();
        let Some(request) = state.request.take() else {
            return;
        };
        let mut kept = false;
        for block in blocks {
            let height = block.header.height;
            let asked = height >= request.from
                && height.get() - request.from.get() < u64::from(request.count);
            let fits = parameters(height)
                .is_none_or(|known| within_limits(&block.header, &block.body, &known));
            if asked && fits && height >= open && block.certificate.height == height {
                self.ahead.entry(height).or_insert((peer, block));
                kept = true;
            }
        }
        if !kept {
            self.failed(peer);
        }
    }

    /// The block of the open height, if it is here; what lies below is forgotten.
    pub fn take(&mut self, open: Height) -> Option<(Peer, DecidedBlock)> {
        self.forget_below(open);
        self.ahead.remove(&open)
    }

    /// Blocks of heights that were decided by other means are of no use.
    pub fn forget_below(&mut self, open: Height) {
        self.ahead = self.ahead.split_off(&open);
    }

    /// The heights of the blocks that are kept ahead.
    pub fn heights_ahead(&self) -> impl Iterator<Item = Height> + '_ {
        self.ahead.keys().copied()
    }

    /// The batches that blocks kept ahead name, with who gave the block and its height: the next ones in order of height, and no more than may be
    /// fetched on an unverified word.
    pub fn batches_ahead(&self) -> impl Iterator<Item = (Peer, Height, &BatchRef)> {
        let blocks = self.ahead.iter();
        blocks
            .flat_map(|(height, (peer, block))| {
                let batches = block.body.batches.iter();
                batches.map(|batch| (*peer, *height, batch))
            })
            .take(AHEAD_BATCHES_MAX)
    }

    /// What to ask for now from `first` on, and of whom. The requests are booked. The window begins at the open height also while its block is
    /// being checked: if that is in vain it is asked for again, and has to find room.
    pub fn next_requests(&mut self, first: Height, open: Height) -> Vec<Ask> {
        let mut asks = Vec::new();
        // Nobody gives what is above all that those say they have who can be asked.
        let free = self.peers.values().filter(|state| state.is_free());
        let Some(highest) = free.map(|state| state.height).max() else {
            return asks;
        };
        let limit = open.get().saturating_add(AHEAD_MAX);
        let limit = limit.min(highest.get().saturating_add(1));
        let mut from = first;
        while from.get() < limit {
            let Some(gap) = self.next_gap(from, limit) else {
                break;
            };
            let Some(ask) = self.book(gap.0, gap.1) else {
                break;
            };
            from = Height::new(ask.from.get().saturating_add(u64::from(ask.count)));
            asks.push(ask);
        }
        asks
    }

    /// The first heights from `from` that are neither here nor asked for.
    fn next_gap(&self, from: Height, limit: u64) -> Option<(Height, u16)> {
        let wanted = |height: Height| !self.ahead.contains_key(&height) && !self.is_asked(height);
        let mut first = from;
        while !wanted(first) {
            first = first.next();
            if first.get() >= limit {
                return None;
            }
        }
        let mut count = 1_u16;
        let after = |count: u16| Height::new(first.get().saturating_add(u64::from(count)));
        while count < BLOCKS_REQUESTED_MAX && after(count).get() < limit && wanted(after(count)) {
            count = count.saturating_add(1);
        }
        Some((first, count))
    }

    fn is_asked(&self, height: Height) -> bool {
        self.peers
            .values()
            .filter_map(|state| state.request)
            .any(|request| {
                height >= request.from
                    && height.get() - request.from.get() < u64::from(request.count)
            })
    }

    fn book(&mut self, from: Height, count: u16) -> Option<Ask> {
        let (peer, state) = self
            .peers
            .iter_mut()
            .filter(|(_, state)| state.is_free() && state.height >= from)
            .min_by_key(|(peer, state)| (state.failures, **peer))?;
        let known = state
            .height
            .get()
            .saturating_sub(from.get())
            .saturating_add(1);
        let count = count.min(u16::try_from(known).unwrap_or(u16::MAX));
        state.request = Some(Request {
            from,
            count,
            ticks: 0,
        });
        Some(Ask {
            peer: *peer,
            from,
            count,
        })
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use falaj_consensus::crypto::{Algorithm, PublicKey};
    use falaj_consensus::types::VotingPower;
    use falaj_consensus::validator_set::Declared;

    fn set(powers: &[u64]) -> ValidatorSet {
        let member = |(id, power): (u8, &u64)| {
            let mut key = vec![id; 65];
            key[0] = 4;
            Validator {
                id: ValidatorId::new(u32::from(id)),
                power: VotingPower::new(*power),
                key: PublicKey::new(Algorithm::EcdsaP256, key).unwrap(),
                declared: Declared::default(),
            }
        };
        ValidatorSet::new((1..).zip(powers).map(member).collect()).unwrap()
    }

    /// The hint of the last member, to whom the others say these heights in order of id.
    fn hinted(powers: &[u64], claims: &[u64]) -> u64 {
        let mut sync = Sync::default();
        for (id, height) in (1..).zip(claims) {
            sync.up(peer(id));
            sync.heard(peer(id), Height::new(*height));
        }
        sync.hinted_height(&set(powers)).get()
    }

    // Goal: a claim of a third of the power or less is no hint; of more it is, whoever holds it.
    #[test]
    fn a_height_is_hinted_by_more_than_a_third_of_the_power() {
        assert_eq!(hinted(&[1, 1, 1, 1], &[u64::MAX, 7, 5]), 7);
        assert_eq!(hinted(&[1, 1, 1, 1], &[5, u64::MAX, 7]), 7);
        assert_eq!(hinted(&[1, 1, 1, 1], &[u64::MAX, 0, 0]), 0);
        assert_eq!(hinted(&[1, 1, 1, 1], &[u64::MAX]), 0);
        assert_eq!(hinted(&[1], &[]), 0);
        assert_eq!(hinted(&[1, 1], &[9]), 9);
        assert_eq!(hinted(&[1, 1, 1], &[u64::MAX, 9]), 9);
        assert_eq!(hinted(&[2, 1, 1, 1], &[9, 0, 0]), 9);
        assert_eq!(hinted(&[1, 1, 1, 3], &[u64::MAX, 9, 8]), 8);
    }

    // Goal: a node alone is a quorum only where nobody else has a vote; one without a vote counts for nothing.
    #[test]
    fn a_quorum_is_in_reach_with_our_own_power() {
        let is_quorum = |powers: &[u64], own: Option<u32>, up: &[u32]| {
            let mut sync = Sync::default();
            up.iter().for_each(|id| sync.up(peer(*id)));
            let reach = sync.reach(&set(powers), own.map(ValidatorId::new));
            reach.is_quorum
        };
        assert!(is_quorum(&[1], Some(1), &[]));
        assert!(!is_quorum(&[1, 1, 1, 1], Some(4), &[]));
        assert!(!is_quorum(&[1, 1, 1, 1], Some(4), &[1]));
        assert!(!is_quorum(&[1, 1, 1, 1], Some(4), &[1, 4, 9]));
        assert!(is_quorum(&[1, 1, 1, 1], Some(4), &[1, 2]));
        assert!(!is_quorum(&[1, 1, 1, 1], None, &[1, 2]));
        assert!(!is_quorum(&[1, 1, 1, 1], Some(9), &[1, 2]));
        assert!(is_quorum(&[1, 1, 1, 1], None, &[1, 2, 3]));
        assert!(is_quorum(&[1, 5], Some(1), &[2]));
    }

    // Strangers and peers that cannot be reached hint at nothing.
    #[test]
    fn only_members_that_can_be_reached_hint_at_a_height() {
        let mut sync = Sync::default();
        for id in [1, 2, 8, 9] {
            sync.up(peer(id));
            sync.heard(peer(id), Height::new(9));
        }
        let set = set(&[1, 1, 1, 1]);
        assert_eq!(sync.hinted_height(&set), Height::new(9));
        sync.down(peer(1));
        assert_eq!(sync.hinted_height(&set), Height::new(0));
    }

    fn peer(id: u32) -> Peer {
        Peer::of(ValidatorId::new(id)).unwrap()
    }

    // Two peers that are ahead share the ranges; each has one request open.
    #[test]
    fn ranges_are_spread_over_peers_and_never_asked_twice() {
        let mut sync = Sync::default();
        for id in 1..=2 {
            sync.up(peer(id));
            sync.heard(peer(id), Height::new(100));
        }
        let asks = sync.next_requests(Height::new(1), Height::new(1));
        assert_eq!(asks.len(), 2);
        assert_eq!((asks[0].from.get(), asks[0].count), (1, 32));
        assert_eq!((asks[1].from.get(), asks[1].count), (33, 32));
        assert!(
            sync.next_requests(Height::new(1), Height::new(1))
                .is_empty()
        );
    }

    // What is asked for is what somebody has who can be asked, up to its last height and no further.
    #[test]
    fn nobody_is_asked_for_what_only_busy_peers_have() {
        let mut sync = Sync::default();
        for (id, height) in [(1, 100), (2, 40), (3, 40)] {
            sync.up(peer(id));
            sync.heard(peer(id), Height::new(height));
        }
        let mut asked = || -> Vec<_> {
            let asks = sync.next_requests(Height::new(1), Height::new(1));
            sync.heard(peer(3), Height::new(41));
            let ask = |ask: Ask| (ask.peer, ask.from.get(), ask.count);
            asks.into_iter().map(ask).collect()
        };
        assert_eq!(asked(), [(peer(1), 1, 32), (peer(2), 33, 8)]);
        assert_eq!(asked(), [(peer(3), 41, 1)]);
        assert_eq!(asked(), []);
    }

    // docs/spec/dissemination.md, "Catching up": no request goes beyond the blocks that are kept ahead.
    #[test]
    fn requests_end_where_the_blocks_ahead_do() {
        let mut sync = Sync::default();
        for id in 1..=5 {
            sync.up(peer(id));
            sync.heard(peer(id), Height::new(1_000));
        }
        let mut asked = |first, open| -> Vec<_> {
            let asks = sync.next_requests(Height::new(first), Height::new(open));
            asks.iter().map(|ask| (ask.from.get(), ask.count)).collect()
        };
        // While the block of height 1 is being checked: if it comes again, 128 blocks are ahead with it.
        assert_eq!(asked(2, 1), [(2, 32), (34, 32), (66, 32), (98, 31)]);
        assert_eq!(asked(10, 10), [(129, 9)]);
    }

    // A request beyond what the peer has decided is cut to it; a silent peer is replaced after its patience.
    #[test]
    fn silent_peers_lose_their_request() {
        let mut sync = Sync::default();
        sync.up(peer(1));
        sync.heard(peer(1), Height::new(3));
        let asks = sync.next_requests(Height::new(2), Height::new(2));
        assert_eq!(
            asks,
            [Ask {
                peer: peer(1),
                from: Height::new(2),
                count: 2
            }]
        );
        sync.up(peer(2));
        sync.heard(peer(2), Height::new(3));
        assert!(
            sync.next_requests(Height::new(2), Height::new(2))
                .is_empty()
        );
        for _ in 0..=PATIENCE_TICKS {
            sync.tick();
        }
        assert_eq!(
            sync.next_requests(Height::new(2), Height::new(2))[0].peer,
            peer(2)
        );
    }

    // Nobody is asked when nobody is ahead.
    #[test]
    fn level_peers_are_not_asked() {
        let mut sync = Sync::default();
        sync.up(peer(1));
        sync.heard(peer(1), Height::new(4));
        assert!(
            sync.next_requests(Height::new(5), Height::new(5))
                .is_empty()
        );
    }
}

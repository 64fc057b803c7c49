//! Whose work is done next.
//!
//! Invariant: every source that has work waiting gets its turn after at most one turn of each other source of its rank, and every rank
//! begins one turn in four at least. So whoever hands in work without end waits for itself, and delays nobody else by more than that.
//! Shape: a rank is a ring of sources with work, each with a queue of its own; ranks that have nothing give their turn to the most urgent.
//! What waits is bounded by who hands it in.
//! Source: `docs/spec/dissemination.md`, "Jobs".

use std::collections::{BTreeMap, VecDeque};

use crate::core::Peer;

/// How urgent work is.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord)]
pub(super) enum Rank {
    /// Messages of consensus, which a vote waits for.
    Messages,
    /// Execution of blocks.
    Execution,
    /// Batches and clients' transactions.
    Bulk,
}

/// Ranks in order of urgency.
const RANKS: [Rank; 3] = [Rank::Messages, Rank::Execution, Rank::Bulk];
/// The rank that each turn begins with.
const BEGINS: [Rank; 4] = [Rank::Messages, Rank::Execution, Rank::Messages, Rank::Bulk];

/// Where work comes from.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord)]
pub(super) enum Source {
    /// This node itself.
    Ourselves,
    /// This node's clients.
    Clients,
    /// Another node.
    Peer(Peer),
}

/// Sources that take turns.
#[derive(Debug)]
struct Ring<T> {
    /// Sources with work, the next one first.
    turns: VecDeque<Source>,
    queues: BTreeMap<Source, VecDeque<T>>,
}

/// Everything that waits to be done.
#[derive(Debug)]
pub(super) struct Turns<T> {
    messages: Ring<T>,
    execution: Ring<T>,
    bulk: Ring<T>,
    turn: usize,
}

impl<T> Turns<T> {
    pub(super) const fn new() -> Self {
        Self {
            messages: Ring::new(),
            execution: Ring::new(),
            bulk: Ring::new(),
            turn: 0,
        }
    }

    /// Has work wait behind what its source handed in before.
    pub(super) fn push(&mut self, rank: Rank, source: Source, work: T) {
        self.ring(rank).push(source, work);
    }

    /// What is done next: what `take` takes off the front of the queue of whose turn it is, at least one piece of work.
    pub(super) fn next<R>(&mut self, take: impl FnOnce(&mut VecDeque<T>) -> R) -> Option<R> {
        let first = BEGINS[self.turn % BEGINS.len()];
        self.turn = self.turn.wrapping_add(1);
        let mut ranks = std::iter::once(first).chain(RANKS);
        let rank = ranks.find(|rank| !self.ring(*rank).turns.is_empty())?;
        self.ring(rank).next(take)
    }

    const fn ring(&mut self, rank: Rank) -> &mut Ring<T> {
        match rank {
            Rank::Messages => &mut self.messages,
            Rank::Execution => &mut self.execution,
            Rank::Bulk => &mut self.bulk,
        }
    }
}

impl<T> Ring<T> {
    const fn new() -> Self {
        Self {
            turns: VecDeque::new(),
            queues: BTreeMap::new(),
        }
    }

    fn push(&mut self, source: Source, work: T) {
        let queue = self.queues.entry(source).or_default();
        if queue.is_empty() {
            self.turns.push_back(source);
        }
        queue.push_back(work);
    }

    fn next<R>(&mut self, take: impl FnOnce(&mut VecDeque<T>) -> R) -> Option<R> {
        let source = self.turns.pop_front()?;
        let queue = self.queues.get_mut(&source)?;
        let taken = take(queue);
        if queue.is_empty() {
            self.queues.remove(&source);
        } else {
            self.turns.push_back(source);
        }
        Some(taken)
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use falaj_consensus::types::ValidatorId;

    const FLOOD: usize = 1_000;

    fn peer(number: u32) -> Source {
        Source::Peer(Peer::of(ValidatorId::new(number)).unwrap())
    }

    /// A peer that has handed in more than anybody will do.
    fn flooded(rank: Rank) -> Turns<&'static str> {
        let mut turns = Turns::new();
        (0..FLOOD).for_each(|_| turns.push(rank, peer(1), "flood"));
        turns
    }

    fn next(turns: &mut Turns<&'static str>) -> &'static str {
        turns.next(|queue| queue.pop_front().unwrap()).unwrap()
    }

    /// How many turns pass before some work is done, itself counted.
    fn turns_until(turns: &mut Turns<&'static str>, work: &str) -> usize {
        (1..=FLOOD).find(|_| next(turns) == work).unwrap()
    }

    // docs/spec/dissemination.md, "Jobs": one peer's flood of batches keeps neither our clients nor other peers' batches waiting.
    #[test]
    fn a_flood_of_batches_leaves_everybody_else_their_turn() {
        let mut turns = flooded(Rank::Bulk);
        turns.push(Rank::Bulk, Source::Clients, "submission");
        turns.push(Rank::Bulk, peer(2), "batch");
        let done: Vec<_> = (0..4).map(|_| next(&mut turns)).collect();
        assert_eq!(done, ["flood", "submission", "batch", "flood"]);
    }

    // docs/spec/dissemination.md, "Jobs": a vote waits for at most one batch that a flood put before it.
    #[test]
    fn a_flood_of_batches_delays_a_vote_by_one_turn() {
        for passed in 0..BEGINS.len() {
            let mut turns = flooded(Rank::Bulk);
            (0..passed).for_each(|_| assert_eq!(next(&mut turns), "flood"));
            turns.push(Rank::Messages, peer(2), "vote");
            assert!(turns_until(&mut turns, "vote") <= 2);
        }
    }

    // docs/spec/dissemination.md, "Jobs": one peer's flood of votes keeps neither others' votes, nor execution, nor clients waiting.
    #[test]
    fn a_flood_of_votes_leaves_every_rank_its_turn() {
        for (rank, source) in [
            (Rank::Messages, peer(2)),
            (Rank::Execution, Source::Ourselves),
            (Rank::Bulk, Source::Clients),
        ] {
            for passed in 0..BEGINS.len() {
                let mut turns = flooded(Rank::Messages);
                (0..passed).for_each(|_| assert_eq!(next(&mut turns), "flood"));
                turns.push(rank, source, "other");
                assert!(turns_until(&mut turns, "other") <= BEGINS.len());
            }
        }
    }

    // Goal: what one source handed in is done in its order, several at once where that is cheaper, and nothing is kept of who is done.
    #[test]
    fn a_source_keeps_its_order_and_leaves_nothing_behind() {
        let mut turns = Turns::new();
        (0..5).for_each(|work| turns.push(Rank::Bulk, peer(1), work));
        let pair = |queue: &mut VecDeque<i32>| {
            let count = queue.len().min(2);
            queue.drain(..count).collect::<Vec<_>>()
        };
        let done: Vec<_> = std::iter::from_fn(|| turns.next(pair)).collect();
        assert_eq!(done, [vec![0, 1], vec![2, 3], vec![4]]);
        assert!(turns.bulk.queues.is_empty());
    }
}

//! Bounds: what a correct node holds for its peers and clients stays within the caps that the specification states, and what it has booked
//! for something that is under way is given back when that has ended.
//!
//! Shape: each look at a node is judged by itself. The caps are numbers of the specification, written again here, and sums of them over
//! the genesis: how many validators there are, how much a block may name.
//! What a block asks for beyond a sender's quota of batches is not told apart: no simulated network comes near a quota of 64 MiB.
//! Source: `docs/spec/consensus.md`, "Bounds"; `docs/spec/dissemination.md`, "Bounds"; `docs/guide/configuration.md`, the mempool.

mod consensus;

use std::collections::BTreeMap;
use std::fmt::Display;

use falaj_consensus::message::Lane;
use falaj_node::core::{Holdings, Load, PeerLoad, Quota};

use super::{Facts, Finding, Observation, UnderWay};
use crate::types::NodeIndex;

const MIB: u64 = 1 << 20;

/// Blocks of the open height that nothing of ours names and that consensus does not remember.
const BLOCKS: u64 = 64;
/// Statements of our own in a round.
const STATEMENTS_A_ROUND: u64 = 3;
/// Blocks ahead, and batches that are fetched for them.
const BLOCKS_AHEAD: u64 = 128;
const BATCHES_AHEAD: u64 = 64;
/// The pool, a participant's part of it in one lane, and what each lane keeps of it, in hundredths.
const POOL: Load = load(100_000, 128 * MIB);
const PARTICIPANT: Load = load(50_000, 64 * MIB);
const RESERVED_PERCENT: u64 = 10;
/// What a block of ours carries inline.
const INLINE_BYTES: u64 = 4 << 10;
/// Submissions that wait for a first word, and jobs of them.
const SUBMITTED: Load = load(65_536, 64 * MIB);
const SUBMISSION_JOBS: u64 = 2;
/// Unordered batches of a sender's own, and of others that it passes on.
const AUTHOR_BYTES: u64 = 64 * MIB;
const RELAY_BYTES: u64 = 16 * MIB;
/// Places of ordered and dead batches; numbers of an author above those without a gap.
const PLACES: u64 = 65_536;
const NUMBERS: u64 = 1_024;
/// What a peer has under way.
const CHECKS: Load = load(1_024, 32 * MIB);
const SEARCHES: u64 = 2;
const READS: u64 = 2;
const WAITING: u64 = 512;
/// What is sent to it from memory between two ticks: so much, and the message that goes beyond.
const SENT_BYTES: u64 = (8 + 4) * MIB;

const fn load(count: u64, bytes: u64) -> Load {
    Load { count, bytes }
}

#[derive(Debug)]
pub(super) struct Bounds {
    validators: u64,
    /// Batches that a block may name.
    block_batches: u64,
    /// How often each node was started: a process that ends may leave blocks behind of which it has said nothing yet.
    starts: BTreeMap<NodeIndex, u64>,
}

impl Bounds {
    pub(super) fn new(facts: &Facts) -> Self {
        Self {
            validators: facts.validators.into(),
            block_batches: facts
                .economy
                .genesis
                .parameters
                .limits
                .block_batches_max
                .into(),
            starts: BTreeMap::new(),
        }
    }

    pub(super) fn observe(&mut self, node: NodeIndex, seen: &Observation<'_>) -> Finding {
        match seen {
            Observation::Started { .. } => {
                *self.starts.entry(node).or_default() += 1;
                Ok(())
            }
            Observation::Held {
                holdings,
                under_way,
            } => self.judge(node, holdings, *under_way),
            Observation::Replayed(_)
            | Observation::Released { .. }
            | Observation::Sent(_)
            | Observation::Received(_)
            | Observation::Appended { .. }
            | Observation::Durable { .. }
            | Observation::Committed(_)
            | Observation::Reported(_) => Ok(()),
        }
    }

    fn judge(&self, node: NodeIndex, held: &Holdings, under_way: UnderWay) -> Finding {
        consensus::judge(&held.consensus, self.validators)?;
        self.blocks(node, held)?;
        self.batches(held)?;
        pool(held)?;
        self.clients(held)?;
        for (peer, load) in &held.peers {
            of_peer(load).map_err(|what| format!("{peer:?}: {what}"))?;
        }
        given_back(held, under_way)
    }

    fn blocks(&self, node: NodeIndex, held: &Holdings) -> Finding {
        let known = count(held.consensus.blocks);
        let rounds = u64::from(held.consensus.round.get()) + 1;
        let starts = self.starts.get(&node).copied().unwrap_or_default();
        let said = STATEMENTS_A_ROUND * (rounds + starts) + 1;
        at_most(
            "blocks that nothing names",
            held.blocks_unrecorded,
            BLOCKS + known,
        )?;
        at_most("blocks that were written", held.blocks_recorded, said)?;
        at_most(
            "blocks of the next height",
            held.blocks_early,
            self.validators,
        )?;
        at_most("blocks ahead", held.blocks_ahead.len(), BLOCKS_AHEAD)?;
        let open = held.consensus.height;
        match held.blocks_ahead.iter().find(|height| **height < open) {
            Some(height) => Err(format!(
                "the block of height {height} is kept ahead, and height {open} is open"
            )),
            None => Ok(()),
        }
    }

    fn batches(&self, held: &Holdings) -> Finding {
        for (quota, load) in &held.batches {
            let bytes_max = match quota {
                Quota::Author(_) => AUTHOR_BYTES,
                Quota::Relay(_) => RELAY_BYTES,
                Quota::Log => self.validators * (AUTHOR_BYTES + RELAY_BYTES),
            };
            let (here, waiting) = (load.held.bytes, load.waiting_bytes);
            if here != waiting {
                return Err(format!(
                    "{quota:?}: {waiting} bytes of batches are booked, and {here} are here"
                ));
            }
            at_most_bytes(quota_name(*quota), waiting, bytes_max)?;
            at_most_bytes("dead batches", waiting + load.died_bytes, 2 * bytes_max)?;
        }
        let unordered: u64 = held.batches.iter().map(|(_, load)| load.held.count).sum();
        for (_, numbers) in &held.batch_numbers {
            at_most("numbers of an author", *numbers, NUMBERS + unordered)?;
        }
        let blocks = count(held.blocks_recorded) + count(held.blocks_unrecorded) + BLOCKS;
        let asked_for = BATCHES_AHEAD + blocks * self.block_batches;
        at_most("batches asked for", held.batches_fetched, asked_for)?;
        at_most("places of batches", held.batch_places, PLACES)
    }

    fn clients(&self, held: &Holdings) -> Finding {
        let turns = u64::from(held.consensus.round.get()) / self.validators + 1;
        at_most_bytes("blocks of our own", held.inline.bytes, turns * INLINE_BYTES)?;
        within("submissions", held.submitted, SUBMITTED)?;
        at_most("jobs of submissions", held.submission_jobs, SUBMISSION_JOBS)
    }
}

/// No lane takes what others keep for themselves, and no participant more than its quota of a lane.
fn pool(held: &Holdings) -> Finding {
    let mut lanes: BTreeMap<Lane, Load> = BTreeMap::new();
    for (lane, _, load) in &held.mempool {
        within("a participant's transactions", *load, PARTICIPANT)?;
        let sum = lanes.entry(*lane).or_default();
        *sum = plus(*sum, *load);
    }
    let kept = load(
        POOL.count / 100 * RESERVED_PERCENT,
        POOL.bytes / 100 * RESERVED_PERCENT,
    );
    let mut all = Load::default();
    for lane in Lane::ALL {
        let waiting = lanes.get(&lane).copied().unwrap_or_default();
        all = plus(
            all,
            load(waiting.count.max(kept.count), waiting.bytes.max(kept.bytes)),
        );
    }
    within("the pool, with what lanes keep", all, POOL)
}

fn of_peer(peer: &PeerLoad) -> Finding {
    within("messages being checked", peer.messages, CHECKS)?;
    within("batches being checked", peer.batches, CHECKS)?;
    at_most("searches", peer.searches, SEARCHES)?;
    at_most("reads", peer.reads, READS)?;
    at_most("batches that wait to be read", peer.waiting, WAITING)?;
    at_most_bytes("what was sent from memory", peer.sent_bytes, SENT_BYTES)
}

/// Whatever is booked is under way.
fn given_back(held: &Holdings, under_way: UnderWay) -> Finding {
    let of_peers = |of: fn(&PeerLoad) -> u64| held.peers.iter().map(|(_, peer)| of(peer)).sum();
    let checks: u64 = of_peers(|peer| peer.messages.count + peer.batches.count);
    let reads: u64 = of_peers(|peer| count(peer.searches) + u64::from(peer.reads));
    let jobs = u64::from(held.submission_jobs);
    for (what, booked, under_way) in [
        ("checks", checks + jobs, under_way.checks),
        ("reads", reads, under_way.reads),
        ("signatures", count(held.signing), under_way.signatures),
    ] {
        if booked > under_way {
            return Err(format!(
                "{booked} {what} are booked, and {under_way} are under way"
            ));
        }
    }
    Ok(())
}

const fn quota_name(quota: Quota) -> &'static str {
    match quota {
        Quota::Author(_) => "batches of an author's own",
        Quota::Relay(_) => "batches that were passed on",
        Quota::Log => "batches of the log",
    }
}

const fn plus(one: Load, other: Load) -> Load {
    load(one.count + other.count, one.bytes + other.bytes)
}

fn within(what: &str, held: Load, cap: Load) -> Finding {
    at_most(what, held.count, cap.count)?;
    at_most_bytes(what, held.bytes, cap.bytes)
}

fn at_most(what: &str, held: impl TryInto<u64> + Display + Copy, cap: u64) -> Finding {
    if count(held) <= cap {
        Ok(())
    } else {
        Err(format!("{what}: {held}, and {cap} are allowed"))
    }
}

fn at_most_bytes(what: &str, held: u64, cap: u64) -> Finding {
    at_most(what, held, cap).map_err(|finding| format!("bytes of {finding}"))
}

fn count(number: impl TryInto<u64>) -> u64 {
    number.try_into().unwrap_or(u64::MAX)
}

#[cfg(test)]
mod tests;

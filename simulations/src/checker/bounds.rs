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

use falaj_consensus::engine::Event as Consensus;
use falaj_consensus::message::Lane;
use falaj_consensus::types::{Height, Round};
use falaj_node::core::{Event, Holdings, Load, PeerLoad, Quota};

use super::sets::Sets;
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
    /// How many nodes there are: whoever was a validator once may have a quota.
    nodes: u64,
    /// Batches that a block may name.
    block_batches: u64,
    lives: BTreeMap<NodeIndex, Lives>,
}

/// The processes of a node in its height. What one has written is found by the next, which may begin in an earlier round.
#[derive(Clone, Copy, Debug, Default)]
struct Lives {
    /// How many have started: one that ends may leave blocks behind of which it has said nothing yet.
    starts: u64,
    height: Height,
    /// The last round of that height that any was in.
    round: Round,
}

impl Lives {
    fn enter(&mut self, height: Height, round: Round) {
        if height > self.height {
            (self.height, self.round) = (height, round);
        } else if height == self.height {
            self.round = self.round.max(round);
        }
    }
}

impl Bounds {
    pub(super) fn new(facts: &Facts) -> Self {
        Self {
            nodes: facts.validators.into(),
            block_batches: facts
                .economy
                .genesis
                .parameters
                .limits
                .block_batches_max
                .into(),
            lives: BTreeMap::new(),
        }
    }

    pub(super) fn observe(
        &mut self,
        sets: &Sets,
        node: NodeIndex,
        seen: &Observation<'_>,
    ) -> Finding {
        match seen {
            Observation::Started { .. } => {
                self.lives.entry(node).or_default().starts += 1;
                Ok(())
            }
            Observation::Committed(_) => {
                self.lives.entry(node).or_default().starts = 0;
                Ok(())
            }
            Observation::Reported(Event::Consensus(Consensus::RoundStarted {
                height,
                round,
                ..
            })) => {
                self.lives.entry(node).or_default().enter(*height, *round);
                Ok(())
            }
            Observation::Held {
                holdings,
                under_way,
            } => {
                let open = holdings.consensus.height;
                let count = |height| u64::from(sets.at(height).count());
                let validators = (count(open), count(open.next()));
                self.judge(validators, node, holdings, *under_way)
            }
            Observation::Replayed(_)
            | Observation::Intended(_)
            | Observation::Released { .. }
            | Observation::Sent(_)
            | Observation::Received(_)
            | Observation::Appended { .. }
            | Observation::Durable { .. }
            | Observation::Reported(_) => Ok(()),
        }
    }

    /// Of so many validators at the open height and the next.
    fn judge(
        &self,
        (validators, next_validators): (u64, u64),
        node: NodeIndex,
        held: &Holdings,
        under_way: UnderWay,
    ) -> Finding {
        consensus::judge(&held.consensus, validators)?;
        self.blocks(next_validators, node, held)?;
        self.batches(held)?;
        pool(held)?;
        clients(validators, held)?;
        for (peer, load) in &held.peers {
            of_peer(load).map_err(|what| format!("{peer:?}: {what}"))?;
        }
        given_back(held, under_way)
    }

    fn blocks(&self, next_validators: u64, node: NodeIndex, held: &Holdings) -> Finding {
        let known = count(held.consensus.blocks);
        let mut lives = self.lives.get(&node).copied().unwrap_or_default();
        lives.enter(held.consensus.height, held.consensus.round);
        let rounds = u64::from(lives.round.get()) + 1;
        let said = STATEMENTS_A_ROUND * (rounds + lives.starts) + 1;
        at_most(
            "blocks that nothing names",
            held.blocks_unrecorded,
            BLOCKS + known,
        )?;
        at_most("blocks that were written", held.blocks_recorded, said)?;
        at_most(
            "blocks of the next height",
            held.blocks_early,
            next_validators,
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
                Quota::Log => self.nodes * (AUTHOR_BYTES + RELAY_BYTES),
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
}

fn clients(validators: u64, held: &Holdings) -> Finding {
    let turns = u64::from(held.consensus.round.get()) / validators + 1;
    at_most_bytes("blocks of our own", held.inline.bytes, turns * INLINE_BYTES)?;
    within("submissions", held.submitted, SUBMITTED)?;
    at_most("jobs of submissions", held.submission_jobs, SUBMISSION_JOBS)
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
mod tests {
    use falaj_consensus::message::Kind;
    use falaj_consensus::types::{ValidatorId, ValidatorIndex};
    use falaj_ledger::participant::ParticipantNumber;
    use falaj_node::core::{BatchLoad, Peer};

    use super::*;

    const PEER: Peer = match Peer::of(ValidatorId::new(1)) {
        Some(peer) => peer,
        None => panic!("a small id"),
    };
    const SENDER: ValidatorIndex = ValidatorIndex::new(1);
    /// A node in the 41st round of a height, among four, whose blocks name eight batches at most.
    const ROUND: u32 = 40;

    type Change = fn(&mut Holdings, &mut UnderWay);

    fn round(number: u32) -> Round {
        Round::new(number)
    }

    fn vote(number: u32) -> (Round, Kind, ValidatorIndex) {
        (round(number), Kind::Prevote, SENDER)
    }

    /// As full as it may be.
    fn full() -> (Holdings, UnderWay) {
        let mut held = Holdings::default();
        let consensus = &mut held.consensus;
        consensus.height = Height::new(9);
        consensus.round = round(ROUND);
        consensus.votes = (8..=ROUND + 8).map(vote).collect();
        let turns = [8, 8, ROUND, ROUND + 4];
        consensus.proposals = turns.map(|turn| (round(turn), SENDER)).to_vec();
        (consensus.locked, consensus.valid) = (Some(round(1)), Some(round(2)));
        consensus.polkas = (1..=3).chain(8..=ROUND).map(round).collect();
        consensus.certificates = 2;
        consensus.offences = 16;
        consensus.overlays = 2;
        consensus.blocks = 64 + 4 + 36 + 2 + 2 + 4;
        consensus.next.votes = [1, 1, 5, 7, 9].map(vote).to_vec();
        consensus.next.proposals = [1, 1, 5, 7, 9].map(|turn| (round(turn), SENDER)).to_vec();
        consensus.next.polkas = 1;
        consensus.next.certificates = 1;
        held.blocks_unrecorded = 64 + consensus.blocks;
        held.blocks_recorded = 3 * (41 + 1) + 1;
        held.blocks_early = 4;
        held.blocks_ahead = (9..9 + 128).map(Height::new).collect();
        held.mempool = vec![
            (
                Lane::Retail,
                ParticipantNumber::new(1),
                load(50_000, 64 * MIB),
            ),
            (Lane::Retail, ParticipantNumber::new(2), load(30_000, MIB)),
            (
                Lane::Interbank,
                ParticipantNumber::new(1),
                load(10_000, MIB),
            ),
        ];
        held.inline = load(7, 11 * 4096);
        held.submitted = SUBMITTED;
        held.submission_jobs = 2;
        held.batches = vec![
            (Quota::Author(ValidatorId::new(1)), batches(64 * MIB)),
            (Quota::Relay(ValidatorId::new(1)), batches(16 * MIB)),
            (Quota::Log, batches(320 * MIB)),
        ];
        held.batch_places = 65_536;
        held.batch_numbers = vec![(ValidatorId::new(1), 1_024 + 3)];
        let blocks = held.blocks_recorded + held.blocks_unrecorded;
        held.batches_fetched = 64 + (blocks + 64) * 8;
        held.signing = 3;
        let peer = PeerLoad {
            messages: CHECKS,
            batches: CHECKS,
            searches: 2,
            reads: 2,
            waiting: 512,
            sent_bytes: 12 * MIB,
        };
        held.peers = vec![(PEER, peer)];
        let under_way = UnderWay {
            checks: 2 * 1_024 + 2,
            signatures: 3,
            reads: 4,
            outputs: 0,
        };
        (held, under_way)
    }

    fn batches(bytes: u64) -> BatchLoad {
        BatchLoad {
            held: load(1, bytes),
            waiting_bytes: bytes,
            died_bytes: bytes,
        }
    }

    fn judged(held: &Holdings, under_way: UnderWay) -> Finding {
        let lives = Lives {
            starts: 1,
            ..Lives::default()
        };
        judged_after(lives, held, under_way)
    }

    fn judged_after(lives: Lives, held: &Holdings, under_way: UnderWay) -> Finding {
        let node = NodeIndex::new(0);
        let bounds = Bounds {
            nodes: 4,
            block_batches: 8,
            lives: [(node, lives)].into(),
        };
        bounds.judge((4, 4), node, held, under_way)
    }

    /// Goal: who comes back in an earlier round finds what it has written in the later ones, as long as the height is open.
    #[test]
    fn what_an_earlier_process_has_written_is_still_there() {
        let (mut held, under_way) = full();
        held.consensus.round = round(0);
        held.consensus.votes.clear();
        held.consensus.proposals.clear();
        held.consensus.polkas.clear();
        (held.consensus.locked, held.consensus.valid) = (None, None);
        held.consensus.blocks = 0;
        (held.blocks_unrecorded, held.batches_fetched) = (0, 0);
        held.inline = load(0, 0);
        let ended = |height| Lives {
            starts: 1,
            height: Height::new(height),
            round: round(ROUND),
        };
        assert_eq!(judged_after(ended(9), &held, under_way), Ok(()));
        let found = judged_after(ended(8), &held, under_way);
        assert!(found.is_err_and(|what| what.starts_with("blocks that were written")));
    }

    /// Goal: a node that holds all that it may, and one that holds nothing, are found by nobody.
    #[test]
    fn a_full_node_keeps_to_its_bounds() {
        let (held, under_way) = full();
        assert_eq!(judged(&held, under_way), Ok(()));
        assert_eq!(judged(&Holdings::default(), UnderWay::default()), Ok(()));
    }

    /// Goal: each bound is broken by one more, and the finding says which.
    #[test]
    fn one_more_of_anything_is_found() {
        let changes: [(&str, Change); 34] = [
            ("votes of round 7", |held, _| {
                held.consensus.votes.push(vote(7))
            }),
            ("votes of validator", |held, _| {
                held.consensus.votes.push(vote(ROUND + 9));
            }),
            ("votes of one sender", |held, _| {
                held.consensus.votes.push(vote(9))
            }),
            ("proposals of round 7", |held, _| {
                held.consensus.proposals.push((round(7), SENDER));
            }),
            ("proposals of validator", |held, _| {
                let ahead = (1..10).map(|turn| (round(ROUND + 4 * turn), SENDER));
                held.consensus.proposals.extend(ahead);
            }),
            ("proposals of a round", |held, _| {
                held.consensus.proposals.push((round(8), SENDER));
            }),
            ("polkas of a round", |held, _| {
                held.consensus.polkas.push(round(8))
            }),
            ("polkas of old rounds", |held, _| {
                held.consensus.polkas.push(round(4))
            }),
            ("commit certificates", |held, _| {
                held.consensus.certificates += 1
            }),
            ("offences", |held, _| held.consensus.offences += 1),
            ("overlays", |held, _| held.consensus.overlays += 1),
            ("blocks: ", |held, _| held.consensus.blocks += 1),
            ("rounds of the next height with votes", |held, _| {
                held.consensus.next.votes.push(vote(11));
            }),
            ("rounds of the next height with proposals", |held, _| {
                held.consensus.next.proposals.push((round(11), SENDER));
            }),
            ("votes of the next height", |held, _| {
                held.consensus.next.votes.push(vote(1));
            }),
            ("proposals of the next height", |held, _| {
                held.consensus.next.proposals.push((round(1), SENDER));
            }),
            ("polkas of the next height", |held, _| {
                held.consensus.next.polkas += 1
            }),
            ("certificates of the next height", |held, _| {
                held.consensus.next.certificates += 1;
            }),
            ("blocks that nothing names", |held, _| {
                held.blocks_unrecorded += 1
            }),
            ("blocks that were written", |held, _| {
                held.blocks_recorded += 1
            }),
            ("blocks of the next height", |held, _| {
                held.blocks_early += 1
            }),
            ("blocks ahead", |held, _| {
                held.blocks_ahead.push(Height::new(200))
            }),
            ("bytes of blocks of our own", |held, _| {
                held.inline.bytes += 1
            }),
            ("submissions", |held, _| held.submitted.count += 1),
            ("jobs of submissions", |held, _| held.submission_jobs += 1),
            ("places of batches", |held, _| held.batch_places += 1),
            ("numbers of an author", |held, _| {
                held.batch_numbers[0].1 += 1
            }),
            ("batches asked for", |held, _| held.batches_fetched += 1),
            ("dead batches", |held, _| held.batches[1].1.died_bytes += 1),
            ("searches", |held, _| held.peers[0].1.searches += 1),
            ("reads", |held, _| held.peers[0].1.reads += 1),
            ("batches that wait", |held, _| held.peers[0].1.waiting += 1),
            ("sent from memory", |held, _| {
                held.peers[0].1.sent_bytes += 1
            }),
            ("messages being checked", |held, _| {
                held.peers[0].1.messages.bytes += 1;
            }),
        ];
        for (what, change) in changes {
            found(what, change);
        }
    }

    fn found(what: &str, change: Change) {
        let (mut held, mut under_way) = full();
        change(&mut held, &mut under_way);
        let finding = judged(&held, under_way).expect_err(what);
        assert!(finding.contains(what), "{what}: {finding}");
    }

    /// Goal: a participant's quota, the pool, and what each lane keeps of it for itself.
    #[test]
    fn the_pool_is_bounded_by_lane_and_participant() {
        found("a participant's transactions", |held, _| {
            held.mempool[0].2.count += 1
        });
        found("bytes of a participant's transactions", |held, _| {
            held.mempool[0].2.bytes += 1;
        });
        found("the pool", |held, _| held.mempool[1].2.count += 1);
        found("the pool", |held, _| held.mempool[2].2.count += 1);
    }

    /// Goal: a sender's quotas, and what counts without being here.
    #[test]
    fn batches_are_bounded_and_booked_as_they_are() {
        for number in 0..3 {
            let (mut held, under_way) = full();
            let load = &mut held.batches[number].1;
            load.waiting_bytes += 1;
            let finding = judged(&held, under_way).expect_err("booked and not here");
            assert!(finding.contains("are booked"), "{finding}");
            held.batches[number].1.held.bytes += 1;
            held.batches[number].1.died_bytes -= 1;
            let finding = judged(&held, under_way).expect_err("a quota");
            assert!(finding.starts_with("bytes of batches"), "{finding}");
        }
    }

    /// Goal: what is booked for something that has ended is a leak.
    #[test]
    fn what_has_ended_is_given_back() {
        let changes: [(&str, Change); 4] = [
            ("checks are booked", |_, under_way| under_way.checks -= 1),
            ("reads are booked", |_, under_way| under_way.reads -= 1),
            ("signatures are booked", |_, under_way| {
                under_way.signatures -= 1
            }),
            ("kept ahead", |held, _| {
                held.blocks_ahead[0] = Height::new(8)
            }),
        ];
        for (what, change) in changes {
            found(what, change);
        }
    }
}

//! What consensus keeps of the open height and the next.
//!
//! Source: `docs/spec/consensus.md`, "Bounds".

use std::collections::{BTreeMap, BTreeSet};

use falaj_consensus::engine::{Holdings, NextHoldings};
use falaj_consensus::types::{Round, ValidatorIndex};

use super::super::Finding;
use super::{at_most, count};

/// Rounds behind whose votes and proposals are kept one by one.
const ROUNDS_BEHIND: u32 = 32;
/// Rounds ahead in which those of one sender are kept.
const ROUNDS_AHEAD: u64 = 8;
/// Proposals of one round: the first, and the second for the proof.
const PROPOSALS: u64 = 2;
/// A commit certificate, and one that contradicts it.
const CERTIFICATES: u64 = 2;
/// Kinds of offences.
const OFFENCES: u64 = 4;
/// Blocks beyond those that a rule can still use.
const BLOCKS: u64 = 64;
/// Executions that hold an overlay.
const OVERLAYS: u64 = 2;
/// The blocks of lock and valid value, and those that an honest hint of prevotes names.
const BLOCKS_OF_STATE: u64 = 4;
/// Rounds of the next height in which the messages of one sender are kept, and how many of a kind in a round.
const NEXT_ROUNDS: u64 = 4;
const NEXT_OF_A_KIND: u64 = 2;
const NEXT_CERTIFICATES: u64 = 1;

pub(super) fn judge(held: &Holdings, validators: u64) -> Finding {
    let oldest = Round::new(held.round.get().saturating_sub(ROUNDS_BEHIND));
    let votes = held
        .votes
        .iter()
        .map(|(round, _, sender)| (*round, *sender));
    let proposals = held.proposals.iter().copied();
    of_rounds("votes", held.round, oldest, votes)?;
    of_rounds("proposals", held.round, oldest, proposals)?;
    at_most("votes of one sender, round and kind", most(&held.votes), 1)?;
    let rounds: Vec<Round> = held.proposals.iter().map(|(round, _)| *round).collect();
    at_most("proposals of a round", most(&rounds), PROPOSALS)?;
    at_most("polkas of a round", most(&held.polkas), 1)?;
    polkas_of_old_rounds(held, oldest)?;
    at_most("commit certificates", held.certificates, CERTIFICATES)?;
    at_most("offences", held.offences, OFFENCES * validators)?;
    at_most("overlays", held.overlays, OVERLAYS)?;
    blocks(held)?;
    next(&held.next)
}

/// The lock and the valid value have theirs, and a proposal made again may need one more.
fn polkas_of_old_rounds(held: &Holdings, oldest: Round) -> Finding {
    let is_own = |round: Round| held.locked == Some(round) || held.valid == Some(round);
    let old = held.polkas.iter().filter(|round| **round < oldest);
    let others = old.filter(|round| !is_own(**round)).count();
    at_most("polkas of old rounds", others, 1)
}

/// How many blocks may be remembered follows from what else is kept: only that can make a rule use a block.
fn blocks(held: &Holdings) -> Finding {
    let usable = count(held.proposals.len())
        + count(held.polkas.len())
        + count(held.certificates)
        + count(held.overlays)
        + BLOCKS_OF_STATE;
    at_most("blocks", held.blocks, BLOCKS + usable)
}

/// Nothing is older than the oldest round, and of each sender the rounds ahead are few.
fn of_rounds(
    what: &str,
    current: Round,
    oldest: Round,
    kept: impl Iterator<Item = (Round, ValidatorIndex)>,
) -> Finding {
    let mut ahead: BTreeMap<ValidatorIndex, BTreeSet<Round>> = BTreeMap::new();
    for (round, sender) in kept {
        if round < oldest {
            return Err(format!(
                "{what} of round {round} are kept in round {current}"
            ));
        }
        if round > current {
            ahead.entry(sender).or_default().insert(round);
        }
    }
    for (sender, rounds) in ahead {
        at_most("rounds ahead", rounds.len(), ROUNDS_AHEAD)
            .map_err(|finding| format!("{what} of validator {sender}: {finding}"))?;
    }
    Ok(())
}

fn next(held: &NextHoldings) -> Finding {
    let votes = held
        .votes
        .iter()
        .map(|(round, _, sender)| (*sender, *round));
    let proposals = held
        .proposals
        .iter()
        .map(|(round, sender)| (*sender, *round));
    at_most(
        "rounds of the next height with votes",
        rounds(votes),
        NEXT_ROUNDS,
    )?;
    at_most(
        "rounds of the next height with proposals",
        rounds(proposals),
        NEXT_ROUNDS,
    )?;
    at_most(
        "votes of the next height",
        most(&held.votes),
        NEXT_OF_A_KIND,
    )?;
    at_most(
        "proposals of the next height",
        most(&held.proposals),
        NEXT_OF_A_KIND,
    )?;
    at_most("polkas of the next height", held.polkas, NEXT_CERTIFICATES)?;
    at_most(
        "certificates of the next height",
        held.certificates,
        NEXT_CERTIFICATES,
    )
}

/// The most rounds of one sender.
fn rounds(kept: impl Iterator<Item = (ValidatorIndex, Round)>) -> u64 {
    let places: BTreeSet<_> = kept.collect();
    let senders: Vec<ValidatorIndex> = places.iter().map(|(sender, _)| *sender).collect();
    most(&senders)
}

/// How often the most frequent thing is there.
fn most<T: Ord>(things: &[T]) -> u64 {
    let mut counts: BTreeMap<&T, u64> = BTreeMap::new();
    for thing in things {
        *counts.entry(thing).or_default() += 1;
    }
    counts.into_values().max().unwrap_or_default()
}

//! Who is named by what correct nodes hold: pairs of statements, as the specification lists them.
//!
//! Invariant: two messages of one validator and height prove an offence without a transcript.
//! Shapes: a statement has its round, its kind and a value or nil.
//! Source: `docs/spec/consensus.md`, "Evidence".

use super::mistake::Mistake;
use super::state::{Cast, State};
use super::words::{Member, Members, Prevote, Round, Value};
use super::{Protocol, Tally};

/// A signed vote.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
enum Statement {
    Prevote(Round, Cast<Prevote>),
    Precommit(Round, Cast<Value>),
}

/// A quorum that somebody holds: what it states, and who of the correct is in it.
#[derive(Clone, Copy, Debug)]
struct Quorum {
    statement: Statement,
    correct: Members,
}

/// The fewest culprits that the correct nodes' stores name when two commit certificates contradict each other, whichever quorums the
/// adversary made of its votes; `None` without such a pair.
#[must_use]
pub fn culprits(protocol: &Protocol, state: &State) -> Option<u8> {
    let tally = protocol.tally(state);
    let certificates: Vec<_> = tally.certificates().into_iter().collect();
    let mut fewest = None;
    for (at, first) in certificates.iter().enumerate() {
        for second in certificates.iter().skip(at + 1) {
            if first.1 != second.1 {
                let mut held = stores(state, tally);
                held.extend([first, second].map(|(round, value)| {
                    quorum(tally, Statement::Precommit(*round, Cast::For(*value)))
                }));
                let named = fewest_named(protocol, state, &held);
                fewest = Some(fewest.map_or(named, |fewest: u8| fewest.min(named)));
            }
        }
    }
    fewest
}

/// Whether the correct validator's own statements would name it.
pub(super) fn is_framed(protocol: &Protocol, state: &State, member: Member) -> bool {
    let own: Vec<_> = own(state, member).collect();
    is_named(protocol, &own)
}

/// Polkas that correct nodes acted on.
fn stores(state: &State, tally: Tally<'_>) -> Vec<Quorum> {
    let mut held = Vec::new();
    for (_, node) in state.correct_nodes() {
        let seen = (0..)
            .zip(node.seen)
            .filter_map(|(round, polka)| Some((round, polka?)));
        let acted_on = seen.chain(node.justified.into_iter().flatten());
        held.extend(
            acted_on
                .map(|(round, polka)| quorum(tally, Statement::Prevote(round, Cast::For(polka)))),
        );
    }
    held
}

fn quorum(tally: Tally<'_>, statement: Statement) -> Quorum {
    let correct = match statement {
        Statement::Prevote(round, vote) => tally.prevoters(round, vote),
        Statement::Precommit(round, vote) => tally.precommitters(round, vote),
    };
    Quorum { statement, correct }
}

/// Over every choice of the faulty members of each quorum: as few as complete it, since more of them name more.
fn fewest_named(protocol: &Protocol, state: &State, held: &[Quorum]) -> u8 {
    let choices: Vec<Vec<Members>> = held
        .iter()
        .map(|quorum| completions(protocol, state.faulty, quorum.correct))
        .collect();
    let mut fewest = u8::MAX;
    let mut chosen = vec![0; held.len()];
    loop {
        let signers = |at: usize| choices[at][chosen[at]];
        let named = state.faulty.iter().filter(|member| {
            let said = (0..held.len()).filter(|at| signers(*at).contains(*member));
            is_named(
                protocol,
                &said.map(|at| held[at].statement).collect::<Vec<_>>(),
            )
        });
        let named: Members = named.collect();
        fewest = fewest.min(named.len());
        if !advance(&mut chosen, &choices) {
            return fewest;
        }
    }
}

/// The next combination; false after the last.
fn advance(chosen: &mut [usize], choices: &[Vec<Members>]) -> bool {
    for (at, of) in chosen.iter_mut().zip(choices) {
        *at += 1;
        if *at < of.len() {
            return true;
        }
        *at = 0;
    }
    false
}

fn completions(protocol: &Protocol, faulty: Members, correct: Members) -> Vec<Members> {
    let is_enough = |part: &Members| protocol.is_quorum(part.len() + correct.len());
    let least = faulty.subsets().filter(is_enough).map(Members::len).min();
    let parts = faulty.subsets().filter(is_enough);
    parts.filter(|part| Some(part.len()) == least).collect()
}

fn own(state: &State, member: Member) -> impl Iterator<Item = Statement> {
    let node = *state.node(member);
    let prevotes = (0..).zip(node.prevotes).filter(|(_, vote)| vote.is_cast());
    let precommits = (0..)
        .zip(node.precommits)
        .filter(|(_, vote)| vote.is_cast());
    prevotes
        .map(|(round, vote)| Statement::Prevote(round, vote))
        .chain(precommits.map(|(round, vote)| Statement::Precommit(round, vote)))
}

fn is_named(protocol: &Protocol, said: &[Statement]) -> bool {
    let pairs = |proves: fn(Statement, Statement) -> bool| {
        let others = |one: Statement| said.iter().any(move |other| proves(one, *other));
        said.iter().any(|one| others(*one))
    };
    pairs(is_double_vote) || !protocol.makes(Mistake::AmnesiaOverlooked) && pairs(is_amnesia)
}

/// Different statements of one round and kind.
fn is_double_vote(one: Statement, other: Statement) -> bool {
    let is_same_position = match (one, other) {
        (Statement::Prevote(one, _), Statement::Prevote(other, _))
        | (Statement::Precommit(one, _), Statement::Precommit(other, _)) => one == other,
        (Statement::Prevote(..), Statement::Precommit(..))
        | (Statement::Precommit(..), Statement::Prevote(..)) => false,
    };
    is_same_position && one != other
}

/// A precommit of a value in a round, and a prevote of another in a later one whose valid round is none or before it.
fn is_amnesia(one: Statement, other: Statement) -> bool {
    match (one, other) {
        (
            Statement::Precommit(locked, Cast::For(value)),
            Statement::Prevote(round, Cast::For(prevote)),
        ) => {
            let is_older = prevote.valid_round.is_none_or(|valid| valid < locked);
            round > locked && prevote.value != value && is_older
        }
        _ => false,
    }
}

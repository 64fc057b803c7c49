//! Votes, alone and many at once, and statements that a signer gives back.

use super::cast::{Cast, HEIGHT, at, id, precommit_of, prevote_of};
use crate::message::{PrevoteValue, Statement, Vote, VoteValue};
use crate::types::{ChainContext, Hash32, Height, Round};
use crate::validator_set::ValidatorSet;
use crate::verify::{Checker, Context, SignedItem, SignedStatement, VerifyError};

fn refusal(cast: &Cast, vote: Vote) -> VerifyError {
    cast.context().vote(vote).unwrap_err()
}

#[test]
fn votes_of_members_verify() {
    let cast = Cast::four();
    for value in [
        VoteValue::Prevote(None),
        VoteValue::Precommit(None),
        prevote_of(1, None),
        prevote_of(1, Some(1)),
        precommit_of(1, 2),
    ] {
        let vote = cast.vote(2, 2, value);
        assert_eq!(
            cast.context().vote(vote.clone()).unwrap().into_inner(),
            vote
        );
    }
}

#[test]
fn a_stranger_is_not_a_member() {
    let cast = Cast::four();
    let mut vote = cast.vote(3, 0, prevote_of(1, None));
    vote.validator = at(4);
    assert_eq!(refusal(&cast, vote), VerifyError::NotAMember(at(4)));
}

#[test]
fn the_vote_of_another_member_is_wrong() {
    let cast = Cast::four();
    let mut vote = cast.vote(3, 0, prevote_of(1, None));
    vote.validator = at(2);
    assert_eq!(refusal(&cast, vote), VerifyError::Signature(at(2)));
}

// Whatever is changed after signing makes the signature wrong.
#[test]
fn a_signature_covers_every_field() {
    let cast = Cast::four();
    let vote = cast.vote(1, 3, prevote_of(1, Some(1)));
    let changes: [fn(&mut Vote); 6] = [
        |vote| vote.height = HEIGHT.next(),
        |vote| vote.round = Round::new(4),
        |vote| vote.value = VoteValue::Prevote(None),
        |vote| vote.value = prevote_of(2, Some(1)),
        |vote| vote.value = prevote_of(1, Some(2)),
        |vote| vote.value = precommit_of(1, 1),
    ];
    for change in changes {
        let mut changed = vote.clone();
        change(&mut changed);
        assert_eq!(refusal(&cast, changed), VerifyError::Signature(at(1)));
    }
}

#[test]
fn a_vote_of_another_chain_is_wrong() {
    let cast = Cast::four();
    let vote = cast.vote(1, 0, precommit_of(1, 1));
    for chain in [
        ChainContext {
            chain_id: "falaj-tesu".into(),
            ..cast.chain.clone()
        },
        ChainContext {
            genesis_hash: Hash32::new([8; 32]),
            ..cast.chain.clone()
        },
    ] {
        let context = Context {
            chain: &chain,
            ..cast.context()
        };
        let error = context.vote(vote.clone()).unwrap_err();
        assert_eq!(error, VerifyError::Signature(at(1)));
    }
}

#[test]
fn there_is_no_vote_at_height_0() {
    let cast = Cast::four();
    let vote = cast.vote_at(Height::new(0), 1, 0, VoteValue::Precommit(None));
    assert_eq!(refusal(&cast, vote), VerifyError::NoHeight);
}

// A correctly signed number at the end of its range must not let anybody count beyond it.
#[test]
fn there_is_no_vote_at_the_end_of_the_range() {
    let cast = Cast::four();
    let last_round = cast.vote(1, u32::MAX, VoteValue::Prevote(None));
    assert_eq!(refusal(&cast, last_round), VerifyError::EndOfRange);
    let last_height = cast.vote_at(Height::new(u64::MAX), 1, 0, VoteValue::Prevote(None));
    assert_eq!(refusal(&cast, last_height), VerifyError::EndOfRange);
    let last_but_one = cast.vote_at(
        Height::new(u64::MAX - 1),
        1,
        u32::MAX - 1,
        precommit_of(1, 1),
    );
    assert!(cast.context().vote(last_but_one).is_ok());
}

#[test]
fn a_valid_round_lies_below_the_round() {
    let cast = Cast::four();
    for valid in [2, 3, u32::MAX] {
        let vote = cast.vote(1, 2, prevote_of(1, Some(valid)));
        assert_eq!(refusal(&cast, vote), VerifyError::Rounds);
    }
}

// Each of many gets the verdict it gets alone, in its place, also when some have no right to be asked about.
#[test]
fn many_votes_get_the_verdicts_they_get_alone() {
    let cast = Cast::four();
    let mut votes = Vec::new();
    for round in 0..6 {
        for index in 0..4 {
            votes.push(cast.vote(index, round, prevote_of(1, None)));
        }
        let mut stranger = cast.vote(0, round, precommit_of(1, 1));
        stranger.validator = at(9);
        votes.push(stranger);
        votes.push(cast.vote(1, round, prevote_of(1, Some(round))));
        let mut forged = cast.vote(2, round, precommit_of(1, 1));
        forged.validator = at(3);
        votes.push(forged);
    }
    let alone: Vec<_> = votes
        .iter()
        .map(|vote| cast.context().vote(vote.clone()))
        .collect();
    assert_eq!(alone.iter().filter(|verdict| verdict.is_ok()).count(), 24);
    assert_eq!(cast.context().votes(votes), alone);
}

/// A checker that answers less than it was asked.
struct Mute;

impl Checker for Mute {
    fn check(&self, _: SignedItem<'_>) -> bool {
        true
    }

    fn check_batch(&self, _: &[SignedItem<'_>]) -> Vec<bool> {
        vec![]
    }
}

// Silence is not consent.
#[test]
fn a_checker_that_says_too_little_verifies_nothing() {
    let cast = Cast::four();
    let context = Context {
        checker: &Mute,
        ..cast.context()
    };
    let votes = context.votes(vec![cast.vote(0, 0, precommit_of(1, 1))]);
    assert_eq!(votes, [Err(VerifyError::Signature(at(0)))]);
    let certificate = context.certificate(cast.certificate(&[0, 1, 2]));
    assert_eq!(certificate.unwrap_err(), VerifyError::Signature(at(0)));
}

fn signed(cast: &Cast, statement: Statement) -> SignedStatement {
    SignedStatement {
        validator: at(0),
        statement,
        signature: cast.sign(0, &statement),
    }
}

#[test]
fn a_checked_statement_is_dressed_as_the_message_it_signs() {
    let cast = Cast::four();
    let vote = cast.vote(0, 2, prevote_of(3, Some(1)));
    let checked = cast
        .context()
        .statement(signed(&cast, vote.statement()))
        .unwrap();
    assert_eq!(
        checked.clone().into_vote().map(|vote| vote.into_inner()),
        Some(vote)
    );
    assert_eq!(checked.into_proposal(cast.header(0, 1)), None);

    let proposal = cast.proposal(cast.header(1, 1), 1, None);
    let checked = cast
        .context()
        .statement(signed(&cast, proposal.statement()))
        .unwrap();
    assert_eq!(checked.clone().into_vote(), None);
    assert_eq!(checked.clone().into_proposal(cast.header(1, 2)), None);
    let dressed = checked.into_proposal(cast.header(1, 1)).unwrap();
    assert_eq!(dressed.into_inner(), proposal);
}

#[test]
fn a_statement_that_is_wrong_is_not_released() {
    let cast = Cast::four();
    let vote = cast.vote(1, 2, prevote_of(3, Some(1)));
    let mut other = signed(&cast, vote.statement());
    other.validator = at(1);
    assert_eq!(
        cast.context().statement(other),
        Err(VerifyError::Signature(at(1)))
    );
    let nowhere = Statement::Precommit {
        height: Height::new(0),
        round: Round::new(0),
        value: None,
    };
    let checked = cast.context().statement(signed(&cast, nowhere));
    assert_eq!(checked, Err(VerifyError::NoHeight));
}

// A signed statement whose rounds contradict each other is no vote and no proposal, whoever signed it.
#[test]
fn a_statement_of_contradicting_rounds_is_not_dressed() {
    let cast = Cast::four();
    let prevote = Statement::Prevote {
        height: HEIGHT,
        round: Round::new(2),
        value: Some(PrevoteValue {
            id: id(1),
            valid_round: Some(Round::new(2)),
        }),
    };
    let checked = cast.context().statement(signed(&cast, prevote)).unwrap();
    assert_eq!(checked.into_vote(), None);
    let late = cast.proposal(cast.header(1, 1), 2, None);
    let checked = cast
        .context()
        .statement(signed(&cast, late.statement()))
        .unwrap();
    assert_eq!(checked.into_proposal(late.header), None);
}

// The set decides who speaks: the same vote under a set in which another has the index is wrong.
#[test]
fn a_vote_is_checked_in_the_set_that_is_given() {
    let cast = Cast::four();
    let members = cast.set.members()[1..].to_vec();
    let context = Context {
        set: &ValidatorSet::new(members).unwrap(),
        ..cast.context()
    };
    let vote = cast.vote(1, 0, precommit_of(1, 1));
    assert_eq!(context.vote(vote), Err(VerifyError::Signature(at(1))));
}

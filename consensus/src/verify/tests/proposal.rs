//! Proposals: header of this chain, rounds that fit, the proposer's signature.

use super::cast::{Cast, at};
use crate::message::{Header, Proposal};
use crate::types::{Hash32, Height, Round};
use crate::verify::VerifyError;

fn refusal(cast: &Cast, proposal: Proposal) -> VerifyError {
    cast.context().proposal(proposal).unwrap_err()
}

/// The refusal of a proposal that is signed with a header changed so.
fn with_header(change: fn(&mut Header)) -> VerifyError {
    let cast = Cast::four();
    let mut header = cast.header(0, 1);
    change(&mut header);
    refusal(&cast, cast.proposal(header, 0, None))
}

#[test]
fn fresh_and_repeated_proposals_verify() {
    let cast = Cast::four();
    for (header_round, round, valid_round) in
        [(0, 0, None), (3, 3, None), (0, 1, Some(0)), (1, 5, Some(3))]
    {
        let proposal = cast.proposal(cast.header(header_round, 1), round, valid_round);
        let verified = cast.context().proposal(proposal.clone()).unwrap();
        assert_eq!(verified.get(), &proposal);
    }
}

#[test]
fn the_header_is_of_this_version_and_chain() {
    assert_eq!(
        with_header(|header| header.version = 2),
        VerifyError::Header
    );
    let other = |header: &mut Header| header.genesis_hash = Hash32::new([8; 32]);
    assert_eq!(with_header(other), VerifyError::Header);
}

#[test]
fn there_is_no_proposal_at_height_0_or_at_the_end_of_the_range() {
    let genesis = |header: &mut Header| header.height = Height::new(0);
    assert_eq!(with_header(genesis), VerifyError::NoHeight);
    let last = |header: &mut Header| header.height = Height::new(u64::MAX);
    assert_eq!(with_header(last), VerifyError::EndOfRange);
    let cast = Cast::four();
    let last = cast.proposal(cast.header(u32::MAX, 1), u32::MAX, None);
    assert_eq!(refusal(&cast, last), VerifyError::EndOfRange);
}

// Line 22: a fresh proposal has a header of its own round.
#[test]
fn a_fresh_proposal_has_a_header_of_its_round() {
    let cast = Cast::four();
    for (header_round, round) in [(0, 1), (2, 1)] {
        let proposal = cast.proposal(cast.header(header_round, 1), round, None);
        assert_eq!(refusal(&cast, proposal), VerifyError::Rounds);
    }
}

// Line 28: header round ≤ valid round < round.
#[test]
fn a_repeated_proposal_has_an_older_valid_round_and_a_header_no_later() {
    let cast = Cast::four();
    for (header_round, round, valid_round) in [(0, 2, 2), (0, 2, 3), (2, 3, 1), (3, 3, 2)] {
        let proposal = cast.proposal(cast.header(header_round, 1), round, Some(valid_round));
        assert_eq!(refusal(&cast, proposal), VerifyError::Rounds);
    }
}

#[test]
fn a_stranger_proposes_nothing() {
    let cast = Cast::four();
    let mut proposal = cast.proposal(cast.header(0, 1), 0, None);
    proposal.proposer = at(4);
    assert_eq!(refusal(&cast, proposal), VerifyError::NotAMember(at(4)));
}

// The signature is the proposer's, over the header, the round and the valid round.
#[test]
fn a_proposal_is_signed_whole() {
    let cast = Cast::four();
    let proposal = cast.proposal(cast.header(0, 1), 2, Some(1));
    let changes: [fn(&mut Proposal); 4] = [
        |proposal| proposal.proposer = at(1),
        |proposal| proposal.header.time_us = 2,
        |proposal| proposal.round = Round::new(3),
        |proposal| proposal.valid_round = Some(Round::new(0)),
    ];
    for change in changes {
        let mut changed = proposal.clone();
        change(&mut changed);
        let who = changed.proposer;
        assert_eq!(refusal(&cast, changed), VerifyError::Signature(who));
    }
}

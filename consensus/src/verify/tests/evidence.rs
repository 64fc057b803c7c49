//! Evidence: two messages that prove an offence, in one order, each rightly signed by one validator.

use super::cast::{Cast, HEIGHT, at, precommit_of, prevote_of};
use crate::message::{Evidence, EvidenceKey, EvidenceKind, Proposal, Vote, VoteValue};
use crate::verify::VerifyError;

fn verdict(cast: &Cast, evidence: Evidence) -> Result<(), VerifyError> {
    cast.context().evidence(evidence).map(|_| ())
}

fn double_proposal(a: &Proposal, b: &Proposal) -> Evidence {
    Evidence::DoubleProposal(Box::new(a.clone()), Box::new(b.clone()))
}

/// Two votes in the order of their statements.
fn ordered(a: Vote, b: Vote) -> (Vote, Vote) {
    if a.statement() < b.statement() {
        (a, b)
    } else {
        (b, a)
    }
}

#[test]
fn two_votes_of_one_round_are_an_offence_in_one_order() {
    let cast = Cast::four();
    let prevotes = [
        (VoteValue::Prevote(None), prevote_of(1, None)),
        (prevote_of(1, None), prevote_of(2, None)),
        (prevote_of(1, None), prevote_of(1, Some(0))),
        (prevote_of(1, Some(0)), prevote_of(1, Some(1))),
    ];
    for (a, b) in prevotes {
        let (a, b) = ordered(cast.vote(1, 2, a), cast.vote(1, 2, b));
        let evidence = Evidence::DoublePrevote(a.clone(), b.clone());
        let key = EvidenceKey {
            height: HEIGHT,
            validator: at(1),
            kind: EvidenceKind::DoublePrevote,
        };
        assert_eq!(evidence.key(), key);
        assert_eq!(verdict(&cast, evidence), Ok(()));
        let turned = Evidence::DoublePrevote(b, a);
        assert_eq!(verdict(&cast, turned), Err(VerifyError::NoOffence));
    }
    let precommits = [
        (VoteValue::Precommit(None), precommit_of(1, 1)),
        (precommit_of(1, 1), precommit_of(2, 1)),
        (precommit_of(1, 1), precommit_of(1, 2)),
    ];
    for (a, b) in precommits {
        let (a, b) = ordered(cast.vote(1, 2, a), cast.vote(1, 2, b));
        let evidence = Evidence::DoublePrecommit(a.clone(), b.clone());
        assert_eq!(verdict(&cast, evidence), Ok(()));
        let turned = Evidence::DoublePrecommit(b, a);
        assert_eq!(verdict(&cast, turned), Err(VerifyError::NoOffence));
    }
}

// A correct validator signs these pairs: no offence, whoever says so.
#[test]
fn what_a_correct_validator_signs_is_no_offence() {
    let cast = Cast::four();
    let a = cast.vote(1, 2, prevote_of(1, None));
    let pairs = [
        a.clone(),
        cast.vote(1, 3, prevote_of(2, None)),
        cast.vote_at(HEIGHT.next(), 1, 2, prevote_of(2, None)),
        cast.vote(2, 2, prevote_of(2, None)),
        cast.vote(1, 2, precommit_of(1, 1)),
        cast.vote(1, 2, VoteValue::Precommit(None)),
    ];
    for b in pairs {
        for (a, b) in [(a.clone(), b.clone()), (b, a.clone())] {
            let kinds = [
                Evidence::DoublePrevote(a.clone(), b.clone()),
                Evidence::DoublePrecommit(a, b),
            ];
            for evidence in kinds {
                assert_eq!(verdict(&cast, evidence), Err(VerifyError::NoOffence));
            }
        }
    }
}

#[test]
fn the_kind_is_the_one_of_the_votes() {
    let cast = Cast::four();
    let prevote = |value| cast.vote(1, 2, value);
    let (a, b) = ordered(prevote(prevote_of(1, None)), prevote(prevote_of(2, None)));
    let evidence = Evidence::DoublePrecommit(a, b);
    assert_eq!(verdict(&cast, evidence), Err(VerifyError::NoOffence));
    let precommit = |value| cast.vote(1, 2, value);
    let (a, b) = ordered(precommit(precommit_of(1, 1)), precommit(precommit_of(2, 1)));
    let evidence = Evidence::DoublePrevote(a, b);
    assert_eq!(verdict(&cast, evidence), Err(VerifyError::NoOffence));
}

#[test]
fn two_proposals_of_one_round_are_an_offence_in_one_order() {
    let cast = Cast::four();
    let first = cast.proposal(cast.header(0, 1), 2, Some(0));
    for other in [
        cast.proposal(cast.header(0, 2), 2, Some(0)),
        cast.proposal(cast.header(0, 1), 2, Some(1)),
        cast.proposal(cast.header(2, 1), 2, None),
    ] {
        let (a, b) = if first.statement() < other.statement() {
            (&first, &other)
        } else {
            (&other, &first)
        };
        assert_eq!(verdict(&cast, double_proposal(a, b)), Ok(()));
        assert_eq!(
            verdict(&cast, double_proposal(b, a)),
            Err(VerifyError::NoOffence)
        );
    }
    let next_round = cast.proposal(cast.header(0, 2), 3, Some(0));
    for b in [&first, &next_round] {
        assert_eq!(
            verdict(&cast, double_proposal(&first, b)),
            Err(VerifyError::NoOffence)
        );
    }
}

#[test]
fn proposals_of_two_proposers_are_no_offence() {
    let cast = Cast::four();
    let a = cast.proposal(cast.header(2, 1), 2, None);
    let mut b = cast.proposal(cast.header(2, 2), 2, None);
    b.proposer = at(1);
    b.signature = cast.sign(1, &b.statement());
    for evidence in [double_proposal(&a, &b), double_proposal(&b, &a)] {
        assert_eq!(verdict(&cast, evidence), Err(VerifyError::NoOffence));
    }
}

/// The verdict on a precommit of block 1 in round 3, and a prevote in `round` of block `name` with that valid round.
fn amnesia(round: u32, name: u8, valid_round: Option<u32>) -> Result<(), VerifyError> {
    let cast = Cast::four();
    let precommit = cast.vote(1, 3, precommit_of(1, 1));
    let prevote = cast.vote(1, round, prevote_of(name, valid_round));
    verdict(&cast, Evidence::Amnesia(precommit, prevote))
}

// A prevote of another block after a precommit needs a polka no older than the precommit: valid round ≥ its round.
#[test]
fn amnesia_begins_below_the_round_of_the_precommit() {
    assert_eq!(amnesia(5, 2, None), Ok(()));
    assert_eq!(amnesia(5, 2, Some(0)), Ok(()));
    assert_eq!(amnesia(5, 2, Some(2)), Ok(()));
    assert_eq!(amnesia(5, 2, Some(3)), Err(VerifyError::NoOffence));
    assert_eq!(amnesia(5, 2, Some(4)), Err(VerifyError::NoOffence));
    assert_eq!(amnesia(4, 2, Some(2)), Ok(()));
}

#[test]
fn amnesia_is_about_a_later_round_and_another_block() {
    assert_eq!(amnesia(3, 2, None), Err(VerifyError::NoOffence));
    assert_eq!(amnesia(2, 2, None), Err(VerifyError::NoOffence));
    assert_eq!(amnesia(5, 1, None), Err(VerifyError::NoOffence));
}

#[test]
fn amnesia_is_a_precommit_and_a_prevote_of_blocks_by_one_validator_at_one_height() {
    let cast = Cast::four();
    let precommit = cast.vote(1, 3, precommit_of(1, 1));
    let prevote = cast.vote(1, 5, prevote_of(2, None));
    let pairs = [
        (prevote.clone(), precommit.clone()),
        (precommit.clone(), cast.vote(1, 5, VoteValue::Prevote(None))),
        (precommit.clone(), cast.vote(1, 5, precommit_of(2, 1))),
        (cast.vote(1, 3, VoteValue::Precommit(None)), prevote.clone()),
        (cast.vote(1, 3, prevote_of(1, None)), prevote.clone()),
        (precommit.clone(), cast.vote(2, 5, prevote_of(2, None))),
        (
            precommit,
            cast.vote_at(HEIGHT.next(), 1, 5, prevote_of(2, None)),
        ),
        (
            cast.vote_at(HEIGHT.next(), 1, 3, precommit_of(1, 1)),
            prevote,
        ),
    ];
    for (a, b) in pairs {
        let evidence = Evidence::Amnesia(a, b);
        assert_eq!(verdict(&cast, evidence), Err(VerifyError::NoOffence));
    }
}

// Nobody is framed: each message carries the offender's own right signature.
#[test]
fn evidence_needs_both_signatures() {
    let cast = Cast::four();
    let (a, b) = ordered(
        cast.vote(1, 2, prevote_of(1, None)),
        cast.vote(1, 2, prevote_of(2, None)),
    );
    for (forge_a, forge_b) in [(true, false), (false, true)] {
        let (mut a, mut b) = (a.clone(), b.clone());
        if forge_a {
            a.signature = cast.sign(2, &a.statement());
        }
        if forge_b {
            b.signature = cast.sign(2, &b.statement());
        }
        let evidence = Evidence::DoublePrevote(a, b);
        assert_eq!(verdict(&cast, evidence), Err(VerifyError::Signature(at(1))));
    }
    let proposal = cast.proposal(cast.header(2, 1), 2, None);
    let mut other = cast.proposal(cast.header(2, 2), 2, None);
    other.signature = proposal.signature.clone();
    let evidence = if proposal.statement() < other.statement() {
        double_proposal(&proposal, &other)
    } else {
        double_proposal(&other, &proposal)
    };
    assert_eq!(verdict(&cast, evidence), Err(VerifyError::Signature(at(0))));
    let mut stranger = (a, b);
    (stranger.0.validator, stranger.1.validator) = (at(4), at(4));
    let evidence = Evidence::DoublePrevote(stranger.0, stranger.1);
    assert_eq!(
        verdict(&cast, evidence),
        Err(VerifyError::NotAMember(at(4)))
    );
}

// Evidence of messages that could never count is no evidence: a vote with a valid round that is not below its round.
#[test]
fn evidence_is_made_of_well_formed_messages() {
    assert_eq!(amnesia(5, 2, Some(5)), Err(VerifyError::NoOffence));
    let cast = Cast::four();
    let (a, b) = ordered(
        cast.vote(1, 2, prevote_of(1, Some(2))),
        cast.vote(1, 2, prevote_of(2, None)),
    );
    let evidence = Evidence::DoublePrevote(a, b);
    assert_eq!(verdict(&cast, evidence), Err(VerifyError::Rounds));
}

//! Evidence that blocks carry: what may be carried, what is recorded, until when.

use falaj_consensus::message::{EvidenceKey, EvidenceKind};
use falaj_consensus::types::{Hash32, Height, ValidatorId, ValidatorIndex};

use crate::account::Place;
use crate::event::EventKind;
use crate::evidence::{EvidenceSeen, Offence};
use crate::execute::execute;
use crate::genesis::Genesis;
use crate::key;
use crate::proposal::{Action, ProposalId};
use crate::state::encode_record;
use crate::testing::{CENTRAL_BANK, Ledger, Who, genesis, genesis_governed, propose, set_change};
use crate::transaction::Op;

const KIND: EvidenceKind = EvidenceKind::DoublePrevote;

fn key_of(height: u64, validator: u16) -> EvidenceKey {
    EvidenceKey {
        height: Height::new(height),
        validator: ValidatorIndex::new(validator),
        kind: KIND,
    }
}

fn offence(height: u64, validator: u16) -> Offence {
    Offence {
        key: key_of(height, validator),
        evidence: Hash32::new([7; 32]),
    }
}

/// A chain of so many blocks, a second each.
fn ledger(blocks: u64) -> Ledger {
    let short = Genesis {
        parameters: falaj_consensus::params::Parameters {
            evidence_age_heights: 4,
            evidence_age_ms: 6_000,
            ..genesis().parameters
        },
        ..genesis()
    };
    let mut ledger = Ledger::new(&short);
    (0..blocks).for_each(|_| drop(ledger.block(Vec::new())));
    ledger
}

fn carry(ledger: &mut Ledger, offences: Vec<Offence>) {
    let mut input = ledger.input(ledger.state.time_us() + 1_000_000, Vec::new());
    input.offences = offences;
    let executed = execute(&ledger.state, &input);
    ledger.state = executed.state.clone();
    ledger.last = Some(executed);
}

// docs/spec/ledger.md, "Evidence": below the block's height, of a validator of its set, not recorded yet.
#[test]
fn a_block_may_carry_what_is_below_it_and_new() {
    let mut ledger = ledger(2);
    let takes =
        |ledger: &Ledger, height, validator| ledger.state.takes_evidence(key_of(height, validator));
    assert!(takes(&ledger, 1, 0) && takes(&ledger, 2, 3));
    assert!(!takes(&ledger, 0, 0), "there is no height 0");
    assert!(!takes(&ledger, 3, 0), "the block's own height");
    assert!(!takes(&ledger, u64::MAX, 0), "a height far above");
    assert!(!takes(&ledger, 1, 4), "nobody in that set");
    carry(&mut ledger, vec![offence(1, 0)]);
    assert!(!takes(&ledger, 1, 0), "recorded");
    assert!(takes(&ledger, 1, 1) && takes(&ledger, 2, 0) && takes(&ledger, 3, 0));
}

// No valid block carries such a piece, but a log that somebody else wrote may: it is passed over like one of nobody, and execution goes on.
#[test]
fn a_piece_of_a_height_without_validators_is_passed_over() {
    let mut ledger = ledger(2);
    let without = ledger.clone();
    carry(
        &mut ledger,
        [0, 6, u64::MAX].map(|height| offence(height, 0)).to_vec(),
    );
    let mut other = without;
    carry(&mut other, Vec::new());
    assert_eq!(ledger.state.root(), other.state.root());
}

// docs/spec/ledger.md, "Evidence": the state says which evidence and which block, an event says it too, and the root commits to both.
#[test]
fn an_offence_is_recorded_in_state_and_log() {
    let mut ledger = ledger(2);
    let without = ledger.clone();
    carry(&mut ledger, vec![offence(1, 0), offence(2, 3)]);
    let (block, evidence) = (Height::new(3), Hash32::new([7; 32]));
    let executed = ledger.last.clone().unwrap();
    for (index, (height, validator)) in [(1, 1), (2, 4)].into_iter().enumerate() {
        let (height, validator) = (Height::new(height), ValidatorId::new(validator));
        let seen = ledger.state.evidence(height, validator, KIND);
        assert_eq!(seen, Some(EvidenceSeen { evidence, block }));
        let event = &executed.events[index];
        let kind = EventKind::OffenceProven {
            evidence,
            height,
            validator,
            kind: KIND,
        };
        assert_eq!((event.cause, &event.kind), (None, &kind));
        let index = u32::try_from(index).unwrap();
        assert_eq!(
            event.place,
            Place {
                height: block,
                index
            }
        );
        let key = key::evidence(height, validator, KIND);
        let value = encode_record(&EvidenceSeen { evidence, block });
        let (root, proof) = (executed.outcome.state_root, ledger.state.prove(&key));
        assert_eq!(proof.verify_value(&root, &key, &value), Ok(()));
    }
    let mut other = without;
    carry(&mut other, Vec::new());
    assert_ne!(other.state.root(), ledger.state.root());
    assert_ne!(
        other.last.unwrap().outcome.events_root,
        executed.outcome.events_root
    );
}

// docs/spec/ledger.md, "Evidence": once both windows are past nothing is carried any more, and the record leaves the state.
#[test]
fn what_is_over_is_dropped_and_not_carried_again() {
    let mut ledger = ledger(1);
    carry(&mut ledger, vec![offence(1, 0)]);
    let seen = |ledger: &Ledger| {
        let (height, validator) = (Height::new(1), ValidatorId::new(1));
        ledger.state.evidence(height, validator, KIND).is_some()
    };
    // Four heights are past at height 6, six seconds at height 8.
    while ledger.state.height() < Height::new(7) {
        ledger.block(Vec::new());
        assert!(ledger.state.takes_evidence(key_of(1, 1)) && seen(&ledger));
    }
    ledger.block(Vec::new());
    assert!(!ledger.state.takes_evidence(key_of(1, 1)), "over");
    assert!(ledger.state.takes_evidence(key_of(2, 1)));
    assert!(seen(&ledger), "the next block drops it");
    ledger.block(Vec::new());
    assert!(!seen(&ledger) && !ledger.state.takes_evidence(key_of(1, 0)));
}

// docs/spec/ledger.md, "Evidence": an offence is that of the validator who had the index at its own height, whoever has it now.
#[test]
fn an_offence_is_recorded_under_the_set_of_its_height() {
    let mut ledger = Ledger::new(&genesis_governed());
    ledger.block(Vec::new());
    let set = ledger.state.validators_at(Height::new(2));
    let leaving = set_change(ledger.chain(), &set, &[], &[1]);
    let central = [Who::Participant(CENTRAL_BANK)];
    let proposing = ledger.tx(
        CENTRAL_BANK,
        propose(5, Action::Validators(leaving)),
        &central,
    );
    let id = ProposalId::new(proposing.content_hash().hash());
    let two = [Who::Member(0), Who::Member(1)];
    let approving = ledger.tx(CENTRAL_BANK, Op::Approve(id), &two);
    let executing = ledger.tx(CENTRAL_BANK, Op::Execute(id), &central);
    ledger.block(vec![proposing, approving, executing]);
    (3..=5).for_each(|_| drop(ledger.block(Vec::new())));
    // Block 2 fixed the set from height 4 on.
    let sizes = [3, 4].map(|height| ledger.state.validators_at(Height::new(height)).len());
    assert_eq!(sizes, [4, 3]);
    let takes = |height| ledger.state.takes_evidence(key_of(height, 3));
    assert_eq!((takes(3), takes(4)), (true, false));
    carry(&mut ledger, vec![offence(3, 0), offence(4, 0)]);
    for (height, validator, is_his) in [(3, 1, true), (3, 2, false), (4, 1, false), (4, 2, true)] {
        let (height, validator) = (Height::new(height), ValidatorId::new(validator));
        let seen = ledger.state.evidence(height, validator, KIND);
        assert_eq!(seen.is_some(), is_his, "{height} {validator}");
    }
}

// Goal: a block whose evidence names nobody, which no valid one does, is executed all the same.
#[test]
fn an_offence_of_nobody_is_passed_over() {
    let mut ledger = ledger(1);
    carry(&mut ledger, vec![offence(1, 9)]);
    assert!(ledger.last.unwrap().events.is_empty());
}

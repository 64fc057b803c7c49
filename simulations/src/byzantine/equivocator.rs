//! An equivocating proposer: two valid blocks in one round, each to some of the others.
//!
//! Shape: the twin has the same header with an empty body and its own signature, so it is as valid as the block it stands beside.
//! A re-proposal is left as it is: its twin would need a polka.

use falaj_consensus::message::{Body, Header, Proposal, Statement};
use falaj_consensus::types::OutcomeHash;
use falaj_ledger::block::BlockInput;
use falaj_ledger::execute::execute;
use falaj_ledger::state::State;
use falaj_node::core::{Frame, Message, ProposalBundle};

use super::{Liar, Lie, Twin, tell_apart};
use crate::types::NodeIndex;

pub(super) fn rewrite(liar: &mut Liar<'_>, to: Vec<NodeIndex>, frame: Frame) -> Vec<Lie> {
    match &frame.message {
        Some(Message::Proposal(bundle)) if is_splittable(liar, bundle) => {
            let place = (bundle.proposal.height(), bundle.proposal.round);
            let twin = twin_of(liar, bundle);
            let lie = Frame {
                message: Some(Message::Proposal(Box::new(twin))),
                acks: Vec::new(),
                ..frame
            };
            tell_apart(liar, place, &to, [frame, lie])
        }
        _ => vec![Lie::frame(to, frame)],
    }
}

/// A fresh proposal of the height that the liar's own state leads to, with a body to leave out.
fn is_splittable(liar: &Liar<'_>, bundle: &ProposalBundle) -> bool {
    let fresh = bundle.proposal.valid_round.is_none();
    let next = bundle.proposal.height() == liar.state.height().next();
    let later = bundle.proposal.header.time_us > liar.state.time_us();
    fresh && next && later && bundle.body != Body::default()
}

fn twin_of(liar: &mut Liar<'_>, bundle: &ProposalBundle) -> ProposalBundle {
    let of = bundle.proposal.id();
    let round = bundle.proposal.round;
    let body = Body::default();
    let header = empty_header(&bundle.proposal.header, &body);
    let outcome = outcome(liar.state, &header, &body);
    let statement = Statement::Proposal {
        height: header.height,
        round,
        id: header.id(),
        valid_round: None,
    };
    let signature = (liar.sign)(&statement);
    let twin = Twin {
        of,
        header: header.clone(),
        body: body.clone(),
        outcome,
    };
    liar.plot.add(round, twin);
    let proposal = Proposal {
        header,
        signature,
        ..bundle.proposal.clone()
    };
    ProposalBundle {
        proposal,
        body,
        ..bundle.clone()
    }
}

pub(super) fn empty_header(header: &Header, body: &Body) -> Header {
    Header {
        body_root: body.root(),
        evidence_root: body.evidence_root(),
        transactions: 0,
        transaction_bytes: 0,
        ..header.clone()
    }
}

fn outcome(state: &State, header: &Header, body: &Body) -> OutcomeHash {
    execute(state, &BlockInput::new(header, body, Vec::new()))
        .outcome
        .hash()
}

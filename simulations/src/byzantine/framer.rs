//! A framer: its blocks, and what it tells, accuse somebody of two votes that were never signed.
//!
//! Shape: what it heard is put to the height before, where a block could carry it if it were true, and told in the form of evidence too.

use falaj_consensus::message::{Evidence, Vote, VoteValue};
use falaj_consensus::types::Height;
use falaj_node::core::{Frame, Message};

use super::invalid_block::sign_again;
use super::{Liar, Lie, own_fresh_proposal};
use crate::marks::Mark;
use crate::types::NodeIndex;

pub(super) fn rewrite(liar: &mut Liar<'_>, to: Vec<NodeIndex>, frame: Frame) -> Vec<Lie> {
    let heard = liar.plot.heard_vote();
    let heard = heard.filter(|vote| vote.validator != liar.index_at(vote.height));
    let heard = heard.cloned();
    let (Some(bundle), Some(heard)) = (own_fresh_proposal(liar, &frame), heard) else {
        return vec![Lie::frame(to, frame)];
    };
    let mut lie = bundle.clone();
    let accusation = accusation(before(bundle.proposal.height(), heard));
    lie.body.evidence = vec![accusation.clone()];
    lie.proposal.header.evidence_root = lie.body.evidence_root();
    sign_again(liar, &mut lie.proposal);
    liar.marks.hit(Mark::ForgedEvidence);
    let proposed = Message::Proposal(Box::new(lie));
    let told = Message::Evidence(Box::new(accusation));
    let lies = [proposed, told].map(|message| {
        let message = Some(message);
        let frame = Frame {
            message,
            ..frame.clone()
        };
        Lie::frame(to.clone(), frame)
    });
    lies.into()
}

/// The vote as if it had been said at the height before; there is none before the first.
fn before(height: Height, vote: Vote) -> Vote {
    match height.get() {
        0 | 1 => vote,
        height => Vote {
            height: Height::new(height - 1),
            ..vote
        },
    }
}

/// Nil has the place before any block, so it comes first where order is asked for.
fn accusation(vote: Vote) -> Evidence {
    match vote.value {
        VoteValue::Prevote(_) => {
            let value = VoteValue::Prevote(None);
            Evidence::DoublePrevote(
                Vote {
                    value,
                    ..vote.clone()
                },
                vote,
            )
        }
        VoteValue::Precommit(_) => {
            let value = VoteValue::Precommit(None);
            Evidence::DoublePrecommit(
                Vote {
                    value,
                    ..vote.clone()
                },
                vote,
            )
        }
    }
}

//! A double voter: two votes in one round, each to some of the others.
//!
//! Shape: the second vote is for the round's twin block if the plot knows one, otherwise nil, or against nil nothing. It follows
//! the lock of nobody: a precommit of the twin carries the outcome that the twin really has, so it can complete a quorum.

use falaj_consensus::message::{PrecommitValue, PrevoteValue, Statement, Vote, VoteValue};
use falaj_node::core::{Frame, Message};

use super::{Liar, Lie, Twin, tell_apart};
use crate::types::NodeIndex;

pub(super) fn rewrite(liar: &mut Liar<'_>, to: Vec<NodeIndex>, frame: Frame) -> Vec<Lie> {
    let Some(Message::Votes(votes)) = &frame.message else {
        return vec![Lie::frame(to, frame)];
    };
    // Votes that are repeated for somebody who asked are several, or others' votes; the fresh own one is alone.
    let [vote] = &votes[..] else {
        return vec![Lie::frame(to, frame)];
    };
    let place = (vote.height, vote.round);
    let Some(second) = second_vote(liar, vote) else {
        return vec![Lie::frame(to, frame)];
    };
    let lie = Frame {
        message: Some(Message::Votes(vec![second])),
        acks: Vec::new(),
        ..frame
    };
    tell_apart(liar, place, &to, [frame, lie])
}

fn second_vote(liar: &mut Liar<'_>, vote: &Vote) -> Option<Vote> {
    let twin = liar.plot.twin(vote.height, vote.round);
    let value = other_value(vote.value, twin)?;
    let statement = statement(vote, value);
    let signature = (liar.sign)(&statement);
    Vote::new(vote.validator, statement, signature)
}

/// What else could be said at this place.
fn other_value(value: VoteValue, twin: Option<&Twin>) -> Option<VoteValue> {
    let other = |id| twin.filter(|twin| id != Some(twin.header.id()));
    match value {
        VoteValue::Prevote(own) => {
            let twin = other(own.map(|own| own.id)).map(|twin| PrevoteValue {
                id: twin.header.id(),
                valid_round: None,
            });
            (twin.is_some() || own.is_some()).then_some(VoteValue::Prevote(twin))
        }
        VoteValue::Precommit(own) => {
            let twin = other(own.map(|own| own.id)).map(|twin| PrecommitValue {
                id: twin.header.id(),
                outcome: twin.outcome,
            });
            (twin.is_some() || own.is_some()).then_some(VoteValue::Precommit(twin))
        }
    }
}

const fn statement(vote: &Vote, value: VoteValue) -> Statement {
    let (height, round) = (vote.height, vote.round);
    match value {
        VoteValue::Prevote(value) => Statement::Prevote {
            height,
            round,
            value,
        },
        VoteValue::Precommit(value) => Statement::Precommit {
            height,
            round,
            value,
        },
    }
}

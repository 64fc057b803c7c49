//! An amnesiac: where its replica prevotes nil, because it is locked on another block or for any other reason, it prevotes for what was
//! proposed.

use falaj_consensus::message::{PrevoteValue, Statement, Vote, VoteValue};
use falaj_consensus::types::{BlockId, Height};
use falaj_node::core::{Frame, Message};

use super::{Liar, Lie, fresh_vote};
use crate::marks::Mark;
use crate::types::NodeIndex;

pub(super) fn rewrite(liar: &mut Liar<'_>, to: Vec<NodeIndex>, frame: Frame) -> Vec<Lie> {
    let Some(lie) = fresh_vote(liar, &frame).and_then(|vote| forgetful(liar, vote)) else {
        return vec![Lie::frame(to, frame)];
    };
    let message = Some(Message::Votes(vec![lie]));
    vec![Lie::frame(to, Frame { message, ..frame })]
}

fn forgetful(liar: &mut Liar<'_>, vote: &Vote) -> Option<Vote> {
    if vote.value != VoteValue::Prevote(None) {
        return None;
    }
    let (height, round) = (vote.height, vote.round);
    let (id, valid_round) = liar.plot.proposed(height, round)?;
    let forgets = locked(liar, height).is_some_and(|locked| locked != id);
    liar.marks.hit_if(forgets, Mark::ForgottenLock);
    let statement = Statement::Prevote {
        height,
        round,
        value: Some(PrevoteValue { id, valid_round }),
    };
    let signature = (liar.sign)(&statement);
    Vote::new(vote.validator, statement, signature)
}

/// What the liar has precommitted last at a height.
fn locked(liar: &Liar<'_>, height: Height) -> Option<BlockId> {
    let own = liar.index_at(height);
    liar.plot.last(liar.place, |message| {
        let Message::Votes(votes) = message else {
            return None;
        };
        let votes = votes
            .iter()
            .filter(|vote| vote.validator == own && vote.height == height);
        votes.rev().find_map(|vote| match vote.value {
            VoteValue::Precommit(Some(value)) => Some(value.id),
            VoteValue::Precommit(None) | VoteValue::Prevote(_) => None,
        })
    })
}

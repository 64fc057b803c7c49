//! A hider: each of its prevotes for a block goes to one other alone, which may see a polka that nobody else sees; the rest hear of it in
//! a later round, when the liar votes there.
//!
//! Source: the hidden lock of Buchman, Kwon, Milosevic, "The latest gossip on BFT consensus" (2018), section 3.3.

use falaj_consensus::message::VoteValue;
use falaj_consensus::types::{Height, Round};
use falaj_node::core::{Frame, Message};

use super::{Liar, Lie, fresh_vote};
use crate::chance::Site;
use crate::marks::Mark;
use crate::types::NodeIndex;

const HIDE: Site = Site::new("byzantine/hide");

pub(super) fn rewrite(liar: &mut Liar<'_>, to: Vec<NodeIndex>, mut frame: Frame) -> Vec<Lie> {
    let Some(vote) = fresh_vote(liar, &frame) else {
        keep_back(liar, &mut frame);
        return vec![Lie::frame(to, frame)];
    };
    let place = (vote.height, vote.round);
    let is_hidden = matches!(vote.value, VoteValue::Prevote(Some(_)));
    let late = liar.plot.reveal(liar.place, place);
    liar.marks.hit_if(!late.is_empty(), Mark::LatePolka);
    let late = late.into_iter().map(|late| Lie::frame(to.clone(), late));
    let mut lies: Vec<Lie> = late.collect();
    if is_hidden {
        liar.plot.hide(liar.place, place, frame.clone());
        lies.push(Lie::frame(one_of(liar, &to), frame));
    } else {
        lies.push(Lie::frame(to, frame));
    }
    lies
}

fn one_of(liar: &Liar<'_>, to: &[NodeIndex]) -> Vec<NodeIndex> {
    let place = liar.draw(HIDE).word(0).below(to.len() as u64);
    let place = usize::try_from(place).unwrap_or_default();
    to.get(place).copied().into_iter().collect()
}

/// Who asks for the votes of a round does not get the hidden one either.
fn keep_back(liar: &Liar<'_>, frame: &mut Frame) {
    let hidden: Option<(Height, Round)> = liar.plot.hidden(liar.place);
    if let Some(Message::Votes(votes)) = &mut frame.message {
        votes.retain(|vote| {
            let is_prevote = matches!(vote.value, VoteValue::Prevote(Some(_)));
            let is_hidden = hidden == Some((vote.height, vote.round));
            vote.validator != liar.index_at(vote.height) || !is_prevote || !is_hidden
        });
    }
}

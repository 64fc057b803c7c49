//! A far voter: signed votes for rounds and heights that nobody is in, a dozen with each of its own.

use falaj_consensus::message::{PrecommitValue, PrevoteValue, Statement, Vote};
use falaj_consensus::types::{BlockId, Hash32, Height, OutcomeHash, Round};
use falaj_node::core::{Frame, Message};

use super::{FLOOD, Liar, Lie, beside};
use crate::chance::{Draw, Site};
use crate::marks::Mark;
use crate::types::NodeIndex;

const FAR: Site = Site::new("byzantine/far");
/// How far away rounds and heights are at the most.
const ROUNDS_MAX: u64 = 1_000_000;
const HEIGHTS_MAX: u64 = 4;

pub(super) fn rewrite(liar: &mut Liar<'_>, to: Vec<NodeIndex>, frame: Frame) -> Vec<Lie> {
    let Some(Message::Votes(votes)) = &frame.message else {
        return vec![Lie::frame(to, frame)];
    };
    let is_own = |vote: &&Vote| vote.validator == liar.index_at(vote.height);
    let Some(vote) = votes.iter().find(is_own) else {
        return vec![Lie::frame(to, frame)];
    };
    let own = vote.validator;
    let Some(draw) = liar.acts(FAR, 2) else {
        return vec![Lie::frame(to, frame)];
    };
    let place = (vote.height, vote.round);
    let lies = (0..FLOOD)
        .filter_map(|number| {
            let statement = statement(place, &draw, number);
            let signature = (liar.sign)(&statement);
            let vote = Vote::new(own, statement, signature)?;
            Some(liar.says(Message::Votes(vec![vote])))
        })
        .collect();
    beside(liar, Mark::FarVotes, (to, frame), lies)
}

fn statement((height, round): (Height, Round), draw: &Draw, number: u64) -> Statement {
    let ahead = draw.word(1).log_uniform(1, ROUNDS_MAX) + number;
    let ahead = u32::try_from(ahead).expect("about a million");
    let height = Height::new(height.get() + draw.word(2).below(HEIGHTS_MAX) * (number % 2));
    let round = Round::new(round.get().saturating_add(ahead));
    let id = BlockId::new(Hash32::new([u8::try_from(number).unwrap_or_default(); 32]));
    match number % 3 {
        0 => Statement::Prevote {
            height,
            round,
            value: None,
        },
        1 => Statement::Prevote {
            height,
            round,
            value: Some(PrevoteValue {
                id,
                valid_round: None,
            }),
        },
        _ => Statement::Precommit {
            height,
            round,
            value: Some(PrecommitValue {
                id,
                outcome: OutcomeHash::default(),
            }),
        },
    }
}

//! What the liar of a case says: that it proposes two blocks, and a prevote and a precommit for both.
//!
//! Each message is on its way to everybody from the beginning and may be delivered at any time, so a search finds every order in
//! which the liar can say any of it to anybody, and every way in which it does not.

use falaj_consensus::engine::Input;
use falaj_consensus::message::{Header, PrecommitValue, PrevoteValue, Statement};
use falaj_consensus::types::{Round, ValidatorIndex};

use crate::exhaustive::{Ground, outcome_of};

const ROUND: Round = Round::new(0);
/// What tells the liar's blocks apart from each other and from everybody's.
const SALTS: [u8; 2] = [101, 102];

/// The blocks.
pub(super) fn blocks(ground: &Ground, liar: ValidatorIndex) -> impl Iterator<Item = Header> + '_ {
    let block = move |salt| ground.header(ROUND, liar, salt);
    SALTS.into_iter().map(block)
}

/// Everything that it says.
pub(super) fn messages(ground: &Ground, liar: ValidatorIndex) -> Vec<Input> {
    let told = |header: Header| {
        let statements = statements(&header);
        statements.map(|statement| ground.told(liar, statement, &header))
    };
    blocks(ground, liar).flat_map(told).flatten().collect()
}

fn statements(header: &Header) -> [Statement; 3] {
    let (height, round, id) = (header.height, ROUND, header.id());
    let outcome = outcome_of(id);
    let valid_round = None;
    [
        Statement::Proposal {
            height,
            round,
            id,
            valid_round,
        },
        Statement::Prevote {
            height,
            round,
            value: Some(PrevoteValue { id, valid_round }),
        },
        Statement::Precommit {
            height,
            round,
            value: Some(PrecommitValue { id, outcome }),
        },
    ]
}

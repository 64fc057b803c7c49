//! Evidence that decided blocks carry, which is what the ledger recorded.
//!
//! Shape: one piece a block and place, in order; a proof is checked where the genesis names the validator set of its height.

use falaj_consensus::message::{Evidence, Header, Statement};
use falaj_consensus::types::{Height, Round};
use falaj_consensus::verify::{Context, RealChecker};
use falaj_ledger::genesis::Genesis;
use serde_json::{Value, json};

use super::block::text;
use super::chain::Chain;
use super::look::Look;
use crate::shell::cli::{Failure, print};

/// Lists every piece of the decided blocks, as far as they follow one another.
pub(super) fn list(look: &Look) -> Result<(), Failure> {
    let chain = Chain::read(look)?;
    chain.warn_of_floor(Height::new(1));
    let mut height = chain.floor().next();
    while let Some(block) = chain.decided(height)? {
        for evidence in &block.body.evidence {
            let of = chain.decided(evidence.key().height)?;
            let of = of.as_ref().map(|block| &block.header);
            show(look, &view(&look.genesis, evidence, &block.header, of));
        }
        height = height.next();
    }
    Ok(())
}

fn show(look: &Look, view: &Value) {
    if look.json {
        print::json(view);
    } else {
        text(view, 0);
    }
}

/// A piece that the block of a header carries; `of` is the header of the height that it is about.
fn view(genesis: &Genesis, evidence: &Evidence, block: &Header, of: Option<&Header>) -> Value {
    let (key, chain, set) = (evidence.key(), genesis.chain(), &genesis.validators);
    let known = of.is_some_and(|header| header.set_hash == set.hash());
    let member = set.get(key.validator).filter(|_| known);
    let context = Context {
        chain: &chain,
        set,
        checker: &RealChecker,
    };
    let (first, second) = evidence.statements();
    json!({
        "evidence": evidence.id().to_hex(),
        "kind": key.kind.name(),
        "height": key.height.get(),
        "index": key.validator.get(),
        "validator": member.map(|member| member.id.get()),
        "block": block.height.get(),
        "time_us": block.time_us,
        "statements": [words(&first), words(&second)],
        "verified": known.then(|| context.evidence(evidence.clone()).is_ok()),
    })
}

/// What somebody signed.
pub(in crate::shell::cli) fn words(statement: &Statement) -> String {
    let round = statement.round();
    let with = |valid: Option<Round>| {
        valid.map_or_else(String::new, |valid| format!(" with valid round {valid}"))
    };
    match statement {
        Statement::Proposal {
            id, valid_round, ..
        } => {
            format!("proposed {id} in round {round}{}", with(*valid_round))
        }
        Statement::Prevote { value: None, .. } => format!("prevoted nil in round {round}"),
        Statement::Prevote {
            value: Some(value), ..
        } => {
            let with = with(value.valid_round);
            format!("prevoted {} in round {round}{with}", value.id)
        }
        Statement::Precommit { value: None, .. } => format!("precommitted nil in round {round}"),
        Statement::Precommit {
            value: Some(value), ..
        } => {
            let (id, outcome) = (value.id, value.outcome);
            format!("precommitted {id} with outcome {outcome} in round {round}")
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use falaj_consensus::message::{PrecommitValue, PrevoteValue};
    use falaj_consensus::types::{BlockId, Hash32, OutcomeHash};

    // Goal: what was signed can be read, whatever it is.
    #[test]
    fn statements_are_words() {
        let (height, round) = (Height::new(3), Round::new(2));
        let id = BlockId::new(Hash32::new([1; 32]));
        let outcome = OutcomeHash::new(Hash32::new([2; 32]));
        let prevote = |value| Statement::Prevote {
            height,
            round,
            value,
        };
        let precommit = |value| Statement::Precommit {
            height,
            round,
            value,
        };
        let valid_round = Some(Round::new(1));
        let all = [
            (
                Statement::Proposal {
                    height,
                    round,
                    id,
                    valid_round,
                },
                format!("proposed {id} in round 2 with valid round 1"),
            ),
            (prevote(None), "prevoted nil in round 2".to_owned()),
            (
                prevote(Some(PrevoteValue {
                    id,
                    valid_round: None,
                })),
                format!("prevoted {id} in round 2"),
            ),
            (precommit(None), "precommitted nil in round 2".to_owned()),
            (
                precommit(Some(PrecommitValue { id, outcome })),
                format!("precommitted {id} with outcome {outcome} in round 2"),
            ),
        ];
        for (statement, expected) in all {
            assert_eq!(words(&statement), expected);
        }
    }
}

//! Messages and statements in a few words, for the traces of single scenarios.

use falaj_consensus::engine::Input;
use falaj_consensus::message::Statement;
use falaj_consensus::types::BlockId;

/// The beginning of a block's id.
pub(crate) fn short(id: BlockId) -> String {
    id.hash().to_hex()[..6].to_owned()
}

/// What was said.
pub(crate) fn statement_in_words(statement: &Statement) -> String {
    let (kind, round) = (statement.kind().name(), statement.round());
    let what = statement.block().map_or("nil".to_owned(), short);
    let valid = match statement {
        Statement::Proposal { valid_round, .. } => *valid_round,
        Statement::Prevote { value, .. } => value.and_then(|value| value.valid_round),
        Statement::Precommit { .. } => None,
    };
    let valid = valid.map_or(String::new(), |valid| format!(", valid round {valid}"));
    format!("{kind} of {what} in round {round}{valid}")
}

/// What an instance is given; `None` for what never crosses a network.
pub(crate) fn input_in_words(input: &Input) -> Option<String> {
    match input {
        Input::Proposal { proposal, .. } => {
            let from = proposal.get().proposer;
            let what = statement_in_words(&proposal.get().statement());
            Some(format!("{what} by validator {from}"))
        }
        Input::Vote(vote) => {
            let from = vote.get().validator;
            let what = statement_in_words(&vote.get().statement());
            Some(format!("{what} by validator {from}"))
        }
        Input::Polka(polka) => {
            let (id, round) = (short(polka.get().id), polka.get().round);
            Some(format!("polka for {id} in round {round}"))
        }
        Input::Certificate(found) => {
            let (id, round) = (short(found.get().id), found.get().round);
            Some(format!("commit certificate of {id} in round {round}"))
        }
        Input::VotesWanted { from, wanted } => Some(format!(
            "pull of round {} by validator {from}",
            wanted.round
        )),
        Input::Header(_)
        | Input::Body { .. }
        | Input::Executed { .. }
        | Input::ExecutionFailed { .. }
        | Input::Built { .. }
        | Input::OwnReleased(_)
        | Input::SignRefused { .. }
        | Input::Timer(_)
        | Input::WorkDue
        | Input::Diverged { .. }
        | Input::NextHeight(_) => None,
    }
}

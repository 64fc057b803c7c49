//! Executes the logs from genesis, believing nothing else.
//!
//! Invariant: a height whose outcome is not the certified one ends the replay with exit code 65.

use falaj_consensus::types::Height;
use falaj_consensus::verify::RealChecker;
use falaj_ledger::block::BlockInput;
use falaj_ledger::execute::execute;
use falaj_ledger::receipt::Receipt;
use falaj_ledger::state::State;
use falaj_ledger::validate::{CheckedTx, Rules, check_batch};
use std::sync::Arc;

use super::chain::{Chain, Decided};
use crate::shell::cli::Failure;

/// The state on its way up.
pub(in crate::shell::cli) struct Replay<'a> {
    chain: &'a Chain<'a>,
    rules: Rules,
    state: State,
}

impl<'a> Replay<'a> {
    pub(in crate::shell::cli) fn from_genesis(chain: &'a Chain<'a>) -> Result<Self, Failure> {
        let (genesis, floor) = (&chain.look.genesis, chain.floor());
        if floor > Height::new(0) {
            let text = format!(
                "the chain cannot be executed from genesis: this home began with the snapshot of height {floor}"
            );
            return Err(Failure::new(Failure::CHECK, text)
                .fix("ask a node that has the chain from genesis"));
        }
        let opened = State::open(genesis).map_err(|error| Failure::new(Failure::CONFIG, error))?;
        Ok(Self {
            chain,
            rules: Rules::of_genesis(genesis),
            state: opened.state,
        })
    }

    /// The receipts of a height.
    pub(in crate::shell::cli) fn receipts_at(
        mut self,
        height: Height,
    ) -> Result<Vec<Receipt>, Failure> {
        let mut receipts = Vec::new();
        while self.state.height() < height {
            receipts = self.step()?;
        }
        Ok(receipts)
    }

    /// The state after a height.
    pub(in crate::shell::cli) fn state_after(mut self, height: Height) -> Result<State, Failure> {
        while self.state.height() < height {
            self.step()?;
        }
        Ok(self.state)
    }

    fn step(&mut self) -> Result<Vec<Receipt>, Failure> {
        let height = self.state.height().next();
        let broken = |what: &str| Failure::new(Failure::DATA, format!("height {height}: {what}"));
        let Decided {
            header,
            body,
            certificate,
            ..
        } = self
            .chain
            .decided(height)?
            .ok_or_else(|| broken("it is not decided here"))?;
        let transactions = self.chain.transactions(&body)?;
        let transactions = transactions.ok_or_else(|| broken("a batch of it is not here"))?;
        let checked: Option<Vec<Arc<CheckedTx>>> =
            check_batch(&self.rules, &RealChecker, &transactions)
                .into_iter()
                .map(Result::ok)
                .collect();
        let checked = checked.ok_or_else(|| broken("a transaction of it does not verify"))?;
        let executed = execute(&self.state, &BlockInput::new(&header, &body, checked));
        if executed.outcome.hash() != certificate.outcome {
            return Err(broken(
                "executing it gives another outcome than a quorum certified",
            ));
        }
        self.state = executed.state;
        Ok(executed.receipts)
    }
}

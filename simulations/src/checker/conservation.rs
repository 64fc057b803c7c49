//! Conservation: an independent double-entry model of the whole ledger, fed from decided blocks alone.
//!
//! Invariant: the model decides by itself what becomes of every transaction; verdicts, balances, versions and supply of the ledger must
//! be the same, at every height, and the books must balance by themselves.
//! Shape: the accounts that a block touches are compared with each block, all of them every [`WHOLE_EVERY`] heights.
//! Source: `docs/spec/ledger.md`.

mod answer;
mod books;
mod gates;
mod governing;
mod payments;
mod rolling;
mod supply;

use std::collections::BTreeMap;

use falaj_consensus::params::Parameters;
use falaj_consensus::types::Height;
use falaj_consensus::validator_set::ValidatorSet;
use falaj_ledger::state::State;
use falaj_node::core::Committed;

use super::{Facts, Finding, Observation};
use answer::Answer;
use books::Books;

/// How many heights lie between two comparisons of all accounts.
const WHOLE_EVERY: u64 = 16;

#[derive(Debug)]
pub(super) struct Conservation {
    books: Books,
    height: Height,
}

impl Conservation {
    pub(super) fn new(facts: &Facts) -> Self {
        Self {
            books: Books::new(&facts.economy.genesis),
            height: Height::new(0),
        }
    }

    /// The sets that were decided, each with the first height that it validates.
    pub(super) fn sets(&self) -> impl Iterator<Item = (u64, &ValidatorSet)> {
        self.books.governing.sets()
    }

    /// The parameters that were decided, each with the first height that they govern.
    pub(super) fn parameters(&self) -> impl Iterator<Item = (u64, Parameters)> {
        self.books.governing.parameters()
    }

    pub(super) fn observe(&mut self, seen: &Observation<'_>) -> Finding {
        let block = seen.decided();
        let Some(block) = block.filter(|block| block.header.height > self.height) else {
            return Ok(());
        };
        self.height = block.header.height;
        self.decided(block)
    }

    fn decided(&mut self, block: &Committed) -> Finding {
        let answers = self.books.block(&block.header, &block.transactions);
        for ((transaction, receipt), answer) in block
            .transactions
            .iter()
            .zip(&block.executed.receipts)
            .zip(answers)
        {
            if Answer::of(&receipt.verdict) != answer {
                let (key, verdict) = (transaction.key(), receipt.verdict);
                return Err(format!("{key:?} got {verdict:?}, the books say {answer:?}"));
            }
        }
        self.compare_accounts(&block.executed.state)?;
        self.compare_supply(block)?;
        self.compare_decided(block)
    }

    /// The features word of a height at most two above the last decided one.
    pub(super) fn features_at(&self, height: Height) -> u64 {
        self.books.gates.word(height.get())
    }

    /// The set and the parameters of the height after the next.
    fn compare_decided(&self, block: &Committed) -> Finding {
        let outcome = &block.executed.outcome;
        let stated = (outcome.set_hash, outcome.parameters_hash);
        let booked = self.books.governing.decided();
        if stated == booked {
            return Ok(());
        }
        Err(format!(
            "set and parameters are {booked:?}, stated {stated:?}"
        ))
    }

    fn compare_accounts(&mut self, state: &State) -> Finding {
        let whole = self.height.get().is_multiple_of(WHOLE_EVERY);
        let (touched, accounts) = (self.books.take_touched(), &self.books.accounts);
        if whole && state.accounts().count() != accounts.len() {
            return Err("the ledger has other accounts than the books".to_owned());
        }
        let compared = accounts
            .iter()
            .filter(|(id, _)| whole || touched.contains(id));
        for (id, book) in compared {
            let account = state.account(*id);
            let held = account.map(|account| (account.posted(), account.version));
            let booked = (book.posted(), book.version);
            if held != Some(booked) {
                return Err(format!(
                    "account {id:?} holds {held:?} by version, its book says {booked:?}"
                ));
            }
        }
        Ok(())
    }

    fn compare_supply(&self, block: &Committed) -> Finding {
        let held = self.books.held();
        let booked = self.books.supply();
        let stated: BTreeMap<_, _> = block
            .executed
            .outcome
            .supply
            .iter()
            .map(|entry| (entry.currency, entry.minor_units))
            .collect();
        if held == booked && stated == booked {
            Ok(())
        } else {
            Err(format!(
                "supply is {booked:?}, stated {stated:?}, held {held:?}"
            ))
        }
    }
}

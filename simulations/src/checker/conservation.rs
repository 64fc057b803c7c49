//! Conservation: an independent double-entry model of every account, fed from decided blocks alone.
//!
//! Invariant: the model decides by itself which payments move money; verdicts, balances and supply of the ledger must be the same.
//! Shape: balances in minor units by account; what the model knows are transfers, which are all that simulated clients ask for.
//! Source: `docs/spec/ledger.md`, "Transfer" and "Conservation".

use std::collections::{BTreeMap, BTreeSet};

use falaj_consensus::types::Height;
use falaj_ledger::account::AccountId;
use falaj_ledger::currency::CurrencyCode;
use falaj_ledger::transaction::{Op, Transfer, TxBody, TxKey};
use falaj_node::core::Committed;

use super::{Facts, Finding, Observation};

#[derive(Clone, Copy, Debug)]
struct Book {
    currency: CurrencyCode,
    balance: u128,
}

#[derive(Debug)]
pub(super) struct Conservation {
    books: BTreeMap<AccountId, Book>,
    supply: BTreeMap<[u8; 3], u128>,
    /// Keys that were executed, or failed for good.
    settled: BTreeSet<TxKey>,
    height: Height,
}

impl Conservation {
    pub(super) fn new(facts: &Facts) -> Self {
        let genesis = &facts.economy.genesis;
        let book = |account: &falaj_ledger::genesis::GenesisAccount| Book {
            currency: account.currency,
            balance: u128::from(account.balance.get()),
        };
        let currencies = genesis.currencies.iter();
        Self {
            books: genesis
                .accounts
                .iter()
                .map(|account| (account.id, book(account)))
                .collect(),
            supply: currencies
                .map(|entry| (entry.code.bytes(), entry.issued.get()))
                .collect(),
            settled: BTreeSet::new(),
            height: Height::new(0),
        }
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
        let mut touched = BTreeSet::new();
        for (transaction, receipt) in block.transactions.iter().zip(&block.executed.receipts) {
            let moved = self.apply(transaction.body(), &mut touched);
            if moved != receipt.verdict.is_executed() {
                let (key, verdict) = (transaction.key(), receipt.verdict);
                return Err(format!("{key:?} got {verdict:?}, and moves money: {moved}"));
            }
        }
        self.compare_accounts(block, &touched)?;
        self.compare_supply(block)
    }

    /// Whether a transaction moves money, and its effect on the books.
    fn apply(&mut self, body: &TxBody, touched: &mut BTreeSet<AccountId>) -> bool {
        let Op::Transfer(transfer) = &body.op else {
            return false;
        };
        if !self.settled.insert(body.key()) {
            return false;
        }
        let amount = u128::from(transfer.amount.get());
        let covered = self.covers(transfer, amount);
        if covered {
            for (account, credit) in [(transfer.debit, false), (transfer.credit, true)] {
                touched.insert(account);
                if let Some(book) = self.books.get_mut(&account) {
                    book.balance = if credit {
                        book.balance + amount
                    } else {
                        book.balance - amount
                    };
                }
            }
        }
        covered
    }

    fn covers(&self, transfer: &Transfer, amount: u128) -> bool {
        let (payer, payee) = (
            self.books.get(&transfer.debit),
            self.books.get(&transfer.credit),
        );
        payer.zip(payee).is_some_and(|(payer, payee)| {
            let same = payer.currency == transfer.currency && payee.currency == transfer.currency;
            same && payer.balance >= amount
        })
    }

    fn compare_accounts(&self, block: &Committed, touched: &BTreeSet<AccountId>) -> Finding {
        for id in touched {
            let held = block
                .executed
                .state
                .account(*id)
                .map(|account| account.posted());
            let booked = self
                .books
                .get(id)
                .and_then(|book| i128::try_from(book.balance).ok());
            if held != booked {
                return Err(format!(
                    "account {id:?} holds {held:?}, its book says {booked:?}"
                ));
            }
        }
        Ok(())
    }

    fn compare_supply(&self, block: &Committed) -> Finding {
        let mut held: BTreeMap<[u8; 3], u128> = BTreeMap::new();
        for book in self.books.values() {
            *held.entry(book.currency.bytes()).or_default() += book.balance;
        }
        let stated: BTreeMap<_, _> = block
            .executed
            .outcome
            .supply
            .iter()
            .map(|entry| (entry.currency, entry.minor_units))
            .collect();
        if held == self.supply && stated == self.supply {
            Ok(())
        } else {
            Err(format!(
                "supply is {:?}, stated {stated:?}, held {held:?}",
                self.supply
            ))
        }
    }
}

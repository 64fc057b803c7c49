//! The closing reconciliation: what the ledger holds against what the model says, account by account, to the last unit.
//!
//! Invariant: every account of the file, every bank's reserve and the issuance account are asked for; one that differs is a failure and is
//! named. What the file itself says that accounts hold is a column beside it and never a failure: it does not add up in itself.
//! Shape of the table: `account,name,ledger,model,difference,file,file_difference`, in order of name.

use anyhow::{Context as _, Result};
use falaj_ledger::account::AccountId;
use falaj_ledger::participant::ParticipantNumber;
use serde::Serialize;
use std::io::Write;
use std::sync::Arc;
use tokio::task::JoinSet;

use super::books::{Books, Named};
use super::decimal::text;
use super::names::Names;
use super::teller::Teller;
use crate::economy::{issuance, reserve_of};

/// Accounts that are asked for at a time.
const AT_ONCE: usize = 64;
/// Most accounts that are named.
const NAMED_MAX: usize = 20;

/// What came of it.
#[derive(Clone, Debug, Default, PartialEq, Eq, Serialize)]
pub struct Reconciliation {
    /// Whether every account holds what the model says.
    pub ok: bool,
    /// Accounts of the file.
    pub accounts: u64,
    /// Reserve accounts and the issuance account.
    pub institutions: u64,
    /// Accounts of either that hold something else.
    pub differ: u64,
    /// The first of them.
    pub different: Vec<Different>,
    /// Accounts of the file that hold something else than its last word on them.
    pub file_differences: u64,
    /// The sum of those differences, each without its sign.
    pub file_difference_sum: String,
}

/// An account that does not hold what it must.
#[derive(Clone, Debug, PartialEq, Eq, Serialize)]
pub struct Different {
    /// Whose it is.
    pub name: String,
    /// What the ledger holds; none if it has no such account.
    pub ledger: Option<String>,
    /// What the model says.
    pub model: String,
}

/// One that adds up.
#[derive(Default)]
struct Sum {
    result: Reconciliation,
    file_units: u128,
}

/// Asks for every account. Each of the file's is also written to the table, if there is one.
///
/// # Errors
/// When an account cannot be read or the table cannot be written.
pub(super) async fn reconcile(
    books: &Books,
    names: &Names,
    teller: Arc<Teller>,
    mut table: Option<csv::Writer<impl Write>>,
) -> Result<Reconciliation> {
    assert_eq!(books.sum(), 0, "every posting has two sides");
    let mut sum = Sum::default();
    institutions(books, &teller, &mut sum).await?;
    let mut named: Vec<_> = books.named().iter().collect();
    named.sort_unstable_by_key(|(name, _)| *name);
    if let Some(table) = &mut table {
        table.write_record(COLUMNS)?;
    }
    for some in named.chunks(AT_ONCE) {
        let accounts = some.iter().map(|(name, _)| names.account(name)).collect();
        for ((name, named), held) in some.iter().zip(ask(&teller, accounts).await?) {
            sum.add_named(name, named, held);
            if let Some(table) = &mut table {
                let account = teller.spell(names.account(name));
                table.write_record(row(account, name, named, held))?;
            }
        }
    }
    if let Some(table) = &mut table {
        table
            .flush()
            .context("cannot write the table of accounts")?;
    }
    Ok(sum.close())
}

const COLUMNS: [&str; 7] = [
    "account",
    "name",
    "ledger",
    "model",
    "difference",
    "file",
    "file_difference",
];

fn row(account: String, name: &str, named: &Named, held: Option<i128>) -> [String; 7] {
    let ledger = held.unwrap_or(0);
    let stated = i128::from(named.stated);
    [
        account,
        name.into(),
        held.map_or_else(String::new, text),
        text(named.posted),
        text(ledger - named.posted),
        text(stated),
        text(stated - ledger),
    ]
}

async fn institutions(books: &Books, teller: &Arc<Teller>, sum: &mut Sum) -> Result<()> {
    let of_bank = |bank: &u32| reserve_of(ParticipantNumber::new(*bank));
    let mut accounts = vec![issuance()];
    accounts.extend(books.reserves().keys().map(of_bank));
    let held = ask(teller, accounts).await?;
    let reserves = books.reserves().iter();
    let reserves = reserves.map(|(bank, posted)| (format!("reserve of {bank}"), *posted));
    let modelled = std::iter::once(("issuance".to_owned(), books.issuance())).chain(reserves);
    for ((name, posted), held) in modelled.zip(held) {
        sum.result.institutions += 1;
        sum.compare(&name, posted, held);
    }
    Ok(())
}

/// What accounts hold, all asked for at a time, in their order.
async fn ask(teller: &Arc<Teller>, accounts: Vec<AccountId>) -> Result<Vec<Option<i128>>> {
    let mut asked = JoinSet::new();
    let mut held = vec![None; accounts.len()];
    for (place, account) in accounts.into_iter().enumerate() {
        let teller = Arc::clone(teller);
        asked.spawn(async move { teller.posted(account).await.map(|held| (place, held)) });
    }
    while let Some(answer) = asked.join_next().await {
        let (place, found) = answer??;
        held[place] = found;
    }
    Ok(held)
}

impl Sum {
    fn add_named(&mut self, name: &str, named: &Named, held: Option<i128>) {
        self.result.accounts += 1;
        self.compare(name, named.posted, held);
        let off = held.unwrap_or(0).abs_diff(i128::from(named.stated));
        self.result.file_differences += u64::from(off != 0);
        self.file_units += off;
    }

    /// An account that was never opened holds nothing, and must hold nothing.
    fn compare(&mut self, name: &str, model: i128, held: Option<i128>) {
        if held.unwrap_or(0) == model {
            return;
        }
        self.result.differ += 1;
        if self.result.different.len() < NAMED_MAX {
            self.result.different.push(Different {
                name: name.into(),
                ledger: held.map(text),
                model: text(model),
            });
        }
    }

    fn close(self) -> Reconciliation {
        let units = i128::try_from(self.file_units).unwrap_or(i128::MAX);
        Reconciliation {
            ok: self.result.differ == 0,
            file_difference_sum: text(units),
            ..self.result
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn named(posted: i128, stated: u64) -> Named {
        Named { posted, stated }
    }

    // Goal: one unit too much or too little anywhere is told; what the file says never is.
    #[test]
    fn a_difference_of_one_unit_is_a_failure() {
        for (held, differs) in [
            (Some(100), false),
            (Some(99), true),
            (Some(101), true),
            (None, true),
        ] {
            let mut sum = Sum::default();
            sum.add_named("C1", &named(100, 7), held);
            let found = sum.close();
            assert_eq!((found.ok, found.differ), (!differs, u64::from(differs)));
            assert_eq!(found.different.len(), usize::from(differs));
            assert_eq!(found.file_differences, 1);
        }
    }

    #[test]
    fn an_account_that_is_not_open_holds_nothing() {
        let mut sum = Sum::default();
        sum.add_named("C1", &named(0, 0), None);
        sum.add_named("C2", &named(0, 250), None);
        let found = sum.close();
        assert!(found.ok);
        assert_eq!((found.accounts, found.file_differences), (2, 1));
        assert_eq!(found.file_difference_sum, "2.50");
    }
}

//! `falaj-testnet load --from FILE`: settles a day of payments and tells how it reconciles.

use anyhow::Result;
use clap::Args;
use std::path::PathBuf;

use crate::cli::number::at_least_one;
use crate::cli::print;
use crate::network::Network;
use crate::paysim::{self, Order, Rejected, Settlement};

/// A file of payments.
#[derive(Args)]
pub(super) struct Day {
    /// A file of payments to settle, with the columns of the `PaySim` data set.
    #[arg(long)]
    from: Option<PathBuf>,
    /// Where a table of all accounts of the file goes: ledger, model, the file's own word, and the differences.
    #[arg(long, requires = "from")]
    accounts: Option<PathBuf>,
    /// Rows of the file that are under way at a time.
    #[arg(long, default_value_t = 2_000, value_parser = at_least_one, requires = "from")]
    in_flight: usize,
    /// Rows of a bank that one proposal to issue or redeem may stand for; with 1 each has its own.
    #[arg(long, default_value_t = 256, value_parser = at_least_one, requires = "from")]
    rows_per_proposal: usize,
}

impl Day {
    /// What is to be settled, if a file is given.
    pub(super) fn order(&self, rate: Option<f64>) -> Option<Order> {
        Some(Order {
            file: self.from.clone()?,
            rate,
            in_flight: self.in_flight,
            group_max: self.rows_per_proposal,
            accounts: self.accounts.clone(),
        })
    }
}

/// Whether everything has its answer and every account holds what it must.
pub(super) async fn run(network: &Network, order: &Order, json: bool) -> Result<bool> {
    let mut tell_rejected = |rejected: &Rejected| {
        if json {
            print::json(rejected);
        } else {
            let Rejected {
                line,
                kind,
                account,
                code,
                name,
            } = rejected;
            print::line(&format!(
                "line {line}: {kind} of {account} rejected with {code} {name}"
            ));
        }
    };
    let settlement = paysim::run(network, order, &mut tell_rejected).await?;
    if json {
        print::json(&settlement);
    } else {
        tell(&settlement);
    }
    Ok(settlement.rows.unknown == 0 && settlement.reconciliation.ok)
}

fn tell(settlement: &Settlement) {
    super::tell(&settlement.rows);
    let Settlement {
        transactions,
        openings,
        issues,
        redemptions,
        reconciliation,
        ..
    } = settlement;
    print::line(&format!(
        "needed     {transactions} transactions, {issues} issues, {redemptions} redemptions"
    ));
    let (opened, found) = (openings.opened, openings.found);
    print::line(&format!(
        "accounts   {opened} opened, {found} were open already"
    ));
    for different in &reconciliation.different {
        print::line(&format!("differs    {different:?}"));
    }
    print::line(&format!(
        "reconciled {} accounts and {} of institutions, {} differ",
        reconciliation.accounts, reconciliation.institutions, reconciliation.differ
    ));
    print::line(&format!(
        "the file   says something else of {} accounts, {} in all",
        reconciliation.file_differences, reconciliation.file_difference_sum
    ));
}

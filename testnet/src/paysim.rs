//! Settles a day of payments from a file with the columns of the `PaySim` data set, and reconciles every account at the end.
//!
//! Invariant: nothing is sent of a file that is wrong anywhere; payments of one account happen in the order of the file; what the
//! ledger accepted is entered in a model of its own, and at the end every account must hold what the model says.
//! Shapes and units: rows in minor units of XTS; memory grows with the accounts of the file, not with its rows.
//! Source: `docs/guide/testnet.md`, "A day of payments".

mod books;
mod clerk;
mod decimal;
mod desk;
mod file;
mod names;
mod reconcile;
mod report;
mod row;
mod supply;
mod teller;
mod turns;

pub use file::{COLUMNS, Fault, FileError};
pub use reconcile::{Different, Reconciliation};
pub use report::{Openings, Rejected, Settlement};

use anyhow::{Context as _, Result, ensure};
use falaj_ledger::account::AccountId;
use falaj_ledger::rejection::Rejection;
use std::fs::File;
use std::path::PathBuf;
use std::sync::Arc;
use std::time::Duration;
use tokio::task::{AbortHandle, JoinSet};
use tokio::time::{Instant, timeout};

use crate::economy::{issuance, reserve_of};
use crate::manifest::read_genesis;
use crate::network::Network;
use books::{Account, Books};
use clerk::{Clerk, Opening};
use desk::{Desk, Verdict};
use file::Rows;
use names::Names;
use report::Counts;
use row::{Kind, Party, Row};
use teller::Teller;
use turns::Turns;

/// How long nothing may become final before the rest is given up as unknown.
const IDLE_PATIENCE: Duration = Duration::from_secs(120);

/// What to settle, and how.
#[derive(Clone, Debug)]
pub struct Order {
    /// The file.
    pub file: PathBuf,
    /// Rows a second; as fast as they become final if none is given.
    pub rate: Option<f64>,
    /// Rows and openings that are under way at a time.
    pub in_flight: usize,
    /// Rows that one proposal to issue or redeem may stand for.
    pub group_max: usize,
    /// Where the table of all accounts goes.
    pub accounts: Option<PathBuf>,
}

/// Settles a file on a running network. What the ledger rejects is told as it happens.
///
/// # Errors
/// When the file is wrong, no node answers, or something cannot be signed or undone.
pub async fn run(
    network: &Network,
    order: &Order,
    tell: &mut dyn FnMut(&Rejected),
) -> Result<Settlement> {
    ensure!(
        order.in_flight > 0 && order.group_max > 0 && order.rate.is_none_or(|rate| rate > 0.0),
        "the rate and what may be under way must be above zero"
    );
    let checked = file::check(&order.file)?;
    let table = order.accounts.as_ref().map(|path| {
        let file = File::create(path);
        file.with_context(|| format!("cannot write {}", path.display()))
    });
    let table = table.transpose()?.map(csv::Writer::from_writer);
    let names = Names::of(network)?;
    let desk = Arc::new(Desk::open(network).await?);
    let prefix = read_genesis(&network.genesis)?.network;
    let teller = || Teller::new(prefix.clone(), desk.addresses(), desk.height());
    let books = open_books(&names, &teller()).await?;
    let clerk = Clerk::new(Arc::clone(&desk), names.clone(), teller(), order.group_max);
    let mut day = Day {
        clerk: Arc::new(clerk),
        names: names.clone(),
        books,
        counts: Counts::start(),
        turns: Turns::default(),
        under_way: JoinSet::new(),
        tell,
    };
    day.settle_all(order).await?;
    file::check_unchanged(&order.file, &checked)?;
    let reconciled = reconcile::reconcile(&day.books, &names, Arc::new(teller()), table).await?;
    Ok(day
        .counts
        .close(desk.settled(), day.clerk.proposals(), reconciled))
}

/// What institutions hold before the day.
async fn open_books(names: &Names, teller: &Teller) -> Result<Books> {
    let mut books = Books::default();
    let held = teller.posted(issuance()).await?;
    books.begin(Account::Issuance, held.context("the issuance account")?);
    for bank in names.banks() {
        let held = teller.posted(reserve_of(*bank)).await?;
        let held = held.with_context(|| format!("bank {bank} has no reserve account"))?;
        books.begin(Account::Reserve(bank.get()), held);
    }
    Ok(books)
}

/// A day under way.
struct Day<'a> {
    clerk: Arc<Clerk>,
    names: Names,
    books: Books,
    counts: Counts,
    turns: Turns,
    under_way: JoinSet<Result<Done>>,
    tell: &'a mut dyn FnMut(&Rejected),
}

/// Something that has its answer.
enum Done {
    Opening {
        line: u64,
        name: Box<str>,
        opening: Opening,
    },
    Row {
        row: Box<Row>,
        meant: Instant,
        verdict: Verdict,
    },
}

impl Day<'_> {
    async fn settle_all(&mut self, order: &Order) -> Result<()> {
        let mut rows = Rows::open(&order.file)?;
        let started = self.counts.started();
        let mut number = 0.0;
        while let Some(row) = rows.next()? {
            let mut meant = Instant::now();
            if let Some(rate) = order.rate {
                meant = started + Duration::from_secs_f64(number / rate);
                number += 1.0;
                tokio::time::sleep_until(meant).await;
            }
            while self.under_way.len() >= order.in_flight {
                if !self.take_one().await? {
                    return Ok(());
                }
            }
            self.send(row, meant);
        }
        while !self.under_way.is_empty() && self.take_one().await? {}
        Ok(())
    }

    /// Takes the next answer. False, and everything is given up, if there is none for too long.
    async fn take_one(&mut self) -> Result<bool> {
        match timeout(IDLE_PATIENCE, self.under_way.join_next()).await {
            Ok(Some(done)) => {
                let done = done.context("a row's own task")??;
                self.take(done);
                Ok(true)
            }
            Ok(None) => Ok(true),
            Err(_) => {
                self.under_way.abort_all();
                Ok(false)
            }
        }
    }

    fn send(&mut self, row: Row, meant: Instant) {
        for party in [&row.origin, &row.destination] {
            if self.books.enter(&party.name) {
                self.open(row.line, party);
            }
            self.books.state(&party.name, party.new);
        }
        let (takes, gives) = accounts(&row, &self.names);
        let mut turn = self.turns.next(takes, gives);
        let clerk = Arc::clone(&self.clerk);
        self.counts.submit();
        let row = Box::new(row);
        let _: AbortHandle = self.under_way.spawn(async move {
            turn.comes().await;
            let verdict = clerk.settle(&row).await?;
            Ok(Done::Row {
                row,
                meant,
                verdict,
            })
        });
    }

    fn open(&mut self, line: u64, party: &Party) {
        let mut turn = self.turns.next(Some(self.names.account(&party.name)), None);
        let (clerk, name, units) = (Arc::clone(&self.clerk), party.name.clone(), party.opening());
        let _: AbortHandle = self.under_way.spawn(async move {
            turn.comes().await;
            let opening = clerk.open(&name, units).await?;
            Ok(Done::Opening {
                line,
                name,
                opening,
            })
        });
    }

    fn take(&mut self, done: Done) {
        match done {
            Done::Opening {
                line,
                name,
                opening,
            } => self.note_opening(line, &name, opening),
            Done::Row {
                row,
                meant,
                verdict,
            } => {
                self.counts.end(verdict, meant);
                match verdict {
                    Ok(()) => self
                        .books
                        .accept(&row, self.names.bank(&row.origin.name).get()),
                    Err(code) => {
                        self.reject(row.line, row.kind.name(), &row.origin.name, code);
                    }
                }
            }
        }
    }

    fn note_opening(&mut self, line: u64, name: &str, opening: Opening) {
        self.counts.open(opening);
        match opening {
            Opening::Opened(units) => self.books.open(name, self.names.bank(name).get(), units),
            Opening::Found(posted) => self.books.begin(Account::Named(name), posted),
            Opening::Empty(code) | Opening::Refused(code) => {
                self.reject(line, "OPENING", name, code);
            }
        }
    }

    fn reject(&mut self, line: u64, kind: &'static str, account: &str, code: u16) {
        (self.tell)(&Rejected {
            line,
            kind,
            account: account.into(),
            code,
            name: Rejection::from_code(code).map_or("unknown", Rejection::name),
        });
    }
}

/// The account that a row takes from, and the one that it gives to.
fn accounts(row: &Row, names: &Names) -> (Option<AccountId>, Option<AccountId>) {
    let origin = names.account(&row.origin.name);
    match row.kind {
        Kind::CashIn => (None, Some(origin)),
        Kind::CashOut | Kind::Debit => (Some(origin), None),
        Kind::Payment | Kind::Transfer => {
            (Some(origin), Some(names.account(&row.destination.name)))
        }
    }
}

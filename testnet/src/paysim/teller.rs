//! Reads what accounts hold, from the nodes in turn, and never from a state that is too old.
//!
//! Invariant: an answer is of a height at which everything is final that was final when the teller was told where to begin.
//! Errors: no node answers, or none gets there in time, or one answers something else.
//! Source: `docs/spec/api.md`.

use anyhow::{Context as _, Result, ensure};
use falaj_ledger::account::{AccountId, NetworkPrefix};
use serde::Deserialize;
use std::net::SocketAddr;
use std::sync::Mutex;
use std::sync::atomic::{AtomicUsize, Ordering};
use std::time::Duration;
use tokio::time::Instant;

use super::decimal;
use crate::exit::Trouble;
use crate::http::{Answer, Connection};

const PATIENCE: Duration = Duration::from_secs(60);
const PAUSE: Duration = Duration::from_millis(50);

/// A teller.
pub(super) struct Teller {
    network: NetworkPrefix,
    nodes: Vec<Node>,
    next: AtomicUsize,
    height: u64,
}

struct Node {
    address: SocketAddr,
    /// Connections that nobody uses now.
    idle: Mutex<Vec<Connection>>,
}

#[derive(Deserialize)]
struct Told {
    height: u64,
    account: Option<Account>,
}

#[derive(Deserialize)]
struct Account {
    posted: String,
}

impl Teller {
    /// One that takes only states of a height and later.
    #[must_use]
    pub(super) fn new(network: NetworkPrefix, addresses: &[SocketAddr], height: u64) -> Self {
        let node = |address: &SocketAddr| Node {
            address: *address,
            idle: Mutex::default(),
        };
        Self {
            network,
            nodes: addresses.iter().map(node).collect(),
            next: AtomicUsize::new(0),
            height,
        }
    }

    /// An account as every command and the API take it.
    #[must_use]
    pub(super) fn spell(&self, account: AccountId) -> String {
        account.to_text(&self.network)
    }

    /// What an account holds, in minor units; none if it is not open.
    ///
    /// # Errors
    /// When no node tells it in time.
    pub(super) async fn posted(&self, account: AccountId) -> Result<Option<i128>> {
        let path = format!("/v1/accounts/{}", self.spell(account));
        let asked = Instant::now();
        loop {
            let turn = self.next.fetch_add(1, Ordering::Relaxed);
            let node = &self.nodes[turn % self.nodes.len()];
            match node.get(&path).await {
                Ok(answer) => {
                    if let Some(told) = self.read(&answer).with_context(|| path.clone())? {
                        return posted(told);
                    }
                }
                Err(error) => {
                    let error = error.context(Trouble::NoNode);
                    ensure!(asked.elapsed() < PATIENCE, error);
                }
            }
            ensure!(
                asked.elapsed() < PATIENCE,
                "no node has height {}",
                self.height
            );
            tokio::time::sleep(PAUSE).await;
        }
    }

    /// The answer, if it is of a state that is new enough.
    fn read(&self, answer: &Answer) -> Result<Option<Told>> {
        let known = answer.status.is_success() || answer.status == hyper::StatusCode::NOT_FOUND;
        let text = || String::from_utf8_lossy(&answer.body).into_owned();
        ensure!(known, "{}: {}", answer.status, text());
        let told: Told = serde_json::from_slice(&answer.body).with_context(text)?;
        Ok(Some(told).filter(|told| told.height >= self.height))
    }
}

fn posted(told: Told) -> Result<Option<i128>> {
    let Some(account) = told.account else {
        return Ok(None);
    };
    let units = decimal::balance(&account.posted);
    let units = units.with_context(|| format!("{:?} is no balance", account.posted))?;
    Ok(Some(units))
}

impl Node {
    async fn get(&self, path: &str) -> Result<Answer> {
        let kept = self.lock().pop().filter(Connection::is_open);
        let mut connection = match kept {
            Some(connection) => connection,
            None => Connection::open(self.address).await?,
        };
        let answer = connection.get(path).await?;
        self.lock().push(connection);
        Ok(answer)
    }

    fn lock(&self) -> std::sync::MutexGuard<'_, Vec<Connection>> {
        self.idle
            .lock()
            .unwrap_or_else(std::sync::PoisonError::into_inner)
    }
}

//! Hands transactions to the nodes and waits for their answer.
//!
//! Invariant: an answer is a certified receipt; or a node's refusal on a state that has everything which was final when the transaction
//! was first sent. A node that was behind then is asked again, because its refusal says nothing.
//! Errors: a code of the ledger is a value, [`Verdict`]; an error is a key that is missing or a system without random bytes.
//! Source: `docs/spec/ledger.md`, "What an answer is"; `docs/spec/api.md`.

use anyhow::Result;
use falaj_ledger::account::{AccountId, AccountKind, Controllers};
use falaj_ledger::amount::Amount;
use falaj_ledger::participant::ParticipantNumber;
use falaj_ledger::rejection::{Class, Rejection};
use falaj_ledger::transaction::{Flags, Op, OpenAccount};
use std::net::SocketAddr;
use std::sync::Arc;
use std::sync::atomic::{AtomicU64, Ordering};
use std::time::Duration;

use crate::economy::currency;
use crate::events;
use crate::keyring::Persons;
use crate::load::{Follower, Senders, Tally, Word, addresses};
use crate::network::Network;
use crate::wallet::{Signed, Wallet};

/// Executed, or the code of its rejection.
pub(super) type Verdict = Result<(), u16>;

/// How long a node that is busy or behind is left alone.
const PAUSE: Duration = Duration::from_millis(50);

/// A desk at a network.
pub(super) struct Desk {
    pub(super) wallet: Wallet,
    pub(super) persons: Persons,
    addresses: Vec<SocketAddr>,
    tally: Arc<Tally>,
    senders: Senders,
    _follower: Follower,
    settled: AtomicU64,
}

impl Desk {
    /// Opens it.
    ///
    /// # Errors
    /// When no node answers or a key is missing.
    pub(super) async fn open(network: &Network) -> Result<Self> {
        let wallet = Wallet::open(network)?;
        let persons = Persons::read(&network.keys_folder()?)?;
        let addresses = addresses(network)?;
        let tally = Arc::new(Tally::default());
        let follower = Follower::start(addresses.clone(), Arc::clone(&tally)).await?;
        let senders = Senders::start(&addresses, Arc::clone(&tally));
        Ok(Self {
            wallet,
            persons,
            addresses,
            tally,
            senders,
            _follower: follower,
            settled: AtomicU64::new(0),
        })
    }

    /// The nodes.
    #[must_use]
    pub(super) fn addresses(&self) -> &[SocketAddr] {
        &self.addresses
    }

    /// The last height whose receipts are known.
    #[must_use]
    pub(super) fn height(&self) -> u64 {
        self.tally.height()
    }

    /// Transactions that were executed.
    #[must_use]
    pub(super) fn settled(&self) -> u64 {
        self.settled.load(Ordering::Relaxed)
    }

    /// Moves money.
    ///
    /// # Errors
    /// When it cannot be signed.
    pub(super) async fn transfer(
        &self,
        debit: AccountId,
        credit: AccountId,
        amount: Amount,
    ) -> Result<Verdict> {
        let signed = self.wallet.transfer(debit, credit, amount)?;
        Ok(self.settle(signed).await)
    }

    /// Opens an account for which its bank signs.
    ///
    /// # Errors
    /// When it cannot be signed.
    pub(super) async fn open_account(
        &self,
        account: AccountId,
        kind: AccountKind,
    ) -> Result<Verdict> {
        let op = Op::OpenAccount(OpenAccount {
            account,
            currency: currency(),
            kind,
            controllers: Controllers::Participant,
            kyc: None,
            flags: Flags::NONE,
        });
        self.alone(account.opener(), op).await
    }

    /// An operation that a participant signs alone.
    ///
    /// # Errors
    /// When it cannot be signed.
    pub(super) async fn alone(&self, participant: ParticipantNumber, op: Op) -> Result<Verdict> {
        let signed = self.wallet.sign_alone(participant, op)?;
        Ok(self.settle(signed).await)
    }

    /// Sends a transaction until there is an answer.
    pub(super) async fn settle(&self, signed: Signed) -> Verdict {
        let known = self.height();
        let mut fresh = None;
        loop {
            let word = self.tally.watch(&signed);
            match fresh {
                Some(node) => self.senders.send_to(node, signed.clone()),
                None => self.senders.send(signed.clone()),
            }
            match word.await {
                Ok(Word::Final(0)) => {
                    self.settled.fetch_add(1, Ordering::Relaxed);
                    return Ok(());
                }
                Ok(Word::Final(code)) => return Err(code),
                Ok(Word::Refused { code, node }) => match advice(code) {
                    Advice::Later => tokio::time::sleep(PAUSE).await,
                    Advice::OfTheState if fresh != Some(node) => {
                        fresh = self.has_height(node, known).await.then_some(node);
                    }
                    Advice::OfTheState | Advice::OfTheBytes => return Err(code),
                },
                // The tally gives a word or keeps the transaction; it lives as long as we do.
                Err(_) => unreachable!("a watched transaction has a word"),
            }
        }
    }

    /// Waits until a node has a height; false if it does not answer.
    async fn has_height(&self, node: usize, height: u64) -> bool {
        let Some(address) = self.addresses.get(node) else {
            return false;
        };
        loop {
            match events::height(std::slice::from_ref(address)).await {
                Ok(found) if found >= height => return true,
                Ok(_) => tokio::time::sleep(PAUSE).await,
                Err(_) => {
                    tokio::time::sleep(PAUSE).await;
                    return false;
                }
            }
        }
    }
}

/// What a refusal depends on.
enum Advice {
    /// The bytes alone: every node says the same.
    OfTheBytes,
    /// The state that the node had.
    OfTheState,
    /// How busy the node was.
    Later,
}

fn advice(code: u16) -> Advice {
    match Rejection::from_code(code).map(Rejection::class) {
        Some(Class::Retry) => Advice::Later,
        Some(Class::Fix) if code / 1_000 == 1 => Advice::OfTheBytes,
        Some(Class::Fix | Class::Duplicate | Class::State | Class::Authority) | None => {
            Advice::OfTheState
        }
    }
}

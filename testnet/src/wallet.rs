//! Who can pay whom: the accounts of a genesis whose bank's key is at hand, and transactions signed for them.
//!
//! Invariant: every transaction has an id of its own and is valid from when it was made, as long as the chain lets an id live.
//! Shapes and units: amounts in minor units; times in Unix milliseconds.

use anyhow::{Context as _, Result, ensure};
use falaj_consensus::types::ChainContext;
use falaj_ledger::account::{AccountId, AccountKind, Controllers};
use falaj_ledger::amount::Amount;
use falaj_ledger::genesis::Genesis;
use falaj_ledger::participant::ParticipantNumber;
use falaj_ledger::reference::References;
use falaj_ledger::transaction::{Flags, Op, SignedTx, Transfer, TxBody, TxId, TxKey};
use std::collections::BTreeMap;
use std::time::{SystemTime, UNIX_EPOCH};

use crate::economy::currency;
use crate::keys::{SoftKey, random, sign_by};
use crate::manifest::read_genesis;
use crate::network::Network;

/// How far a transaction may be dated back, so that a node whose clock is behind takes it.
const DATED_BACK_MS: u64 = 1_000;

/// A signed transaction, ready to be sent, and the key it will be known by.
#[derive(Clone, Debug)]
pub struct Signed {
    /// Its key.
    pub key: TxKey,
    /// Its bytes.
    pub bytes: bytes::Bytes,
}

impl From<SignedTx> for Signed {
    fn from(tx: SignedTx) -> Self {
        Self {
            key: tx.body.key(),
            bytes: tx.to_bytes().into(),
        }
    }
}

/// Keys and accounts.
pub struct Wallet {
    chain: ChainContext,
    window_ms: u64,
    keys: BTreeMap<ParticipantNumber, SoftKey>,
    customers: Vec<AccountId>,
}

impl Wallet {
    /// Takes what a running network names.
    ///
    /// # Errors
    /// When genesis or a key cannot be read.
    pub fn open(network: &Network) -> Result<Self> {
        let genesis = read_genesis(&network.genesis)?;
        ensure!(
            genesis.hash().to_hex() == network.genesis_hash,
            "{} is not the genesis of this network",
            network.genesis.display()
        );
        let read = network
            .participants
            .iter()
            .map(|entry| SoftKey::read(&entry.key_file));
        let keys = read.collect::<Result<BTreeMap<_, _>>>()?;
        let customers = customers(&genesis, &keys);
        Ok(Self {
            chain: genesis.chain(),
            window_ms: genesis.constants.id_window_ms,
            keys,
            customers,
        })
    }

    /// Accounts that can pay and be paid.
    #[must_use]
    pub fn customers(&self) -> &[AccountId] {
        &self.customers
    }

    /// The key of a participant.
    ///
    /// # Errors
    /// When it is not at hand.
    pub fn key(&self, participant: ParticipantNumber) -> Result<&SoftKey> {
        let key = self.keys.get(&participant);
        key.with_context(|| format!("the key of participant {participant} is not at hand"))
    }

    /// A signed transfer.
    ///
    /// # Errors
    /// When the key is not at hand or the system gives no random bytes.
    pub fn transfer(&self, debit: AccountId, credit: AccountId, amount: Amount) -> Result<Signed> {
        let op = Op::Transfer(transfer(debit, credit, amount));
        self.sign_alone(debit.opener(), op)
    }

    /// An operation in a participant's name, signed by its own key.
    ///
    /// # Errors
    /// When the key is not at hand or the system gives no random bytes.
    pub fn sign_alone(&self, participant: ParticipantNumber, op: Op) -> Result<Signed> {
        self.sign(participant, &[self.key(participant)?], op)
    }

    /// An operation in a participant's name, signed by keys.
    ///
    /// # Errors
    /// When the system gives no random bytes.
    pub fn sign(
        &self,
        participant: ParticipantNumber,
        keys: &[&SoftKey],
        op: Op,
    ) -> Result<Signed> {
        Ok(self.signed(participant, keys, op)?.into())
    }

    /// As [`Wallet::sign`], not yet encoded.
    ///
    /// # Errors
    /// When the system gives no random bytes.
    pub fn signed(
        &self,
        participant: ParticipantNumber,
        keys: &[&SoftKey],
        op: Op,
    ) -> Result<SignedTx> {
        let time_ms = now_ms()?.saturating_sub(DATED_BACK_MS);
        let body = TxBody {
            version: TxBody::VERSION,
            genesis_hash: self.chain.genesis_hash,
            participant,
            id: TxId::new(time_ms, random()?).context("a time of 48 bits")?,
            valid_from_ms: time_ms,
            valid_until_ms: time_ms.saturating_add(self.window_ms),
            op,
        };
        Ok(sign_by(keys, &self.chain, body))
    }
}

/// Customers' accounts that their bank signs for, with a bank whose key is there.
fn customers(genesis: &Genesis, keys: &BTreeMap<ParticipantNumber, SoftKey>) -> Vec<AccountId> {
    let usable = genesis.accounts.iter().filter(|account| {
        account.controllers == Controllers::Participant
            && account.kind != AccountKind::Reserve
            && keys.contains_key(&account.id.opener())
    });
    usable.map(|account| account.id).collect()
}

fn transfer(debit: AccountId, credit: AccountId, amount: Amount) -> Transfer {
    Transfer {
        debit,
        credit,
        currency: currency(),
        amount,
        max_fee: Amount::ZERO,
        code: 0,
        credit_participant: None,
        expected_version: None,
        references: References::default(),
        flags: Flags::NONE,
    }
}

fn now_ms() -> Result<u64> {
    let now = SystemTime::now()
        .duration_since(UNIX_EPOCH)
        .context("the clock is before 1970")?;
    Ok(u64::try_from(now.as_millis())?)
}

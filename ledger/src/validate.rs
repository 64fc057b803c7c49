//! Everything about a transaction that its bytes decide: size, encoding, chain, version, shape, signatures.
//!
//! Invariant: a [`CheckedTx`] exists only if all of it holds; one that does not makes the batch it is in invalid.
//! What depends on block time or state is left to execution, which repeats all of admission but the signature arithmetic.
//! Order of checks: size 1012, version 1002, encoding 1001 (or the fault a field names: 1007, 1013, 1017), chain 1004,
//! window 1006 and 1016, amounts 1008, accounts 1010, keys to be enrolled 1001, algorithms 1003, signatures 1003.
//! Source: `docs/spec/ledger.md`, "Checks without state".

use falaj_consensus::crypto::{PublicKey, Signature};
use falaj_consensus::hash;
use falaj_consensus::types::ChainContext;
use falaj_consensus::verify::{Checker, SignedItem};
use std::sync::Arc;

use crate::account::Controllers;
use crate::amount::Amount;
use crate::genesis::{Constants, Genesis};
use crate::proposal::Action;
use crate::rejection::{DecodeFault, Rejection};
use crate::transaction::{
    BodyHash, ContentHash, Op, Propose, SignedTx, TxBody, TxKey, body_hash_of, content_hash_of,
    sign_bytes_of,
};

/// What the checks of a chain's transactions stand on.
#[derive(Clone, Debug)]
pub struct Rules {
    /// Identity of the chain.
    pub chain: ChainContext,
    /// The hard rails.
    pub constants: Constants,
    /// Longest transaction in bytes, the same at every height.
    pub transaction_bytes_max: u32,
}

impl Rules {
    /// The rules of a chain, with the size limit of its genesis.
    #[must_use]
    pub fn of_genesis(genesis: &Genesis) -> Self {
        Self {
            chain: genesis.chain(),
            constants: genesis.constants,
            transaction_bytes_max: genesis.parameters.limits.transaction_bytes_max,
        }
    }
}

/// A transaction whose bytes are right and whose signatures are those of the keys it states.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct CheckedTx {
    tx: SignedTx,
    body_hash: BodyHash,
    content_hash: ContentHash,
    bytes: u32,
}

impl CheckedTx {
    /// The transaction.
    #[must_use]
    pub const fn tx(&self) -> &SignedTx {
        &self.tx
    }

    /// Its body.
    #[must_use]
    pub const fn body(&self) -> &TxBody {
        &self.tx.body
    }

    /// Submitter and id.
    #[must_use]
    pub const fn key(&self) -> TxKey {
        self.tx.body.key()
    }

    /// Hash of the body, window included.
    #[must_use]
    pub const fn body_hash(&self) -> BodyHash {
        self.body_hash
    }

    /// Hash of what it asks, window left out.
    #[must_use]
    pub const fn content_hash(&self) -> ContentHash {
        self.content_hash
    }

    /// Length of its encoding.
    #[must_use]
    pub const fn encoded_bytes(&self) -> u32 {
        self.bytes
    }
}

/// A transaction of which everything but the signatures was checked.
#[derive(Clone, Debug)]
pub struct Unsigned {
    checked: CheckedTx,
    message: Vec<u8>,
    possessions: Vec<(PublicKey, Vec<u8>, Signature)>,
}

impl Unsigned {
    /// Submitter and id.
    #[must_use]
    pub const fn key(&self) -> TxKey {
        self.checked.key()
    }

    /// The transaction, whose signatures nobody has checked yet.
    #[must_use]
    pub const fn tx(&self) -> &SignedTx {
        self.checked.tx()
    }

    /// Every signature in it: the approvals, and what keys that it enrols sign.
    fn items(&self) -> impl Iterator<Item = SignedItem<'_>> {
        let approvals = self.checked.tx.approvals.iter();
        let approvals = approvals.map(|approval| SignedItem {
            key: &approval.public_key,
            message: &self.message,
            signature: &approval.signature,
        });
        let possessions = self.possessions.iter();
        approvals.chain(possessions.map(|(key, message, signature)| SignedItem {
            key,
            message,
            signature,
        }))
    }
}

/// Checks one transaction whole.
///
/// # Errors
/// The [`Rejection`] of the first check that fails.
pub fn check(
    rules: &Rules,
    checker: &dyn Checker,
    bytes: &[u8],
) -> Result<Arc<CheckedTx>, Rejection> {
    let verdicts = check_batch(rules, checker, &[bytes]);
    verdicts
        .into_iter()
        .next()
        .expect("one verdict for one transaction")
}

/// Checks many transactions, their signatures all at once; the verdicts are those of [`check`].
#[must_use]
pub fn check_batch<B: AsRef<[u8]>>(
    rules: &Rules,
    checker: &dyn Checker,
    batch: &[B],
) -> Vec<Result<Arc<CheckedTx>, Rejection>> {
    let unsigned: Vec<_> = batch
        .iter()
        .map(|bytes| check_unsigned(rules, bytes.as_ref()))
        .collect();
    check_signatures(checker, unsigned)
}

/// Checks the signatures of transactions of which everything else was checked.
#[must_use]
pub fn check_signatures(
    checker: &dyn Checker,
    unsigned: Vec<Result<Unsigned, Rejection>>,
) -> Vec<Result<Arc<CheckedTx>, Rejection>> {
    let items: Vec<_> = unsigned
        .iter()
        .flatten()
        .flat_map(Unsigned::items)
        .collect();
    let verdicts = checker.check_batch(&items);
    assert_eq!(
        verdicts.len(),
        items.len(),
        "a checker gives one verdict for each signature"
    );
    let mut rest = verdicts.as_slice();
    let mut all_right = |count: usize| {
        let (own, others) = rest.split_at(count);
        rest = others;
        own.iter().all(|right| *right)
    };
    unsigned
        .into_iter()
        .map(|transaction| {
            let transaction = transaction?;
            let right = all_right(transaction.items().count());
            let Unsigned { checked, .. } = transaction;
            if right {
                Ok(Arc::new(checked))
            } else {
                Err(Rejection::BadSignature)
            }
        })
        .collect()
}

/// Checks everything but the signatures.
///
/// # Errors
/// The [`Rejection`] of the first check that fails.
pub fn check_unsigned(rules: &Rules, bytes: &[u8]) -> Result<Unsigned, Rejection> {
    let length = u32::try_from(bytes.len())
        .ok()
        .filter(|length| *length <= rules.transaction_bytes_max);
    let length = length.ok_or(Rejection::TooLarge)?;
    check_version(bytes)?;
    let (tx, encoded_body) = decode(bytes)?;
    if tx.body.genesis_hash != rules.chain.genesis_hash {
        return Err(Rejection::WrongChain);
    }
    check_window(&rules.constants, &tx.body)?;
    check_op(&rules.constants, &tx.body.op)?;
    check_algorithms(&rules.constants, &tx)?;
    let (body_hash, content_hash) = (body_hash_of(encoded_body), content_hash_of(encoded_body));
    let message = sign_bytes_of(&rules.chain.chain_id, encoded_body);
    let possessions = possessions(&rules.chain.chain_id, &tx.body.op);
    Ok(Unsigned {
        checked: CheckedTx {
            tx,
            body_hash,
            content_hash,
            bytes: length,
        },
        message,
        possessions,
    })
}

fn possessions(chain_id: &str, op: &Op) -> Vec<(PublicKey, Vec<u8>, Signature)> {
    if let Op::Propose(Propose { action, .. }) = op
        && let Action::Validators(change) = action
    {
        return change.possessions(chain_id);
    }
    Vec::new()
}

/// The version stands first, so that a later layout is told from a damaged one.
fn check_version(bytes: &[u8]) -> Result<(), Rejection> {
    let version = bytes.first_chunk::<2>().ok_or(Rejection::BadEncoding)?;
    if u16::from_le_bytes(*version) == TxBody::VERSION {
        Ok(())
    } else {
        Err(Rejection::UnknownVersion)
    }
}

/// Decodes a transaction from all of its bytes, and says which of them are the body.
fn decode(bytes: &[u8]) -> Result<(SignedTx, &[u8]), Rejection> {
    let tx: SignedTx =
        borsh::from_slice(bytes).map_err(|error| DecodeFault::of(&error).rejection())?;
    let body_bytes = hash::encode(&tx.body).len();
    Ok((tx, &bytes[..body_bytes]))
}

/// The window is not empty and does not outlast what the id allows.
fn check_window(constants: &Constants, body: &TxBody) -> Result<(), Rejection> {
    if body.valid_from_ms > body.valid_until_ms {
        return Err(Rejection::Expired);
    }
    match body.id.time_ms().checked_add(constants.id_window_ms) {
        Some(latest) if body.valid_until_ms <= latest => Ok(()),
        Some(_) | None => Err(Rejection::IdOutsideWindow),
    }
}

fn check_op(constants: &Constants, op: &Op) -> Result<(), Rejection> {
    match op {
        Op::OpenAccount(open) => check_enrolment(constants, &open.controllers),
        Op::Transfer(transfer) => {
            check_amount(transfer.amount)?;
            if transfer.debit == transfer.credit {
                Err(Rejection::SameAccount)
            } else {
                Ok(())
            }
        }
        Op::Propose(propose) => check_action(constants, &propose.action),
        Op::Approve(_) | Op::Execute(_) | Op::Veto(_) => Ok(()),
    }
}

fn check_action(constants: &Constants, action: &Action) -> Result<(), Rejection> {
    match action {
        Action::Issue(change) | Action::Redeem(change) => check_amount(change.amount),
        Action::Parameters(_) | Action::Gate(_) => Ok(()),
        Action::Validators(change) => change
            .entries
            .iter()
            .try_for_each(|entry| check_key(constants, &entry.validator.key)),
    }
}

const fn check_amount(amount: Amount) -> Result<(), Rejection> {
    if amount.is_zero() {
        Err(Rejection::ZeroAmount)
    } else {
        Ok(())
    }
}

/// Under `fips_strict` a signature of another algorithm is no signature.
fn check_algorithms(constants: &Constants, tx: &SignedTx) -> Result<(), Rejection> {
    if tx.signers().all(|key| constants.admits(key.algorithm())) {
        Ok(())
    } else {
        Err(Rejection::BadSignature)
    }
}

/// A small-order key would verify any message, so it is never enrolled.
fn check_enrolment(constants: &Constants, controllers: &Controllers) -> Result<(), Rejection> {
    match controllers {
        Controllers::Participant => Ok(()),
        Controllers::Keys(keys) => keys
            .keys()
            .iter()
            .try_for_each(|key| check_key(constants, key)),
    }
}

fn check_key(constants: &Constants, key: &PublicKey) -> Result<(), Rejection> {
    if constants.admits(key.algorithm()) && key.check_enrolment().is_ok() {
        Ok(())
    } else {
        Err(Rejection::BadEncoding)
    }
}

#[cfg(test)]
mod tests;

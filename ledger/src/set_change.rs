//! A step from one validator set to the next: who enters, changes or leaves.
//!
//! Invariant: a step names the set it is made for, so it never applies to another; a key that is new under its id proves that it is held.
//! Bounds: a step moves at most f validators, but one always; more than two thirds of either set are the same keys with the same power.
//! Errors: [`SetChangeError`] says what does not fit; the numbers of rejections are execution's.
//! Source: `docs/spec/ledger.md`, "Sets and parameters".

use alloc::collections::BTreeMap;
use alloc::vec::Vec;
use borsh::{BorshDeserialize, BorshSerialize, io};
use falaj_consensus::bounded::list;
use falaj_consensus::crypto::{PublicKey, Signature};
use falaj_consensus::hash::{self, Tag};
use falaj_consensus::message::possession_bytes;
use falaj_consensus::mutated;
use falaj_consensus::types::{Hash32, ValidatorId};
use falaj_consensus::validator_set::{VALIDATORS_MAX, Validator, ValidatorSet};

use crate::decode::DecodeFault;

const CHANGE_TAG: Tag = Tag::new("falaj/set-change/1");

/// A member as it is to be.
#[derive(Clone, Debug, PartialEq, Eq, Hash, BorshSerialize, BorshDeserialize)]
pub struct Entry {
    /// Id, power, key and what is declared.
    pub validator: Validator,
    /// The key's signature over [`SetChange::possession_bytes`]: there exactly if the key is not the one that the id has now.
    pub possession: Option<Signature>,
}

/// One step.
#[derive(Clone, Debug, PartialEq, Eq, Hash, BorshSerialize)]
pub struct SetChange {
    /// Hash of the set that it is made for: the last one decided.
    pub base: Hash32,
    /// Members that enter or change, strictly ascending by id.
    pub entries: Vec<Entry>,
    /// Members that leave, strictly ascending.
    pub leaving: Vec<ValidatorId>,
}

/// Why a step does not lead from a set to another.
#[derive(Clone, Copy, Debug, PartialEq, Eq, thiserror::Error)]
pub enum SetChangeError {
    /// It was made for another set.
    #[error("the change is made for another validator set")]
    Base,
    /// It changes nothing, or says of a member what is so already.
    #[error("validator {0:?} is as the change would have it")]
    NoChange(ValidatorId),
    /// Somebody leaves who is no member, or enters and leaves at once.
    #[error("validator {0:?} cannot leave")]
    NoMember(ValidatorId),
    /// A new key without proof, or a proof for the key that the validator has.
    #[error("validator {0:?} has to prove a new key, and no other")]
    Possession(ValidatorId),
    /// What it leads to is no validator set.
    #[error("the change leads to no validator set")]
    Set,
    /// It moves more than one step may.
    #[error(
        "the change moves {validators} of at most {validators_max} validators; {leaves} of {before} leaves and {enters} of {after} enters, where it has to be less than a third"
    )]
    TooLarge {
        /// Validators that it moves.
        validators: usize,
        /// How many it may move.
        validators_max: usize,
        /// Power that is gone after it.
        leaves: u128,
        /// All power before it.
        before: u128,
        /// Power that was not there before it.
        enters: u128,
        /// All power after it.
        after: u128,
    },
}

impl SetChange {
    /// Whether it names somebody, each once, in order.
    #[must_use]
    pub fn is_canonical(&self) -> bool {
        let ids = self.entries.iter().map(|entry| entry.validator.id);
        ids.is_sorted_by(|a, b| a < b)
            && self.leaving.is_sorted_by(|a, b| a < b)
            && !(self.entries.is_empty() && self.leaving.is_empty())
    }

    /// The hash that proofs of possession name: all of the step but the proofs.
    #[must_use]
    pub fn hash(&self) -> Hash32 {
        let members: Vec<&Validator> = self.entries.iter().map(|entry| &entry.validator).collect();
        hash::tagged_borsh(CHANGE_TAG, &(self.base, members, &self.leaving))
    }

    /// What a key that enters with this step signs.
    #[must_use]
    pub fn possession_bytes(&self, chain_id: &str, entry: &Validator) -> Vec<u8> {
        possession_bytes(chain_id, self.hash(), entry.id, &entry.key)
    }

    /// The keys that sign, what each signs, and its signature. The step is hashed once, however many they are.
    pub fn possessions(&self, chain_id: &str) -> Vec<(PublicKey, Vec<u8>, Signature)> {
        let step = self.hash();
        let proven = self.entries.iter().filter_map(|entry| {
            let signature = entry.possession.clone()?;
            let Validator { id, key, .. } = &entry.validator;
            let bytes = possession_bytes(chain_id, step, *id, key);
            Some((key.clone(), bytes, signature))
        });
        proven.collect()
    }

    /// The set that the step leads to.
    ///
    /// # Errors
    /// [`SetChangeError`] for the first thing that does not fit.
    pub fn apply(&self, set: &ValidatorSet) -> Result<ValidatorSet, SetChangeError> {
        if self.base != set.hash() {
            return Err(SetChangeError::Base);
        }
        let before: BTreeMap<ValidatorId, &Validator> = set
            .members()
            .iter()
            .map(|member| (member.id, member))
            .collect();
        let mut after = before.clone();
        let mut moved = Moved::default();
        for id in &self.leaving {
            let left = after.remove(id).ok_or(SetChangeError::NoMember(*id))?;
            moved.note(Some(left), None);
        }
        for Entry {
            validator,
            possession,
        } in &self.entries
        {
            let id = validator.id;
            if self.leaving.contains(&id) {
                return Err(SetChangeError::NoMember(id));
            }
            let old = after.insert(id, validator);
            if old == Some(validator) {
                return Err(SetChangeError::NoChange(id));
            }
            let is_new_key = old.is_none_or(|old| old.key != validator.key);
            if is_new_key != possession.is_some() {
                return Err(SetChangeError::Possession(id));
            }
            moved.note(old, Some(validator));
        }
        moved.check(set)?;
        let members = after.into_values().cloned().collect();
        ValidatorSet::new(members).map_err(|_| SetChangeError::Set)
    }
}

/// What a step moves: validators whose key or power changes, and the power that stays where it is, before it and after it.
#[derive(Default)]
struct Moved {
    validators: usize,
    leaves: u128,
    enters: u128,
}

impl Moved {
    fn note(&mut self, old: Option<&Validator>, new: Option<&Validator>) {
        let power = |validator: Option<&Validator>| {
            validator.map_or(0, |validator| u128::from(validator.power.get()))
        };
        let (before, after) = (power(old), power(new));
        let same_key = old.map(|old| &old.key) == new.map(|new| &new.key);
        let stays = if same_key { before.min(after) } else { 0 };
        let (leaves, enters) = (before.saturating_sub(stays), after.saturating_sub(stays));
        if leaves > 0 || enters > 0 {
            self.validators = self.validators.saturating_add(1);
            self.leaves = self.leaves.saturating_add(leaves);
            self.enters = self.enters.saturating_add(enters);
        }
    }

    fn check(&self, set: &ValidatorSet) -> Result<(), SetChangeError> {
        let f = set.len().saturating_sub(1).checked_div(3).unwrap_or(0);
        let validators_max = f.max(1);
        let before = set.total_power();
        let stays = before.saturating_sub(self.leaves);
        let after = stays.saturating_add(self.enters);
        let is_small = |moved: u128, total: u128| moved.saturating_mul(3) < total;
        let fits = is_small(self.leaves, before) && is_small(self.enters, after);
        if self.validators <= validators_max && fits || mutated!(StepWithoutLimit) {
            return Ok(());
        }
        Err(SetChangeError::TooLarge {
            validators: self.validators,
            validators_max,
            leaves: self.leaves,
            before,
            enters: self.enters,
            after,
        })
    }
}

impl BorshDeserialize for SetChange {
    fn deserialize_reader<R: io::Read>(reader: &mut R) -> io::Result<Self> {
        let change = Self {
            base: Hash32::deserialize_reader(reader)?,
            entries: list(reader, VALIDATORS_MAX)?,
            leaving: list(reader, VALIDATORS_MAX)?,
        };
        if change.is_canonical() {
            return Ok(change);
        }
        let fault =
            DecodeFault::Encoding("a change of the set names somebody, each once, ascending");
        Err(fault.into())
    }
}

#[cfg(test)]
mod tests;

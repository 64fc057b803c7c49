//! Who votes at a height, with what power, and when votes are enough.
//!
//! Invariant: validators are in order of id, ids and keys are unique, each power is at least 1, and there is at least one validator.
//! Shapes and units: at most [`VALIDATORS_MAX`] members; power is `u64` each, summed and compared in `u128`.
//! Errors: [`SetError`] names the member that is wrong.
//! Source: `docs/spec/consensus.md`; Buchman, Kwon, Milosevic (2018), §3 with voting power for process counts.

use alloc::string::String;
use alloc::vec;
use alloc::vec::Vec;
use borsh::io;
use borsh::{BorshDeserialize, BorshSerialize};

use crate::bounded;
use crate::crypto::{KeyError, PublicKey};
use crate::hash::{self, Tag};
use crate::types::{Hash32, ValidatorId, ValidatorIndex, VotingPower};

/// The most validators a set can have.
pub const VALIDATORS_MAX: usize = 1024;
/// The longest declared label of a validator, in bytes.
pub const LABEL_BYTES_MAX: usize = 64;

const SET_TAG: Tag = Tag::new("falaj/validator-set/1");

/// What a validator's operator declares of itself: concentration is reported from it, nothing is decided by it.
#[derive(
    Clone, Debug, Default, PartialEq, Eq, PartialOrd, Ord, Hash, BorshSerialize, BorshDeserialize,
)]
pub struct Declared {
    /// Legal operator.
    #[borsh(deserialize_with = "read_label")]
    pub operator: String,
    /// Site or data centre.
    #[borsh(deserialize_with = "read_label")]
    pub site: String,
    /// Vendor of the HSM.
    #[borsh(deserialize_with = "read_label")]
    pub hsm_vendor: String,
    /// Cloud provider, empty if none.
    #[borsh(deserialize_with = "read_label")]
    pub cloud: String,
    /// Country of residency, ISO 3166 alpha-2.
    #[borsh(deserialize_with = "read_label")]
    pub residency: String,
}

impl Declared {
    fn is_bounded(&self) -> bool {
        [
            &self.operator,
            &self.site,
            &self.hsm_vendor,
            &self.cloud,
            &self.residency,
        ]
        .iter()
        .all(|label| {
            label.len() <= LABEL_BYTES_MAX && label.bytes().all(|b| (0x20..0x7f).contains(&b))
        })
    }
}

/// One member of a set.
#[derive(Clone, Debug, PartialEq, Eq, PartialOrd, Ord, Hash, BorshSerialize, BorshDeserialize)]
pub struct Validator {
    /// Its name for life.
    pub id: ValidatorId,
    /// Its share of the votes.
    pub power: VotingPower,
    /// The consensus key, with its algorithm.
    pub key: PublicKey,
    /// What its operator declares.
    pub declared: Declared,
}

/// Why members do not form a set.
#[derive(Clone, Copy, Debug, PartialEq, Eq, thiserror::Error)]
pub enum SetError {
    /// There is nobody in it.
    #[error("a validator set needs at least one member")]
    Empty,
    /// More than [`VALIDATORS_MAX`].
    #[error("a validator set has at most {VALIDATORS_MAX} members, not {0}")]
    TooMany(usize),
    /// Ids do not increase strictly.
    #[error("validator {0:?} is out of order or there twice")]
    Order(ValidatorId),
    /// A power of zero.
    #[error("validator {0:?} has no power")]
    NoPower(ValidatorId),
    /// Two members with one key.
    #[error("validator {0:?} has the key of another")]
    SharedKey(ValidatorId),
    /// A label that is too long or not printable ASCII.
    #[error("validator {0:?} declares a label that is too long or not printable")]
    Label(ValidatorId),
    /// A key that must never be enrolled.
    #[error("the key of validator {0:?} is refused")]
    Key(ValidatorId, #[source] KeyError),
}

/// The validators of one height.
#[derive(Clone, Debug, PartialEq, Eq, Hash, BorshSerialize)]
pub struct ValidatorSet {
    members: Vec<Validator>,
    #[borsh(skip)]
    total: u128,
    #[borsh(skip)]
    hash: Hash32,
}

impl ValidatorSet {
    /// Forms a set of members given in order of id.
    ///
    /// # Errors
    /// [`SetError`] for the first member that breaks the invariant of this file.
    pub fn new(members: Vec<Validator>) -> Result<Self, SetError> {
        if members.is_empty() {
            return Err(SetError::Empty);
        }
        if members.len() > VALIDATORS_MAX {
            return Err(SetError::TooMany(members.len()));
        }
        let mut before: Option<ValidatorId> = None;
        let mut keys = alloc::collections::BTreeSet::new();
        let mut total = 0_u128;
        for member in &members {
            check_member(member, before)?;
            if !keys.insert(&member.key) {
                return Err(SetError::SharedKey(member.id));
            }
            before = Some(member.id);
            total = total
                .checked_add(u128::from(member.power.get()))
                .expect("1,024 u64 fit u128");
        }
        let hash = hash::tagged_borsh(SET_TAG, &members);
        Ok(Self {
            members,
            total,
            hash,
        })
    }

    /// The members in order of id.
    #[must_use]
    pub fn members(&self) -> &[Validator] {
        &self.members
    }

    /// How many members there are.
    #[must_use]
    pub fn len(&self) -> usize {
        self.members.len()
    }

    /// Never true: a set has at least one member.
    #[must_use]
    pub fn is_empty(&self) -> bool {
        self.members.is_empty()
    }

    /// Every index of the set, in order.
    pub fn indices(&self) -> impl Iterator<Item = ValidatorIndex> + use<> {
        let count = u16::try_from(self.members.len()).expect("at most 1,024 members");
        (0..count).map(ValidatorIndex::new)
    }

    /// The member at an index.
    #[must_use]
    pub fn get(&self, index: ValidatorIndex) -> Option<&Validator> {
        self.members.get(index.position())
    }

    /// The index of a validator, if it is a member.
    #[must_use]
    pub fn index_of(&self, id: ValidatorId) -> Option<ValidatorIndex> {
        let position = self
            .members
            .binary_search_by_key(&id, |member| member.id)
            .ok()?;
        u16::try_from(position).ok().map(ValidatorIndex::new)
    }

    /// The index of the member with that key, if there is one.
    #[must_use]
    pub fn index_of_key(&self, key: &PublicKey) -> Option<ValidatorIndex> {
        self.indices()
            .find(|index| self.get(*index).is_some_and(|member| &member.key == key))
    }

    /// The power of a member, 0 for somebody else.
    #[must_use]
    pub fn power(&self, index: ValidatorIndex) -> u128 {
        if mutated!(PowersCountEqual) {
            return self.get(index).map_or(0, |_| 1);
        }
        self.get(index)
            .map_or(0, |member| u128::from(member.power.get()))
    }

    /// N, the power of all members.
    #[must_use]
    pub fn total_power(&self) -> u128 {
        if mutated!(PowersCountEqual) {
            return self.indices().map(|_| 1_u128).sum();
        }
        self.total
    }

    /// Hash of the set, as headers and outcomes name it.
    #[must_use]
    pub const fn hash(&self) -> Hash32 {
        self.hash
    }

    /// More than two thirds: 3p > 2N.
    #[must_use]
    pub fn is_quorum(&self, power: u128) -> bool {
        if mutated!(QuorumOfTwoThirds) {
            return triple(power) >= self.total_power().saturating_mul(2);
        }
        if mutated!(QuorumOfHalf) {
            return power.saturating_mul(2) > self.total_power();
        }
        let twice = self.total_power().checked_mul(2);
        triple(power) > twice.expect("N is at most 2^74")
    }

    /// More than one third, so at least one correct validator is among them: 3p > N.
    #[must_use]
    pub fn is_honest_hint(&self, power: u128) -> bool {
        triple(power) > self.total_power()
    }

    /// The most power that may fail: the largest p with 3p < N.
    #[must_use]
    pub fn fault_power_max(&self) -> u128 {
        self.total
            .checked_sub(1)
            .and_then(|below| below.checked_div(3))
            .unwrap_or(0)
    }
}

fn triple(power: u128) -> u128 {
    power.checked_mul(3).expect("power is at most 2^74")
}

fn check_member(member: &Validator, before: Option<ValidatorId>) -> Result<(), SetError> {
    if before.is_some_and(|before| before >= member.id) {
        return Err(SetError::Order(member.id));
    }
    if member.power.get() == 0 {
        return Err(SetError::NoPower(member.id));
    }
    if !member.declared.is_bounded() {
        return Err(SetError::Label(member.id));
    }
    member
        .key
        .check_enrolment()
        .map_err(|error| SetError::Key(member.id, error))
}

impl BorshDeserialize for ValidatorSet {
    fn deserialize_reader<R: io::Read>(reader: &mut R) -> io::Result<Self> {
        let members = bounded::list(reader, VALIDATORS_MAX)?;
        Self::new(members).map_err(bounded::refused)
    }
}

fn read_label<R: io::Read>(reader: &mut R) -> io::Result<String> {
    bounded::text(reader, LABEL_BYTES_MAX)
}

/// Which members of a set are meant: bit i of byte i/8, least significant first.
///
/// Canonical: exactly ⌈n/8⌉ bytes and no bit at or beyond n, so one selection has one encoding.
#[derive(Clone, Debug, Default, PartialEq, Eq, PartialOrd, Ord, Hash, BorshSerialize)]
pub struct Bitmap(Vec<u8>);

impl Bitmap {
    /// Selects nobody of a set of `count` members.
    #[must_use]
    pub fn none(count: usize) -> Self {
        Self(vec![0; count.div_ceil(8)])
    }

    /// Selects a member.
    ///
    /// # Panics
    /// If the index lies outside the set the bitmap was made for.
    pub fn insert(&mut self, index: ValidatorIndex) {
        let byte = self
            .0
            .get_mut(index.position() / 8)
            .expect("the index belongs to the set of this bitmap");
        *byte |= 1 << (index.get() % 8);
    }

    /// Whether a member is selected.
    #[must_use]
    pub fn contains(&self, index: ValidatorIndex) -> bool {
        self.0
            .get(index.position() / 8)
            .is_some_and(|byte| byte >> (index.get() % 8) & 1 == 1)
    }

    /// The selected members, in order of index.
    pub fn iter(&self) -> impl Iterator<Item = ValidatorIndex> + '_ {
        let bits = u16::try_from(self.0.len().saturating_mul(8)).unwrap_or(u16::MAX);
        (0..bits)
            .map(ValidatorIndex::new)
            .filter(|index| self.contains(*index))
    }

    /// How many members are selected.
    #[must_use]
    pub fn count(&self) -> usize {
        self.iter().count()
    }

    /// Whether this is the canonical form for a set of `count` members.
    #[must_use]
    pub fn is_canonical(&self, count: usize) -> bool {
        self.0.len() == count.div_ceil(8) && self.iter().all(|index| index.position() < count)
    }
}

impl BorshDeserialize for Bitmap {
    fn deserialize_reader<R: io::Read>(reader: &mut R) -> io::Result<Self> {
        bounded::byte_string(reader, VALIDATORS_MAX.div_ceil(8)).map(Self)
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::crypto::Algorithm;

    fn member(id: u32, power: u64) -> Validator {
        let mut bytes = vec![u8::try_from(id).unwrap(); 65];
        bytes[0] = 4;
        Validator {
            id: ValidatorId::new(id),
            power: VotingPower::new(power),
            key: PublicKey::new(Algorithm::EcdsaP256, bytes).unwrap(),
            declared: Declared::default(),
        }
    }

    // Quorum and honest hint by their definitions, around every boundary for small N.
    #[test]
    fn quorum_and_hint_at_the_boundaries() {
        for total in 1..40_u64 {
            let set = ValidatorSet::new(vec![member(1, total)]).unwrap();
            for power in 0..=u128::from(total) {
                assert_eq!(set.is_quorum(power), 3 * power > 2 * u128::from(total));
                assert_eq!(set.is_honest_hint(power), 3 * power > u128::from(total));
            }
            let fault = set.fault_power_max();
            assert!(3 * fault < u128::from(total) && 3 * (fault + 1) >= u128::from(total));
        }
    }

    #[test]
    fn power_of_u64_max_does_not_overflow() {
        let set = ValidatorSet::new((1..=4).map(|id| member(id, u64::MAX)).collect()).unwrap();
        assert_eq!(set.total_power(), 4 * u128::from(u64::MAX));
        assert!(set.is_quorum(3 * u128::from(u64::MAX)));
    }

    #[test]
    fn members_are_ordered_distinct_and_powerful() {
        assert_eq!(ValidatorSet::new(vec![]), Err(SetError::Empty));
        assert_eq!(
            ValidatorSet::new(vec![member(2, 1), member(1, 1)]),
            Err(SetError::Order(ValidatorId::new(1)))
        );
        assert_eq!(
            ValidatorSet::new(vec![member(1, 0)]),
            Err(SetError::NoPower(ValidatorId::new(1)))
        );
        let mut twin = member(2, 1);
        twin.key = member(1, 1).key;
        assert_eq!(
            ValidatorSet::new(vec![member(1, 1), twin]),
            Err(SetError::SharedKey(ValidatorId::new(2)))
        );
    }

    #[test]
    fn sets_decode_from_their_own_encoding_alone() {
        let set = ValidatorSet::new(vec![member(1, 3), member(5, 2)]).unwrap();
        let bytes = hash::encode(&set);
        assert_eq!(borsh::from_slice::<ValidatorSet>(&bytes).unwrap(), set);
        assert!(borsh::from_slice::<ValidatorSet>(&bytes[..bytes.len() - 1]).is_err());
        assert_eq!(
            set.index_of(ValidatorId::new(5)),
            Some(ValidatorIndex::new(1))
        );
        assert_eq!(set.index_of(ValidatorId::new(2)), None);
    }

    #[test]
    fn labels_are_short_and_printable() {
        let with = |label: &str| {
            let mut labelled = member(1, 1);
            labelled.declared.site = label.to_string();
            labelled
        };
        let set = |label: &str| ValidatorSet::new(vec![with(label)]);
        assert!(set(&"x".repeat(LABEL_BYTES_MAX)).is_ok());
        for label in [&"x".repeat(LABEL_BYTES_MAX + 1), "a\nb", "é"] {
            assert_eq!(set(label), Err(SetError::Label(ValidatorId::new(1))));
            let bytes = hash::encode(&vec![with(label)]);
            assert!(borsh::from_slice::<ValidatorSet>(&bytes).is_err());
        }
    }

    #[test]
    fn a_set_has_at_most_its_bound_of_members() {
        let members = vec![member(1, 1); VALIDATORS_MAX + 1];
        let found = ValidatorSet::new(members.clone());
        assert_eq!(found, Err(SetError::TooMany(VALIDATORS_MAX + 1)));
        assert!(borsh::from_slice::<ValidatorSet>(&hash::encode(&members)).is_err());
    }

    // A small-order Ed25519 key never becomes a member: the neutral element verifies any message.
    #[test]
    fn a_key_that_must_not_be_enrolled_is_refused() {
        let mut neutral = vec![0; 32];
        neutral[0] = 1;
        let mut small = member(1, 1);
        small.key = PublicKey::new(Algorithm::Ed25519, neutral).unwrap();
        assert_eq!(
            ValidatorSet::new(vec![small]),
            Err(SetError::Key(ValidatorId::new(1), KeyError::SmallOrder))
        );
    }

    #[test]
    fn bitmaps_have_one_form() {
        let mut bitmap = Bitmap::none(9);
        bitmap.insert(ValidatorIndex::new(0));
        bitmap.insert(ValidatorIndex::new(8));
        assert!(bitmap.is_canonical(9));
        assert!(!bitmap.is_canonical(8));
        assert!(!bitmap.is_canonical(17));
        assert_eq!(bitmap.count(), 2);
        assert_eq!(
            bitmap.iter().map(ValidatorIndex::get).collect::<Vec<_>>(),
            [0, 8]
        );
    }
}

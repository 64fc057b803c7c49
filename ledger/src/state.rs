//! The ledger's state: a typed view over the authenticated map that the state root commits to.
//!
//! Invariant: what is in the map was written by execution or genesis, so it decodes; nothing that decides is kept outside it.
//! Shapes and units: keys are those of [`crate::state::key`]; a value is its layout version (1), then borsh.
//! `clone` is O(1): execution, reads and snapshots each take one, and nobody waits.
//! Errors: [`StateError`] when a map that was loaded is not the state of a chain.
//! Source: `docs/spec/ledger.md`, "State".

mod open;
mod schedule;

pub use crate::key;
pub use crate::record::{
    PinCount, ProposalExpiry, Record, RtgsUse, UetrUse, WindowOf, decode_record, encode_record,
};
pub use open::Opened;

use borsh::{BorshDeserialize, BorshSerialize};
use falaj_consensus::bounded::text;
use falaj_consensus::message::{EvidenceKey, EvidenceKind};
use falaj_consensus::mutated;
use falaj_consensus::params::Parameters;
use falaj_consensus::proposer::Bench;
use falaj_consensus::types::{ChainContext, Hash32, Height, ValidatorId};
use falaj_consensus::validator_set::ValidatorSet;
use std::io;
use std::sync::Arc;

use crate::account::{Account, AccountId, NetworkPrefix};
use crate::authority::{Authority, AuthorityId};
use crate::currency::{Currency, CurrencyCode};
use crate::dedup;
use crate::evidence::{Ages, EvidenceSeen};
use crate::gate::{Feature, Gate};
use crate::genesis::{CHAIN_ID_BYTES_MAX, Constants};
use crate::log_tree::Frontier;
use crate::participant::{Participant, ParticipantNumber};
use crate::proposal::{Proposal, ProposalId};
use crate::record::own;
use crate::state_map::StateMap;
use crate::state_root::Proof;
use crate::supply::Supplies;
use crate::transaction::TxKey;
use crate::validate::Rules;
use crate::write_set::WriteSet;

use schedule::Schedule;

/// Identity and hard rails, as the state holds them.
#[derive(Clone, Debug, PartialEq, Eq, BorshSerialize, BorshDeserialize)]
pub struct Chain {
    /// Human name of the chain.
    #[borsh(deserialize_with = "read_chain_id")]
    pub chain_id: String,
    /// Hash of its genesis.
    pub genesis_hash: Hash32,
    /// What the text form of its account ids begins with.
    pub network: NetworkPrefix,
    /// The hard rails.
    pub constants: Constants,
    /// Longest transaction in bytes: the parameter of genesis, for ever, because a batch is judged by its bytes alone.
    pub transaction_bytes_max: u32,
}

fn read_chain_id<R: io::Read>(reader: &mut R) -> io::Result<String> {
    text(reader, CHAIN_ID_BYTES_MAX)
}

/// The last block in a state.
#[derive(Clone, Copy, Debug, PartialEq, Eq, BorshSerialize, BorshDeserialize)]
pub struct Tip {
    /// Its height; 0 for genesis.
    pub height: Height,
    /// Its time in microseconds since the Unix epoch.
    pub time_us: u64,
}

/// Why a map is not the state of a chain.
#[derive(Clone, Copy, Debug, PartialEq, Eq, thiserror::Error)]
pub enum StateError {
    /// A record that every state has is missing.
    #[error("the state has no {0}")]
    Missing(&'static str),
    /// A record does not decode.
    #[error("the state's {0} does not decode")]
    Malformed(&'static str),
}

/// The state after a block.
#[derive(Clone, Debug)]
pub struct State {
    map: StateMap,
    chain: Arc<Chain>,
    tip: Tip,
    schedule: Arc<Schedule>,
}

impl State {
    /// Takes a map that was loaded, whose root was compared with a certified one.
    ///
    /// # Errors
    /// [`StateError`] when the records that every state has are not there.
    pub fn from_map(map: StateMap) -> Result<Self, StateError> {
        let chain = Arc::new(read(&map, "chain")?);
        let tip = read(&map, "tip")?;
        let schedule = Arc::new(Schedule::load(&map)?);
        Ok(Self {
            map,
            chain,
            tip,
            schedule,
        })
    }

    /// The state after a block's writes.
    pub(crate) fn after(&self, tip: Tip, writes: &WriteSet) -> Self {
        let mut map = self.map.clone();
        map.apply(writes);
        let schedule = if Schedule::is_changed_by(writes) {
            Arc::new(
                Schedule::load(&map).expect("execution writes sets and parameters that decode"),
            )
        } else {
            Arc::clone(&self.schedule)
        };
        Self {
            map,
            chain: Arc::clone(&self.chain),
            tip,
            schedule,
        }
    }

    /// The map itself, for stores, proofs and snapshots.
    #[must_use]
    pub const fn map(&self) -> &StateMap {
        &self.map
    }

    /// The commitment to all of it.
    #[must_use]
    pub fn root(&self) -> Hash32 {
        self.map.root()
    }

    /// Proves what is under a key of [`crate::state::key`], or that nothing is.
    #[must_use]
    pub fn prove(&self, key: &[u8]) -> Proof {
        self.map.prove(key)
    }

    /// Identity and hard rails.
    #[must_use]
    pub fn chain(&self) -> &Chain {
        &self.chain
    }

    /// Name and genesis hash, as they stand under every signature.
    #[must_use]
    pub fn context(&self) -> ChainContext {
        ChainContext {
            chain_id: self.chain.chain_id.clone(),
            genesis_hash: self.chain.genesis_hash,
        }
    }

    /// What transactions are checked against without state; the same at every height.
    #[must_use]
    pub fn rules(&self) -> Rules {
        Rules {
            chain: self.context(),
            constants: self.chain.constants,
            transaction_bytes_max: self.chain.transaction_bytes_max,
        }
    }

    /// Height of the last block.
    #[must_use]
    pub const fn height(&self) -> Height {
        self.tip.height
    }

    /// Time of the last block in microseconds since the Unix epoch.
    #[must_use]
    pub const fn time_us(&self) -> u64 {
        self.tip.time_us
    }

    /// An account.
    #[must_use]
    pub fn account(&self, id: AccountId) -> Option<Account> {
        self.get(&id)
    }

    /// All accounts, in order of id.
    pub fn accounts(&self) -> impl Iterator<Item = (AccountId, Account)> + '_ {
        self.map.iter_from(key::ACCOUNTS).map_while(|(key, value)| {
            let id = key.strip_prefix(key::ACCOUNTS)?;
            let id = <[u8; 16]>::try_from(id).expect("an account's key ends with its 16 bytes");
            Some((AccountId::from_bytes(id), own(value)))
        })
    }

    /// A currency.
    #[must_use]
    pub fn currency(&self, code: CurrencyCode) -> Option<Currency> {
        self.get(&code)
    }

    /// All currencies, in order of code.
    pub fn currencies(&self) -> impl Iterator<Item = Currency> + '_ {
        self.map
            .iter_prefix(key::CURRENCIES)
            .map(|(_, value)| own(value))
    }

    /// A participant.
    #[must_use]
    pub fn participant(&self, number: ParticipantNumber) -> Option<Participant> {
        self.get(&number)
    }

    /// All participants, in order of number.
    pub fn participants(&self) -> impl Iterator<Item = Participant> + '_ {
        self.map
            .iter_prefix(key::PARTICIPANTS)
            .map(|(_, value)| own(value))
    }

    /// An authority.
    #[must_use]
    pub fn authority(&self, id: AuthorityId) -> Option<Authority> {
        self.get(&id)
    }

    /// All authorities, in order of number.
    pub fn authorities(&self) -> impl Iterator<Item = Authority> + '_ {
        self.map
            .iter_prefix(key::AUTHORITIES)
            .map(|(_, value)| own(value))
    }

    /// A proposal that is open, expired but not yet dropped, or vetoed.
    #[must_use]
    pub fn proposal(&self, id: ProposalId) -> Option<Proposal> {
        self.get(&id)
    }

    /// All such proposals, in order of id.
    pub fn proposals(&self) -> impl Iterator<Item = (ProposalId, Proposal)> + '_ {
        self.map
            .iter_from(key::PROPOSALS)
            .map_while(|(key, value)| {
                let id = key.strip_prefix(key::PROPOSALS)?;
                let id = <[u8; 32]>::try_from(id).expect("a proposal's key ends with its 32 bytes");
                Some((ProposalId::new(Hash32::new(id)), own(value)))
            })
    }

    /// What the dedup map says of a key: executed, pinned, or nothing.
    #[must_use]
    pub fn dedup(&self, key: TxKey) -> Option<dedup::Entry> {
        self.get(&key)
    }

    /// Issued minus redeemed of every currency, as the outcome states it.
    #[must_use]
    pub fn supplies(&self) -> Supplies {
        Supplies::of(self.currencies())
    }

    /// The right edge of the event log.
    #[must_use]
    pub fn events(&self) -> Frontier {
        read(&self.map, "events").expect("every state has the edge of its event log")
    }

    /// The bench after the last block.
    #[must_use]
    pub fn bench(&self) -> Bench {
        read(&self.map, "bench").expect("every state has a bench")
    }

    /// How old the heights are after the last block.
    pub(crate) fn ages(&self) -> Ages {
        read(&self.map, "ages").unwrap_or_default()
    }

    /// What was recorded of an offence that is not over yet.
    #[must_use]
    pub fn evidence(
        &self,
        height: Height,
        validator: ValidatorId,
        kind: EvidenceKind,
    ) -> Option<EvidenceSeen> {
        self.get(&(height, validator, kind))
    }

    /// Whether the next block may carry evidence of an offence: its height is below, not over, and has that validator, and it is not recorded.
    #[must_use]
    pub fn takes_evidence(&self, key: EvidenceKey) -> bool {
        let EvidenceKey {
            height,
            validator,
            kind,
        } = key;
        if height > self.height() || height <= self.ages().over() {
            return false;
        }
        let set = self.validators_at(height);
        set.get(validator).is_some_and(|member| {
            let is_new = self.evidence(height, member.id, kind).is_none();
            is_new || mutated!(EvidenceRecordedTwice)
        })
    }

    /// The validators of a height that is decided: at most two above the state's.
    ///
    /// # Panics
    /// For height 0, which has no validators, and heights that are not decided yet.
    #[must_use]
    pub fn validators_at(&self, height: Height) -> Arc<ValidatorSet> {
        self.assert_decided(height);
        if mutated!(SetInForceEarly) {
            return self.schedule.validators_at(height.next());
        }
        self.schedule.validators_at(height)
    }

    /// The same; `None` where [`State::validators_at`] has no answer.
    pub(crate) fn validators_if_decided(&self, height: Height) -> Option<Arc<ValidatorSet>> {
        self.is_decided(height).then(|| self.validators_at(height))
    }

    /// Every validator set that was ever decided, with the first height that it governs, in order.
    pub fn validator_sets(&self) -> impl Iterator<Item = (Height, &Arc<ValidatorSet>)> {
        self.schedule.sets()
    }

    /// Whether a validator is a member of any set that was ever decided, or was.
    #[must_use]
    pub fn has_had(&self, validator: ValidatorId) -> bool {
        let mut sets = self.validator_sets();
        sets.any(|(_, set)| set.index_of(validator).is_some())
    }

    /// The parameters of a height that is decided: at most two above the state's.
    ///
    /// # Panics
    /// For height 0 and heights that are not decided yet.
    #[must_use]
    pub fn parameters_at(&self, height: Height) -> Parameters {
        self.assert_decided(height);
        if mutated!(ParametersInForceEarly) {
            return self.schedule.parameters_at(height.next());
        }
        self.schedule.parameters_at(height)
    }

    /// The features word of a height that is decided: at most two above the state's.
    ///
    /// # Panics
    /// For height 0 and heights that are not decided yet.
    #[must_use]
    pub fn features_at(&self, height: Height) -> u64 {
        self.assert_decided(height);
        let early = u64::from(mutated!(GateAHeightEarly));
        let in_force = |from: Height| from.get().saturating_sub(early) <= height.get();
        let gates = self.gates().filter(|(_, gate)| in_force(gate.from));
        gates.fold(0, |word, (feature, _)| word | feature.mask())
    }

    /// Every feature gate that is in force or scheduled, in order of bit.
    pub fn gates(&self) -> impl Iterator<Item = (Feature, Gate)> + '_ {
        self.map.iter_prefix(key::GATES).map(|(key, value)| {
            let bit = key.last().copied().and_then(Feature::new);
            (
                bit.expect("the key of a gate ends with its bit"),
                own(value),
            )
        })
    }

    /// Whether the validators of every decided height are those of the next one.
    pub(crate) fn is_set_in_force(&self) -> bool {
        let next = self.tip.height.next();
        self.schedule.set_from() <= next
    }

    /// Whether the parameters of every decided height are those of the next one.
    pub(crate) fn are_parameters_in_force(&self) -> bool {
        let next = self.tip.height.next();
        self.schedule.parameters_from() <= next
    }

    /// Whether validators or parameters were decided that the next height is not governed by yet.
    #[must_use]
    pub fn is_change_under_way(&self) -> bool {
        !self.is_set_in_force() || !self.are_parameters_in_force()
    }

    fn assert_decided(&self, height: Height) {
        assert!(
            self.is_decided(height),
            "sets and parameters are decided two heights ahead"
        );
    }

    /// Whether sets and parameters of a height are decided.
    fn is_decided(&self, height: Height) -> bool {
        let last = self.tip.height.next().next();
        height.get() >= 1 && height <= last
    }

    pub(crate) fn get<R: Record>(&self, key: &R::Key) -> Option<R> {
        self.map.get(&R::state_key(key)).map(own)
    }
}

/// A record that stands alone under a key of its own.
trait Single: BorshDeserialize {
    const KEY: &'static [u8];
}

fn read<T: Single>(map: &StateMap, name: &'static str) -> Result<T, StateError> {
    let bytes = map.get(T::KEY).ok_or(StateError::Missing(name))?;
    decode_record(bytes).ok_or(StateError::Malformed(name))
}

impl Single for Chain {
    const KEY: &'static [u8] = key::CHAIN;
}

impl Single for Tip {
    const KEY: &'static [u8] = key::TIP;
}

impl Single for Frontier {
    const KEY: &'static [u8] = key::EVENTS;
}

impl Single for Ages {
    const KEY: &'static [u8] = key::AGES;
}

impl Single for Bench {
    const KEY: &'static [u8] = key::BENCH;
}

#[cfg(test)]
mod tests;

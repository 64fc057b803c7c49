//! What all instances of a search share: keys, the chain, the height they decide, and a disk that never fails.
//!
//! Invariant: everything here is a function of nothing, so a search is the same in every process.
//! Units: wall time in microseconds; it stands still, one microsecond after the parent block.

use std::sync::Arc;

use falaj_consensus::crypto::Signature;
use falaj_consensus::durable::{Durable, FramedLog, LogId, LogIdentity};
use falaj_consensus::engine::{Config, GuardPosition, HeightStart, Input, Parent};
use falaj_consensus::hash;
use falaj_consensus::message::{Header, Statement};
use falaj_consensus::params::Parameters;
use falaj_consensus::proposer::{Bench, turns};
use falaj_consensus::types::{
    BlockId, ChainContext, Hash32, Height, Now, OutcomeHash, Round, ValidatorIndex,
};
use falaj_consensus::validator_set::ValidatorSet;
use falaj_consensus::verify::{Checker, Context, SignedStatement};
use falaj_hsm::{Floor, Identity, Place, SetWindow, Signer};

use crate::chance::Chance;
use crate::clock::EPOCH_US;
use crate::disk::{DiskDials, SimDisk};
use crate::economy::Economy;
use crate::hsm::{KeyIndex, Keys, RegistryChecker};
use crate::scenario::Scenario;

/// How many validators there are.
pub const VALIDATORS: u16 = 4;

/// More records than any guard writes in one height of a search.
const GUARD_RECORDS_MAX: usize = 4_096;

const OUTCOME_TAG: hash::Tag = hash::Tag::new("falaj/exhaustive/outcome/1");

/// What instances share.
pub struct Ground {
    keys: Arc<Keys>,
    chain: ChainContext,
    set: Arc<ValidatorSet>,
    checker: Arc<dyn Checker>,
    start: HeightStart,
    turns: Vec<ValidatorIndex>,
    durable: Durable,
}

impl Ground {
    /// Four validators before height 1.
    #[must_use]
    pub fn new() -> Self {
        let economy = Economy::new(&Chance::new(0), &Scenario::calm(VALIDATORS));
        let chain = economy.genesis.chain();
        let set = Arc::new(economy.genesis.validators);
        let start = HeightStart {
            height: Height::new(1),
            set: Arc::clone(&set),
            own: None,
            parameters: Parameters::default(),
            features: 0,
            bench: Bench::default(),
            parent: Parent {
                id: BlockId::default(),
                outcome: OutcomeHash::new(chain.genesis_hash),
                time_us: EPOCH_US,
            },
            guard: GuardPosition::Below,
        };
        Self {
            turns: turns(&set, &start.bench, start.height),
            checker: Arc::new(RegistryChecker::new(Arc::clone(&economy.keys))),
            durable: proof(chain.genesis_hash),
            keys: economy.keys,
            chain,
            set,
            start,
        }
    }

    /// Validators in the order of their turns: the first proposes in round 0.
    #[must_use]
    pub fn turns(&self) -> &[ValidatorIndex] {
        &self.turns
    }

    /// The start of the height for a validator.
    pub(super) fn start(&self, validator: ValidatorIndex) -> HeightStart {
        HeightStart {
            own: Some(validator),
            ..self.start.clone()
        }
    }

    /// The checks of messages.
    pub(super) fn context(&self) -> Context<'_> {
        Context {
            chain: &self.chain,
            set: &self.set,
            checker: self.checker.as_ref(),
        }
    }

    pub(super) const fn config(&self) -> Config {
        Config {
            genesis_hash: self.chain.genesis_hash,
            supported: Header::FEATURES_KNOWN,
        }
    }

    /// A signer whose guard has nothing recorded yet.
    pub(super) fn signer(&self, validator: ValidatorIndex) -> Signer {
        let identity = Identity {
            chain: self.chain.clone(),
            key: self.keys.public(key_of(validator)).clone(),
        };
        let floor = Floor {
            place: Place::GENESIS,
            instance: [0; 16],
            fence_epoch: 0,
            window: SetWindow::genesis(&self.set),
        };
        let (signer, _first_record) = Signer::init(identity, Arc::clone(&self.checker), floor);
        signer
    }

    /// What a token answers: the same bytes have the same signature, whichever instance asks.
    pub(super) fn signature(&self, validator: ValidatorIndex, bytes: &[u8]) -> Signature {
        self.keys.sign(key_of(validator), 0, bytes)
    }

    /// A statement of a validator as a message, whatever its guard would say; none for what has no form.
    pub(crate) fn told(
        &self,
        validator: ValidatorIndex,
        statement: Statement,
        header: &Header,
    ) -> Option<Input> {
        let message = statement.sign_bytes(&self.chain);
        let signed = SignedStatement {
            validator,
            statement,
            signature: self.signature(validator, message.as_slice()),
        };
        let signed = self.context().statement(signed).ok()?;
        match statement {
            Statement::Proposal { .. } => Some(Input::Proposal {
                proposal: Box::new(signed.into_proposal(header.clone())?),
                received_us: wall_us(),
            }),
            Statement::Prevote { .. } | Statement::Precommit { .. } => {
                signed.into_vote().map(Input::Vote)
            }
        }
    }

    /// The proof that whatever a guard wrote is on disk: disks never fail here, and none is waited for.
    pub(super) const fn durable(&self) -> &Durable {
        &self.durable
    }

    /// A header that every rule admits; `salt` tells two blocks of one validator and round apart.
    pub(crate) fn header(&self, round: Round, proposer: ValidatorIndex, salt: u8) -> Header {
        Header {
            version: Header::VERSION,
            features: 0,
            genesis_hash: self.chain.genesis_hash,
            height: self.start.height,
            round,
            proposer,
            parent_id: self.start.parent.id,
            parent_outcome: self.start.parent.outcome,
            time_us: wall_us(),
            set_hash: self.set.hash(),
            body_root: hash::sha256(&[salt]),
            evidence_root: Hash32::ZERO,
            transactions: 0,
            transaction_bytes: 0,
        }
    }
}

impl Default for Ground {
    fn default() -> Self {
        Self::new()
    }
}

/// What executing a block gives, the same for all.
pub(crate) fn outcome_of(id: BlockId) -> OutcomeHash {
    OutcomeHash::new(hash::tagged(OUTCOME_TAG, id.hash().bytes()))
}

/// The time that an input is given with.
pub(crate) fn now(mono_ns: u64) -> Now {
    let wall_us = wall_us();
    Now { mono_ns, wall_us }
}

const fn wall_us() -> u64 {
    EPOCH_US + 1
}

/// A validator's key has its number, as everywhere in simulations.
const fn key_of(validator: ValidatorIndex) -> KeyIndex {
    KeyIndex::new(validator.get())
}

/// One log of a guard, synced further than any guard of a search ever writes: its proof stands for the disk of each.
fn proof(genesis_hash: Hash32) -> Durable {
    let log = LogId::Guard;
    let disk = SimDisk::new(&Chance::new(0), 0, DiskDials::CALM);
    let identity = LogIdentity { log, genesis_hash };
    let mut log = FramedLog::create(disk, identity).expect("an empty disk takes a log");
    for _ in 0..GUARD_RECORDS_MAX {
        log.append(&[0]).expect("a byte is a record");
    }
    log.sync().expect("a calm disk syncs")
}

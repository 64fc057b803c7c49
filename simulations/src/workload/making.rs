//! Transactions as clients make them: a body with an id of the time, signed by whoever is to sign.
//!
//! Invariant: no two bodies get one id, but for rivals, which are made of the body that they rival.

use std::sync::Arc;

use falaj_consensus::types::ChainContext;
use falaj_ledger::participant::ParticipantNumber;
use falaj_ledger::transaction::{Approval, Op, SignedTx, TxBody, TxId, sign_bytes};

use crate::chance::Word;
use crate::clock::EPOCH_US;
use crate::economy::Economy;
use crate::hsm::KeyIndex;
use crate::types::SimTime;

/// Who makes and signs transactions.
#[derive(Debug)]
pub(super) struct Maker {
    pub(super) economy: Arc<Economy>,
    chain: ChainContext,
    made: u64,
}

impl Maker {
    pub(super) fn new(economy: Arc<Economy>) -> Self {
        Self {
            chain: economy.genesis.chain(),
            economy,
            made: 0,
        }
    }

    /// A body that can be executed for as long as its id allows.
    pub(super) fn body(
        &mut self,
        at: SimTime,
        chance: Word,
        participant: ParticipantNumber,
        op: Op,
    ) -> TxBody {
        self.made += 1;
        let time_ms = unix_ms(at);
        let mut random = [0_u8; 10];
        random[..2].copy_from_slice(&self.made.to_be_bytes()[6..]);
        random[2..].copy_from_slice(&chance.get().to_le_bytes());
        TxBody {
            version: TxBody::VERSION,
            genesis_hash: self.chain.genesis_hash,
            participant,
            id: TxId::new(time_ms, random).expect("48 bits last for ages"),
            valid_from_ms: 0,
            valid_until_ms: time_ms + self.economy.genesis.constants.id_window_ms,
            op,
        }
    }

    /// A body under the signatures of some keys.
    pub(super) fn signed(&self, body: TxBody, signers: &[KeyIndex]) -> SignedTx {
        let message = sign_bytes(&self.chain, &body);
        let keys = &self.economy.keys;
        let approvals = signers.iter().map(|signer| Approval {
            public_key: keys.public(*signer).clone(),
            signature: keys.sign(*signer, self.made, &message),
        });
        SignedTx::new(body, approvals.collect()).expect("a few different keys fit")
    }
}

/// Virtual time as clients write it.
pub(super) const fn unix_ms(at: SimTime) -> u64 {
    EPOCH_US / 1_000 + at.get() / 1_000_000
}

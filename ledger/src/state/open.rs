//! Opening a genesis: the state before the first block, and the outcome under the first header.
//!
//! Invariant: every invariant of the ledger holds in it, because [`Genesis::check`] passed.
//! Source: `docs/spec/ledger.md`, "Genesis".

use falaj_consensus::message::Outcome;
use falaj_consensus::proposer::Bench;
use falaj_consensus::types::Height;

use super::{Chain, State, Tip, key};
use crate::account::{Account, AccountKind, Controllers, Place};
use crate::amount::Units;
use crate::currency::{Currency, CurrencyStatus};
use crate::genesis::{Genesis, GenesisAccount, GenesisCurrency, GenesisError};
use crate::log_tree::Frontier;
use crate::record::{Record, encode_record};
use crate::state_map::StateMap;
use crate::supply;
use crate::write_set::WriteSet;

const GENESIS: Place = Place {
    height: Height::new(0),
    index: 0,
};

/// A genesis as a state: what block 1 is executed on.
#[derive(Clone, Debug)]
pub struct Opened {
    /// The state at height 0.
    pub state: State,
    /// What the first header names as its parent's outcome.
    pub outcome: Outcome,
    /// Everything in the state, as the first write of a store.
    pub writes: WriteSet,
}

impl State {
    /// Opens a genesis.
    ///
    /// # Errors
    /// [`GenesisError`] if it does not add up.
    pub fn open(genesis: &Genesis) -> Result<Opened, GenesisError> {
        genesis.check()?;
        let writes = writes(genesis);
        let mut map = StateMap::new();
        map.apply(&writes);
        let state = Self::from_map(map).expect("a genesis writes every record that a state has");
        supply::audit(&state).expect("a genesis that passed its check adds up");
        let outcome = state.outcome(crate::receipt::receipts_root(&[]));
        Ok(Opened {
            state,
            outcome,
            writes,
        })
    }
}

fn writes(genesis: &Genesis) -> WriteSet {
    let mut writes = WriteSet::new();
    let chain = Chain {
        chain_id: genesis.chain_id.clone(),
        genesis_hash: genesis.hash(),
        network: genesis.network.clone(),
        constants: genesis.constants,
        transaction_bytes_max: genesis.parameters.limits.transaction_bytes_max,
    };
    let first = Height::new(1);
    writes.put(key::CHAIN, encode_record(&chain));
    writes.put(
        key::TIP,
        encode_record(&Tip {
            height: Height::new(0),
            time_us: genesis.time_us,
        }),
    );
    writes.put(key::EVENTS, encode_record(&Frontier::new()));
    writes.put(key::BENCH, encode_record(&Bench::default()));
    writes.put(key::set_from(first), encode_record(&genesis.validators));
    writes.put(
        key::parameters_from(first),
        encode_record(&genesis.parameters),
    );
    for entry in &genesis.currencies {
        put(&mut writes, &entry.code, &currency(entry));
        put(
            &mut writes,
            &entry.issuance_account,
            &issuance_account(entry),
        );
    }
    genesis
        .participants
        .iter()
        .for_each(|entry| put(&mut writes, &entry.number, entry));
    genesis
        .accounts
        .iter()
        .for_each(|entry| put(&mut writes, &entry.id, &account(entry)));
    genesis
        .authorities
        .iter()
        .for_each(|entry| put(&mut writes, &entry.id, entry));
    writes
}

fn put<R: Record>(writes: &mut WriteSet, key: &R::Key, record: &R) {
    writes.put(R::state_key(key), encode_record(record));
}

fn currency(entry: &GenesisCurrency) -> Currency {
    Currency {
        code: entry.code,
        scale: entry.scale,
        status: CurrencyStatus::Active,
        issuance_account: entry.issuance_account,
        cap: entry.cap,
        rolling_cap: entry.rolling_cap,
        issued: entry.issued,
        redeemed: Units::ZERO,
    }
}

fn issuance_account(entry: &GenesisCurrency) -> Account {
    Account {
        currency: entry.code,
        kind: AccountKind::Issuance,
        participant: entry.issuance_account.opener(),
        controllers: Controllers::Participant,
        debits: entry.issued,
        credits: Units::ZERO,
        version: 0,
        opened: GENESIS,
        kyc: None,
    }
}

fn account(entry: &GenesisAccount) -> Account {
    Account {
        currency: entry.currency,
        kind: entry.kind,
        participant: entry.id.opener(),
        controllers: entry.controllers.clone(),
        debits: Units::ZERO,
        credits: entry.balance.units(),
        version: 0,
        opened: GENESIS,
        kyc: entry.kyc,
    }
}

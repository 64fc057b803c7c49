//! The money world of a run: currencies, institutions, accounts, and the genesis that states them.
//!
//! Invariant: a function of the seed and the number of validators; every key in it belongs to [`Keys`].
//! Shapes and units: validator `i` has id `i + 1` and key `i`; institutions have the keys after the validators'. Participant 1 is
//! the central bank, whose issuance accounts nobody pays from; the others are banks, each with accounts in every currency.
//! Amounts in minor units.

use std::sync::Arc;

use falaj_consensus::crypto::Algorithm;
use falaj_consensus::types::{Hash32, Height, ValidatorId, VotingPower};
use falaj_consensus::validator_set::{Declared, Validator, ValidatorSet};
use falaj_ledger::account::{AccountId, AccountKind, Controllers, NetworkPrefix};
use falaj_ledger::amount::{Amount, Scale, Units};
use falaj_ledger::currency::CurrencyCode;
use falaj_ledger::genesis::{Constants, Genesis, GenesisAccount, GenesisCurrency};
use falaj_ledger::participant::{
    Country, Participant, ParticipantKey, ParticipantNumber, ParticipantStatus, Roles,
};

use crate::chance::Chance;
use crate::clock::EPOCH_US;
use crate::hsm::{KeyIndex, Keys};
use crate::scenario::{Scenario, Signatures};
use crate::types::NodeIndex;

const CURRENCIES: [&str; 3] = ["AED", "BHD", "USD"];
const BANKS: u16 = 3;
const ACCOUNTS_PER_BANK: u8 = 3;
const BALANCE: u64 = 1_000_000;

/// Keys, genesis and the accounts that clients move money between.
#[derive(Clone, Debug)]
pub struct Economy {
    /// Every key of the run.
    pub keys: Arc<Keys>,
    /// What the chain starts from.
    pub genesis: Genesis,
    /// The accounts that banks pay from.
    pub accounts: Vec<OwnedAccount>,
}

/// An account with the key that may debit it.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct OwnedAccount {
    /// Its id.
    pub id: AccountId,
    /// Its currency.
    pub currency: CurrencyCode,
    /// Who serves it, and submits for it.
    pub participant: ParticipantNumber,
    /// The key that speaks for that participant.
    pub key: KeyIndex,
}

/// The validator that a node is.
#[must_use]
pub fn validator_of(node: NodeIndex) -> ValidatorId {
    ValidatorId::new(u32::from(node.get()) + 1)
}

/// The node of a validator.
#[must_use]
pub fn node_of(validator: ValidatorId) -> Option<NodeIndex> {
    let position = validator.get().checked_sub(1)?;
    u16::try_from(position).ok().map(NodeIndex::new)
}

/// The consensus key of a node.
#[must_use]
pub const fn key_of(node: NodeIndex) -> KeyIndex {
    KeyIndex::new(node.get())
}

impl Economy {
    /// Makes the economy of a run.
    ///
    /// # Panics
    /// When the parameters are outside their bounds.
    #[must_use]
    pub fn new(chance: &Chance, scenario: &Scenario) -> Self {
        let validators = scenario.validators;
        let count = validators + BANKS + 1;
        let keys = match scenario.signatures {
            Signatures::Simulated => {
                Keys::generate(chance, &vec![Algorithm::Ed25519; usize::from(count)])
            }
            Signatures::Real => Keys::generate_real(chance, count),
        };
        let accounts = accounts(validators);
        let genesis = Genesis {
            version: Genesis::VERSION,
            chain_id: "simulation".to_owned(),
            network: NetworkPrefix::new("sim").expect("three small letters"),
            time_us: EPOCH_US,
            constants: Constants::default(),
            currencies: CURRENCIES.iter().zip(0_u8..).map(currency).collect(),
            participants: participants(&keys, validators),
            accounts: accounts.iter().map(genesis_account).collect(),
            authorities: Vec::new(),
            validators: validator_set(&keys, validators),
            parameters: scenario.parameters,
        };
        genesis.check().expect("the economy adds up");
        Self {
            keys,
            genesis,
            accounts,
        }
    }
}

fn code(text: &str) -> CurrencyCode {
    CurrencyCode::parse(text).expect("three capital letters")
}

fn bank_key(validators: u16, bank: u16) -> KeyIndex {
    KeyIndex::new(validators + bank)
}

fn account_id(participant: ParticipantNumber, purpose: u8, number: u8) -> AccountId {
    let mut chosen = [0_u8; 12];
    (chosen[0], chosen[11]) = (purpose, number);
    AccountId::new(participant, chosen)
}

fn currency((name, position): (&&str, u8)) -> GenesisCurrency {
    let issued = u128::from(BALANCE) * u128::from(ACCOUNTS_PER_BANK) * u128::from(BANKS);
    GenesisCurrency {
        code: code(name),
        scale: Scale::new(3).expect("three decimals are allowed"),
        issuance_account: account_id(ParticipantNumber::new(1), 0, position),
        cap: Units::new(issued * 10),
        rolling_cap: Units::new(issued),
        issued: Units::new(issued),
    }
}

fn accounts(validators: u16) -> Vec<OwnedAccount> {
    let mut accounts = Vec::new();
    for bank in 1..=BANKS {
        let participant = ParticipantNumber::new(u32::from(bank) + 1);
        for (name, purpose) in CURRENCIES.iter().zip(1_u8..) {
            accounts.extend((0..ACCOUNTS_PER_BANK).map(|number| OwnedAccount {
                id: account_id(participant, purpose, number),
                currency: code(name),
                participant,
                key: bank_key(validators, bank),
            }));
        }
    }
    accounts
}

fn genesis_account(account: &OwnedAccount) -> GenesisAccount {
    GenesisAccount {
        id: account.id,
        currency: account.currency,
        kind: AccountKind::Wholesale,
        controllers: Controllers::Participant,
        balance: Amount::new(BALANCE).expect("a million is an amount"),
        kyc: None,
    }
}

fn participants(keys: &Keys, validators: u16) -> Vec<Participant> {
    (0..=BANKS)
        .map(|bank| Participant {
            number: ParticipantNumber::new(u32::from(bank) + 1),
            identity: Hash32::ZERO,
            roles: if bank == 0 {
                Roles::CENTRAL_BANK
            } else {
                Roles::INTERMEDIARY
            },
            parent: None,
            status: ParticipantStatus::Active,
            residency: Country::parse("AE").expect("two capital letters"),
            quota: 1_000_000,
            keys: vec![ParticipantKey {
                key: keys.public(bank_key(validators, bank)).clone(),
                valid_from: Height::new(0),
                valid_until: None,
            }],
        })
        .collect()
}

fn validator_set(keys: &Keys, validators: u16) -> ValidatorSet {
    let member = |node: NodeIndex| Validator {
        id: validator_of(node),
        power: VotingPower::new(1),
        key: keys.public(key_of(node)).clone(),
        declared: Declared::default(),
    };
    let members = (0..validators).map(NodeIndex::new).map(member).collect();
    ValidatorSet::new(members).expect("ids ascend and keys differ")
}

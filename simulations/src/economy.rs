//! The money world of a run: currencies, institutions, accounts, and the genesis that states them.
//!
//! Invariant: a function of the seed, the validators with their powers, and whether they change; every key in it belongs to [`Keys`].
//! Shapes and units: validator `i` has id `i + 1` and key `i`; then come the keys of institutions, of the persons who decide about
//! supply, of a customer, and those that validators get after that of genesis. Participant 1 is the central bank, whose issuance accounts nobody pays from; the others are banks,
//! each with accounts and a reserve in every currency. Two of three members decide an issue or a redemption, and one more person
//! may veto it. Amounts in minor units.

use std::sync::Arc;

use falaj_consensus::crypto::Algorithm;
use falaj_consensus::types::{Hash32, Height, ValidatorId, VotingPower};
use falaj_consensus::validator_set::{Declared, Validator, ValidatorSet};
use falaj_ledger::account::{AccountId, AccountKind, ControllerKeys, Controllers, NetworkPrefix};
use falaj_ledger::amount::{Amount, Scale, Units};
use falaj_ledger::authority::{ActionClass, Authority, AuthorityId};
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
const CENTRAL_BANK: ParticipantNumber = ParticipantNumber::new(1);
const BANKS: u16 = 3;
const ACCOUNTS_PER_BANK: u8 = 3;
const BALANCE: u64 = 1_000_000;
const RESERVE: u64 = 300_000;
/// What an authority may move, and a currency may grow, within a day: a few orders.
const ROLLING_CAP: u64 = 400_000;
/// Members of every authority.
const MEMBERS: u16 = 3;
const THRESHOLD: u8 = 2;
/// Keys of the customer who holds accounts of its own, of which two sign.
const CUSTOMER_KEYS: u16 = 3;
/// How long a redemption waits for a veto.
const REDEMPTION_DELAY_MS: u64 = 200;
/// Which of the twelve chosen bytes says what an account is for: reserves, and accounts that are opened later.
const RESERVES: u8 = 16;
const OPENED: u8 = 32;

/// Keys, genesis and the accounts that clients move money between.
#[derive(Clone, Debug)]
pub struct Economy {
    /// Every key of the run.
    pub keys: Arc<Keys>,
    /// What the chain starts from.
    pub genesis: Genesis,
    /// Every node as a validator, with its first key: those of genesis, and those that may join.
    pub validators: Vec<Validator>,
    /// The accounts that banks pay from.
    pub accounts: Vec<OwnedAccount>,
    /// The reserves of banks, which take issues and give redemptions.
    pub reserves: Vec<OwnedAccount>,
    /// The key of the central bank.
    pub central_bank: KeyIndex,
    /// The persons of every authority.
    pub members: Vec<KeyIndex>,
    /// The person who can veto.
    pub vetoer: KeyIndex,
    /// The customer's keys.
    pub customer: Vec<KeyIndex>,
    /// The first of the keys that validators may get after that of genesis, if any is to.
    second_keys: Option<KeyIndex>,
    /// Whether an authority decides about feature gates.
    gated: bool,
    /// Whether one decides about parameters.
    tuned: bool,
}

/// An account with the key of the bank that serves it.
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
    /// Who signs for its debits.
    pub holder: Holder,
}

/// Whose signatures a debit needs.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Holder {
    /// The bank's.
    Bank,
    /// Two of the customer's.
    Customer,
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
        Self::since(EPOCH_US, chance, scenario)
    }

    /// The same with a genesis of a moment later, as a draft of it would be: the same keys, accounts, name of the chain and rules, and
    /// another genesis hash.
    #[must_use]
    pub fn elsewhere(chance: &Chance, scenario: &Scenario) -> Self {
        Self::since(EPOCH_US + 1, chance, scenario)
    }

    fn since(time_us: u64, chance: &Chance, scenario: &Scenario) -> Self {
        let validators = scenario.validators;
        let persons = validators + BANKS + 1;
        let customer = persons + MEMBERS + 1;
        let second = customer + CUSTOMER_KEYS;
        let rotates = scenario.rotates();
        let count = second + if rotates { validators } else { 0 };
        let keys = match scenario.signatures {
            Signatures::Simulated => {
                Keys::generate(chance, &vec![Algorithm::Ed25519; usize::from(count)])
            }
            Signatures::Real => Keys::generate_real(chance, count),
        };
        let (accounts, reserves) = (accounts(validators), reserves(validators));
        let run_of = |first: u16, count: u16| (first..first + count).map(KeyIndex::new).collect();
        let mut economy = Self {
            genesis: Genesis {
                time_us,
                ..genesis(&keys, scenario, (&accounts, &reserves))
            },
            validators: members(&keys, scenario),
            keys,
            accounts,
            reserves,
            central_bank: bank_key(validators, 0),
            members: run_of(persons, MEMBERS),
            vetoer: KeyIndex::new(persons + MEMBERS),
            customer: run_of(customer, CUSTOMER_KEYS),
            second_keys: rotates.then_some(KeyIndex::new(second)),
            gated: !scenario.gates.is_empty(),
            tuned: scenario.tunes(),
        };
        economy.genesis.authorities = economy.authorities(scenario.governs());
        economy.genesis.check().expect("the economy adds up");
        economy
    }

    /// Who decides about issues or redemptions of a currency.
    ///
    /// # Panics
    /// When it is none of the economy's currencies.
    #[must_use]
    pub fn authority(&self, class: ActionClass) -> AuthorityId {
        let authorities = &self.genesis.authorities;
        let found = authorities
            .iter()
            .find(|authority| authority.class == class);
        found.expect("each currency has its authorities").id
    }

    /// The key that a node's validator may get in the place of that of genesis, in a scenario that rotates keys.
    #[must_use]
    pub fn second_key(&self, node: NodeIndex) -> Option<KeyIndex> {
        let first = self.second_keys?;
        Some(KeyIndex::new(first.get().saturating_add(node.get())))
    }

    /// Whose signatures debits of a holder's account need, as the ledger keeps them.
    ///
    /// # Panics
    /// Never: three different keys fit.
    #[must_use]
    pub fn controllers(&self, holder: Holder) -> Controllers {
        match holder {
            Holder::Bank => Controllers::Participant,
            Holder::Customer => {
                let keys = self.customer.iter().map(|key| self.keys.public(*key));
                let mut keys: Vec<_> = keys.cloned().collect();
                keys.sort();
                let controllers = ControllerKeys::new(THRESHOLD, keys);
                Controllers::Keys(controllers.expect("three different keys fit"))
            }
        }
    }

    /// The keys that sign for debits of an account.
    #[must_use]
    pub fn signers(&self, account: &OwnedAccount) -> Vec<KeyIndex> {
        match account.holder {
            Holder::Bank => vec![account.key],
            Holder::Customer => self.customer[..usize::from(THRESHOLD)].to_vec(),
        }
    }

    /// The accounts of one bank that clients may open, by their number.
    #[must_use]
    pub fn opened_id(participant: ParticipantNumber, number: u8) -> AccountId {
        account_id(participant, OPENED, number)
    }

    /// Who decides about each currency; and about validators, gates and parameters, in a scenario that changes them.
    fn authorities(&self, governs: bool) -> Vec<Authority> {
        let members: Vec<_> = self
            .members
            .iter()
            .map(|key| self.keys.public(*key))
            .collect();
        let classes = CURRENCIES.iter().flat_map(|name| {
            let code = code(name);
            [
                (ActionClass::Issue(code), ROLLING_CAP, 0),
                (ActionClass::Redeem(code), ROLLING_CAP, REDEMPTION_DELAY_MS),
            ]
        });
        let of_set = governs.then_some((ActionClass::Validators, 0, 0));
        let releases = self.gated.then_some((ActionClass::Releases, 0, 0));
        let of_parameters = self.tuned.then_some((ActionClass::Parameters, 0, 0));
        (1..)
            .zip(classes.chain(of_set).chain(releases).chain(of_parameters))
            .map(|(id, (class, rolling_cap, delay_ms))| Authority {
                id: AuthorityId::new(id),
                class,
                participant: CENTRAL_BANK,
                members: members.iter().copied().cloned().collect(),
                threshold: THRESHOLD,
                rolling_cap: Units::new(u128::from(rolling_cap)),
                delay_ms,
                vetoers: vec![self.keys.public(self.vetoer).clone()],
            })
            .collect()
    }
}

fn genesis(
    keys: &Keys,
    scenario: &Scenario,
    (accounts, reserves): (&[OwnedAccount], &[OwnedAccount]),
) -> Genesis {
    let payable = accounts
        .iter()
        .map(|account| genesis_account(account, AccountKind::Wholesale, BALANCE));
    let reserves = reserves
        .iter()
        .map(|account| genesis_account(account, AccountKind::Reserve, RESERVE));
    let mut accounts: Vec<_> = payable.chain(reserves).collect();
    accounts.sort_by_key(|account| account.id);
    Genesis {
        version: Genesis::VERSION,
        chain_id: "simulation".to_owned(),
        network: NetworkPrefix::new("sim").expect("three small letters"),
        time_us: EPOCH_US,
        constants: Constants::default(),
        currencies: CURRENCIES.iter().zip(0_u8..).map(currency).collect(),
        participants: participants(keys, scenario.validators),
        accounts,
        authorities: Vec::new(),
        validators: validator_set(keys, scenario),
        parameters: scenario.parameters,
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
    let of_bank = BALANCE * u64::from(ACCOUNTS_PER_BANK) + RESERVE;
    let issued = u128::from(of_bank) * u128::from(BANKS);
    GenesisCurrency {
        code: code(name),
        scale: Scale::new(3).expect("three decimals are allowed"),
        issuance_account: account_id(CENTRAL_BANK, 0, position),
        cap: Units::new(issued + u128::from(ROLLING_CAP) / 2),
        rolling_cap: Units::new(u128::from(ROLLING_CAP)),
        issued: Units::new(issued),
    }
}

fn accounts(validators: u16) -> Vec<OwnedAccount> {
    let mut accounts = Vec::new();
    for bank in 1..=BANKS {
        for (name, purpose) in CURRENCIES.into_iter().zip(1..) {
            let numbers = 0..ACCOUNTS_PER_BANK;
            accounts.extend(numbers.map(|number| owned(validators, bank, name, (purpose, number))));
        }
    }
    accounts
}

fn reserves(validators: u16) -> Vec<OwnedAccount> {
    let each = |bank| {
        let currencies = CURRENCIES.into_iter().zip(0..);
        currencies.map(move |(name, number)| owned(validators, bank, name, (RESERVES, number)))
    };
    (1..=BANKS).flat_map(each).collect()
}

fn owned(validators: u16, bank: u16, name: &str, (purpose, number): (u8, u8)) -> OwnedAccount {
    let participant = ParticipantNumber::new(u32::from(bank) + 1);
    OwnedAccount {
        id: account_id(participant, purpose, number),
        currency: code(name),
        participant,
        key: bank_key(validators, bank),
        holder: Holder::Bank,
    }
}

fn genesis_account(account: &OwnedAccount, kind: AccountKind, balance: u64) -> GenesisAccount {
    GenesisAccount {
        id: account.id,
        currency: account.currency,
        kind,
        controllers: Controllers::Participant,
        balance: Amount::new(balance).expect("a million is an amount"),
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

fn members(keys: &Keys, scenario: &Scenario) -> Vec<Validator> {
    let member = |node: NodeIndex| Validator {
        id: validator_of(node),
        power: VotingPower::new(scenario.power_of(node)),
        key: keys.public(key_of(node)).clone(),
        declared: Declared::default(),
    };
    let nodes = (0..scenario.validators).map(NodeIndex::new);
    nodes.map(member).collect()
}

fn validator_set(keys: &Keys, scenario: &Scenario) -> ValidatorSet {
    let outsiders = scenario.outsiders();
    let is_member =
        |member: &Validator| node_of(member.id).is_some_and(|node| !outsiders.contains(&node));
    let mut members = members(keys, scenario);
    members.retain(is_member);
    ValidatorSet::new(members).expect("ids ascend and keys differ")
}

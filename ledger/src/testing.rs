//! A small world for tests: one central bank, two banks, a ministry, their keys, accounts and authorities.
//!
//! Invariant: everything follows from fixed seeds, so encodings and hashes of it can be frozen.
//! Shape: currency AED has 2 decimals and is in circulation, BHD has 3 and is not. Authority 1 issues and authority 2 redeems AED by
//! two of three; authority 3 issues AED with a delay of an hour and a vetoer.
#![allow(
    clippy::arithmetic_side_effects,
    reason = "a test that overflows should panic"
)]

use borsh::BorshSerialize;
use ed25519_dalek::{Signer, SigningKey};
use falaj_consensus::crypto::{Algorithm, PublicKey, Signature};
use falaj_consensus::params::Parameters;
use falaj_consensus::types::{
    ChainContext, Hash32, Height, Round, ValidatorId, ValidatorIndex, VotingPower,
};
use falaj_consensus::validator_set::{Declared, Validator, ValidatorSet};
use std::sync::Arc;

use crate::account::{AccountId, AccountKind, ControllerKeys, Controllers, NetworkPrefix};
use crate::amount::{Amount, Scale, Units};
use crate::authority::{ActionClass, Authority, AuthorityId};
use crate::block::BlockInput;
use crate::currency::CurrencyCode;
use crate::execute::{Executed, execute};
use crate::genesis::{Constants, Genesis, GenesisAccount, GenesisCurrency};
use crate::participant::{
    Country, Participant, ParticipantKey, ParticipantNumber, ParticipantStatus, Roles,
};
use crate::proposal::{Action, SupplyChange};
use crate::receipt::Verdict;
use crate::reference::{Reference, References};
use crate::set_change::{Entry, SetChange};
use crate::state::State;
use crate::transaction::{
    Approval, Flags, Op, OpenAccount, Propose, SignedTx, Transfer, TxBody, TxId, sign_bytes,
};
use crate::validate::{CheckedTx, Rules};

/// The time of the genesis, in milliseconds: 2026-07-01, noon UTC.
pub const GENESIS_MS: u64 = 1_782_907_200_000;
/// The central bank.
pub const CENTRAL_BANK: ParticipantNumber = ParticipantNumber::new(1);
/// The first bank; its key signs for customers 1 and 2, customer 3 has keys of its own.
pub const BANK_A: ParticipantNumber = ParticipantNumber::new(2);
/// The second bank.
pub const BANK_B: ParticipantNumber = ParticipantNumber::new(3);
/// A public body.
pub const MINISTRY: ParticipantNumber = ParticipantNumber::new(4);
/// What each bank's reserve account holds at genesis, in minor units.
pub const RESERVE_UNITS: u64 = 100_000_000;
/// What each customer's account holds at genesis, in minor units.
pub const CUSTOMER_UNITS: u64 = 100_000;
/// The currency's cap, in minor units.
pub const CAP_UNITS: u128 = 1_000_000_000;
/// The currency's rolling cap, in minor units.
pub const ROLLING_CAP_UNITS: u128 = 100_000_000;

/// A software key of a fixed seed.
#[derive(Clone, Debug)]
pub struct Key(SigningKey);

impl Key {
    /// The key of a number.
    #[must_use]
    pub fn new(seed: u64) -> Self {
        let mut bytes = [0x5a; 32];
        bytes[..8].copy_from_slice(&seed.to_be_bytes());
        Self(SigningKey::from_bytes(&bytes))
    }

    /// Its public half.
    ///
    /// # Panics
    /// Never: an Ed25519 key has 32 bytes.
    #[must_use]
    pub fn public(&self) -> PublicKey {
        PublicKey::new(
            Algorithm::Ed25519,
            self.0.verifying_key().to_bytes().to_vec(),
        )
        .expect("32 bytes")
    }

    /// Its secret half, for tests of key files.
    #[must_use]
    pub fn seed(&self) -> [u8; 32] {
        self.0.to_bytes()
    }

    /// Its signature.
    ///
    /// # Panics
    /// Never: an Ed25519 signature has 64 bytes.
    #[must_use]
    pub fn sign(&self, message: &[u8]) -> Signature {
        Signature::new(self.0.sign(message).to_bytes().to_vec()).expect("64 bytes")
    }
}

/// A key of the world, by what it is for.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Who {
    /// A participant's own key.
    Participant(ParticipantNumber),
    /// A participant's key that speaks from height 10 on.
    Later(ParticipantNumber),
    /// A person of the authorities, 0 to 2.
    Member(u64),
    /// The vetoer of authority 3.
    Vetoer,
    /// A key of customer 3 of bank A, 0 to 2; two must sign.
    Customer(u64),
    /// A key of a validator.
    Validator(u64),
    /// A key that is nobody's.
    Nobody,
}

impl Who {
    /// The key.
    #[must_use]
    pub fn key(self) -> Key {
        let (kind, number) = match self {
            Self::Participant(number) => (1, u64::from(number.get())),
            Self::Later(number) => (2, u64::from(number.get())),
            Self::Member(number) => (3, number),
            Self::Vetoer => (4, 0),
            Self::Customer(number) => (5, number),
            Self::Validator(number) => (6, number),
            Self::Nobody => (7, 0),
        };
        Key::new(kind << 32 | number)
    }
}

/// The world's main currency.
///
/// # Panics
/// Never.
#[must_use]
pub fn aed() -> CurrencyCode {
    CurrencyCode::parse("AED").expect("three capitals")
}

/// Its other currency.
///
/// # Panics
/// Never.
#[must_use]
pub fn bhd() -> CurrencyCode {
    CurrencyCode::parse("BHD").expect("three capitals")
}

/// An amount of so many minor units.
///
/// # Panics
/// Above the maximum.
#[must_use]
pub fn amount(minor_units: u64) -> Amount {
    Amount::new(minor_units).expect("an amount")
}

/// An account id of a participant by number: 0 is the reserve, 1 to 3 customers, 9 the issuance account of the central bank.
#[must_use]
pub fn account(participant: ParticipantNumber, number: u8) -> AccountId {
    let mut chosen = [0; 12];
    chosen[11] = number;
    AccountId::new(participant, chosen)
}

/// The genesis of the world.
///
/// # Panics
/// Never.
#[must_use]
pub fn genesis() -> Genesis {
    Genesis {
        version: Genesis::VERSION,
        chain_id: "falaj-test-1".to_owned(),
        network: NetworkPrefix::new("tfalaj").expect("small letters"),
        time_us: GENESIS_MS * 1_000,
        constants: Constants::default(),
        currencies: vec![currency(aed(), 2, 9, held()), currency(bhd(), 3, 8, 0)],
        participants: vec![
            participant(CENTRAL_BANK, Roles::CENTRAL_BANK),
            participant(BANK_A, Roles::INTERMEDIARY),
            participant(BANK_B, Roles::INTERMEDIARY),
            participant(MINISTRY, Roles::GOVERNMENT),
        ],
        accounts: [BANK_A, BANK_B]
            .into_iter()
            .flat_map(bank_accounts)
            .collect(),
        authorities: vec![
            authority(1, ActionClass::Issue(aed()), 0, false),
            authority(2, ActionClass::Redeem(aed()), 0, false),
            authority(3, ActionClass::Issue(aed()), 3_600_000, true),
        ],
        validators: validators(),
        parameters: Parameters::default(),
    }
}

/// The same with three authorities more: 4 decides the parameters, 5 the validators and 6 the feature gates.
#[must_use]
pub fn genesis_governed() -> Genesis {
    let mut genesis = genesis();
    let classes = [
        ActionClass::Parameters,
        ActionClass::Validators,
        ActionClass::Releases,
    ];
    for (number, class) in (4..).zip(classes) {
        genesis.authorities.push(Authority {
            rolling_cap: Units::ZERO,
            ..authority(number, class, 0, false)
        });
    }
    genesis
}

/// The same with one validator alone, of this key.
///
/// # Panics
/// Never.
#[must_use]
pub fn genesis_of_one(key: PublicKey) -> Genesis {
    let member = Validator {
        id: ValidatorId::new(1),
        power: VotingPower::new(1),
        key,
        declared: Declared::default(),
    };
    Genesis {
        validators: ValidatorSet::new(vec![member]).expect("one member"),
        ..genesis()
    }
}

fn held() -> u128 {
    2 * (u128::from(RESERVE_UNITS) + 3 * u128::from(CUSTOMER_UNITS))
}

fn currency(code: CurrencyCode, decimals: u8, issuance: u8, issued: u128) -> GenesisCurrency {
    GenesisCurrency {
        code,
        scale: Scale::new(decimals).expect("at most 5"),
        issuance_account: account(CENTRAL_BANK, issuance),
        cap: Units::new(CAP_UNITS),
        rolling_cap: Units::new(ROLLING_CAP_UNITS),
        issued: Units::new(issued),
    }
}

fn participant(number: ParticipantNumber, roles: Roles) -> Participant {
    let key = |who: Who, from| ParticipantKey {
        key: who.key().public(),
        valid_from: Height::new(from),
        valid_until: None,
    };
    Participant {
        number,
        identity: Hash32::new([number.get().to_be_bytes()[3]; 32]),
        roles,
        parent: None,
        status: ParticipantStatus::Active,
        residency: Country::parse("AE").expect("two capitals"),
        quota: 10_000,
        keys: vec![
            key(Who::Participant(number), 1),
            key(Who::Later(number), 10),
        ],
    }
}

fn bank_accounts(bank: ParticipantNumber) -> Vec<GenesisAccount> {
    let own = |number, kind, controllers, units| GenesisAccount {
        id: account(bank, number),
        currency: aed(),
        kind,
        controllers,
        balance: amount(units),
        kyc: None,
    };
    let mut keys: Vec<_> = (0..3)
        .map(|number| Who::Customer(number).key().public())
        .collect();
    keys.sort();
    let two_of_three = ControllerKeys::new(2, keys).expect("two of three ascending keys");
    vec![
        own(
            0,
            AccountKind::Reserve,
            Controllers::Participant,
            RESERVE_UNITS,
        ),
        own(
            1,
            AccountKind::Retail1,
            Controllers::Participant,
            CUSTOMER_UNITS,
        ),
        own(
            2,
            AccountKind::Retail1,
            Controllers::Participant,
            CUSTOMER_UNITS,
        ),
        own(
            3,
            AccountKind::Retail2,
            Controllers::Keys(two_of_three),
            CUSTOMER_UNITS,
        ),
    ]
}

fn authority(number: u32, class: ActionClass, delay_ms: u64, veto: bool) -> Authority {
    Authority {
        id: AuthorityId::new(number),
        class,
        participant: CENTRAL_BANK,
        members: (0..3)
            .map(|member| Who::Member(member).key().public())
            .collect(),
        threshold: 2,
        rolling_cap: Units::new(ROLLING_CAP_UNITS),
        delay_ms,
        vetoers: if veto {
            vec![Who::Vetoer.key().public()]
        } else {
            Vec::new()
        },
    }
}

fn validators() -> ValidatorSet {
    let members = (1..=4).map(|number| validator(number, 1, number.into()));
    ValidatorSet::new(members.collect()).expect("four validators")
}

/// A validator with that power, and the key of that number.
#[must_use]
pub fn validator(id: u32, power: u64, key: u64) -> Validator {
    Validator {
        id: ValidatorId::new(id),
        power: VotingPower::new(power),
        key: Who::Validator(key).key().public(),
        declared: Declared::default(),
    }
}

/// A step from a set: who enters or changes, as (id, power, number of the key), and who leaves. Every key that is new proves itself.
#[must_use]
pub fn set_change(
    chain: &ChainContext,
    set: &ValidatorSet,
    entries: &[(u32, u64, u64)],
    leaving: &[u32],
) -> SetChange {
    let entry = |(id, power, key): &(u32, u64, u64)| Entry {
        validator: validator(*id, *power, *key),
        possession: None,
    };
    let mut change = SetChange {
        base: set.hash(),
        entries: entries.iter().map(entry).collect(),
        leaving: leaving.iter().copied().map(ValidatorId::new).collect(),
    };
    let unproven = change.clone();
    for (entry, (_, _, key)) in change.entries.iter_mut().zip(entries) {
        if set.index_of_key(&entry.validator.key).is_none() {
            let bytes = unproven.possession_bytes(&chain.chain_id, &entry.validator);
            entry.possession = Some(Who::Validator(*key).key().sign(&bytes));
        }
    }
    change
}

/// A transfer of AED without any of its options.
#[must_use]
pub fn transfer(debit: AccountId, credit: AccountId, minor_units: u64) -> Transfer {
    Transfer {
        debit,
        credit,
        currency: aed(),
        amount: amount(minor_units),
        max_fee: Amount::ZERO,
        code: 0,
        credit_participant: None,
        expected_version: None,
        references: References::default(),
        flags: Flags::NONE,
    }
}

/// Opening of an AED account that the bank signs for.
#[must_use]
pub fn open(account: AccountId) -> OpenAccount {
    OpenAccount {
        account,
        currency: aed(),
        kind: AccountKind::Retail0,
        controllers: Controllers::Participant,
        kyc: None,
        flags: Flags::NONE,
    }
}

/// An issue or redemption of AED with a reserve account, under an RTGS reference.
///
/// # Panics
/// If the text is no reference.
#[must_use]
pub fn supply_change(account: AccountId, minor_units: u64, rtgs_reference: &str) -> SupplyChange {
    SupplyChange {
        currency: aed(),
        account,
        amount: amount(minor_units),
        rtgs_reference: Reference::new(rtgs_reference).expect("a reference"),
    }
}

/// A proposal to an authority.
#[must_use]
pub const fn propose(authority: u32, action: Action) -> Op {
    Op::Propose(Propose {
        authority: AuthorityId::new(authority),
        action,
        flags: Flags::NONE,
    })
}

/// A chain in memory that executes one block after another.
#[derive(Clone, Debug)]
pub struct Ledger {
    /// The state after the last block.
    pub state: State,
    /// What the last block gave.
    pub last: Option<Executed>,
    chain: ChainContext,
    next_id: u64,
}

impl Default for Ledger {
    fn default() -> Self {
        Self::new(&genesis())
    }
}

impl Ledger {
    /// Opens a genesis.
    ///
    /// # Panics
    /// If it does not add up.
    #[must_use]
    pub fn new(genesis: &Genesis) -> Self {
        let state = State::open(genesis).expect("a genesis that adds up").state;
        Self {
            state,
            last: None,
            chain: genesis.chain(),
            next_id: 0,
        }
    }

    /// Identity of the chain.
    #[must_use]
    pub const fn chain(&self) -> &ChainContext {
        &self.chain
    }

    /// The rules of the chain.
    #[must_use]
    pub fn rules(&self) -> Rules {
        self.state.rules()
    }

    /// Time of the last block in milliseconds.
    #[must_use]
    pub fn time_ms(&self) -> u64 {
        self.state.time_us() / 1_000
    }

    /// A body that is valid from now on, as long as its id allows.
    ///
    /// # Panics
    /// At 2^48 milliseconds.
    pub fn body(&mut self, participant: ParticipantNumber, op: Op) -> TxBody {
        self.next_id += 1;
        let mut chance = [0; 10];
        chance[2..].copy_from_slice(&self.next_id.to_be_bytes());
        let time_ms = self.time_ms();
        TxBody {
            version: TxBody::VERSION,
            genesis_hash: self.chain.genesis_hash,
            participant,
            id: TxId::new(time_ms, chance).expect("48 bits of time"),
            valid_from_ms: time_ms,
            valid_until_ms: time_ms + self.state.chain().constants.id_window_ms,
            op,
        }
    }

    /// Signs a body.
    ///
    /// # Panics
    /// If nobody signs, or somebody twice.
    #[must_use]
    pub fn sign(&self, body: TxBody, signers: &[Who]) -> SignedTx {
        let message = sign_bytes(&self.chain, &body);
        let approval = |who: &Who| {
            let key = who.key();
            Approval {
                public_key: key.public(),
                signature: key.sign(&message),
            }
        };
        SignedTx::new(body, signers.iter().map(approval).collect()).expect("distinct signers")
    }

    /// A new transaction of a participant, signed and checked.
    ///
    /// # Panics
    /// If it does not pass its checks.
    pub fn tx(
        &mut self,
        participant: ParticipantNumber,
        op: Op,
        signers: &[Who],
    ) -> Arc<CheckedTx> {
        let body = self.body(participant, op);
        self.checked(body, signers)
    }

    /// A body, signed and checked.
    ///
    /// # Panics
    /// If it does not pass its checks.
    #[must_use]
    pub fn checked(&self, body: TxBody, signers: &[Who]) -> Arc<CheckedTx> {
        let bytes = self.sign(body, signers).to_bytes();
        let checker = falaj_consensus::verify::RealChecker;
        crate::validate::check(&self.rules(), &checker, &bytes).expect("a right transaction")
    }

    /// Executes the next block, a second later.
    pub fn block(&mut self, transactions: Vec<Arc<CheckedTx>>) -> Vec<Verdict> {
        self.block_at(self.state.time_us() + 1_000_000, transactions)
    }

    /// Executes the next block at a time.
    pub fn block_at(&mut self, time_us: u64, transactions: Vec<Arc<CheckedTx>>) -> Vec<Verdict> {
        let block = self.input(time_us, transactions);
        let executed = execute(&self.state, &block);
        let verdicts = executed
            .receipts
            .iter()
            .map(|receipt| receipt.verdict)
            .collect();
        self.state = executed.state.clone();
        self.last = Some(executed);
        verdicts
    }

    /// The next block at a time.
    #[must_use]
    pub fn input(&self, time_us: u64, transactions: Vec<Arc<CheckedTx>>) -> BlockInput {
        BlockInput {
            height: self.state.height().next(),
            time_us,
            header_round: Round::new(0),
            proposer: ValidatorIndex::new(0),
            transactions,
            offences: Vec::new(),
        }
    }

    /// Executes one new transaction in a block of its own.
    pub fn run(&mut self, participant: ParticipantNumber, op: Op, signers: &[Who]) -> Verdict {
        let tx = self.tx(participant, op, signers);
        self.block(vec![tx])[0]
    }

    /// What an account holds.
    ///
    /// # Panics
    /// If it is not there.
    #[must_use]
    pub fn posted(&self, id: AccountId) -> i128 {
        self.state.account(id).expect("an account").posted()
    }
}

/// Small hexadecimal of a value's encoding, for frozen vectors.
#[must_use]
pub fn hex<T: BorshSerialize>(value: &T) -> String {
    data_encoding::HEXLOWER.encode(&falaj_consensus::hash::encode(value))
}

//! The economy of a testnet: one central bank, some banks, their customers' accounts, and the persons who issue and redeem.
//!
//! Invariant: everything a genesis needs beside the validators follows from a [`Plan`] and its keys, and the genesis passed its own check.
//! Shapes and units: amounts in minor units of the one currency, XTS (ISO 4217's code for testing) with two decimals.
//! Source: `docs/guide/testnet.md`, "The economy".

use anyhow::{Context as _, Result, ensure};
use falaj_consensus::hash::sha256;
use falaj_consensus::params::Parameters;
use falaj_consensus::types::Height;
use falaj_consensus::validator_set::ValidatorSet;
use falaj_ledger::account::{AccountId, AccountKind, Controllers, NetworkPrefix};
use falaj_ledger::amount::{Amount, Scale, Units};
use falaj_ledger::authority::{ActionClass, Authority, AuthorityId};
use falaj_ledger::currency::CurrencyCode;
use falaj_ledger::genesis::{Constants, Genesis, GenesisAccount, GenesisCurrency};
use falaj_ledger::participant::{
    Country, Participant, ParticipantKey, ParticipantNumber, ParticipantStatus, Roles,
};

use crate::keyring::KeyRing;
use crate::keys::SoftKey;

/// Decimals of the currency.
pub const SCALE: u8 = 2;
/// Number of the central bank.
pub const CENTRAL_BANK: ParticipantNumber = ParticipantNumber::new(1);
/// The authority that issues, by two of its three persons.
pub const ISSUER: AuthorityId = AuthorityId::new(1);
/// The authority that redeems, by two of its three persons.
pub const REDEEMER: AuthorityId = AuthorityId::new(2);
/// The authority over the parameters of consensus, by two of the three issuers.
pub const TUNER: AuthorityId = AuthorityId::new(3);
/// The authority over the validator set, by two of the three issuers.
pub const ENROLLER: AuthorityId = AuthorityId::new(4);
/// The authority over feature gates, by two of the three issuers.
pub const RELEASER: AuthorityId = AuthorityId::new(5);
/// Persons of an authority.
pub const PERSONS: u32 = 3;
/// How many of them must approve.
pub const THRESHOLD: u8 = 2;

/// Number of the first bank; the others follow.
const FIRST_BANK: u32 = 11;
/// What may be in circulation, and move in a day: far above what a day of any file of payments needs.
const CAP: Units = Units::new(1_000_000_000_000_000_000_000);
/// Pinned failures that a participant may have at a time.
const QUOTA: u32 = 1_000_000;

/// How large the economy is.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Plan {
    /// Banks beside the central bank.
    pub banks: u32,
    /// Customers' accounts of each bank.
    pub customers: u32,
    /// What each customer begins with, in minor units.
    pub customer_units: u64,
    /// What each bank's reserve begins with, in minor units.
    pub reserve_units: u64,
}

impl Default for Plan {
    /// Four banks of 250 customers with a million each.
    fn default() -> Self {
        Self {
            banks: 4,
            customers: 250,
            customer_units: 100_000_000,
            reserve_units: 100_000_000_000,
        }
    }
}

/// Number of a bank, counted from 0.
#[must_use]
pub const fn bank_number(bank: u32) -> ParticipantNumber {
    ParticipantNumber::new(FIRST_BANK.saturating_add(bank))
}

/// The currency of every testnet.
///
/// # Panics
/// Never: three capital letters.
#[must_use]
pub fn currency() -> CurrencyCode {
    CurrencyCode::parse("XTS").expect("three capital letters")
}

/// A bank's reserve account.
#[must_use]
pub fn reserve_of(bank: ParticipantNumber) -> AccountId {
    AccountId::new(bank, chosen(1, 0))
}

/// A customer's account.
#[must_use]
pub fn customer_of(bank: ParticipantNumber, customer: u32) -> AccountId {
    AccountId::new(bank, chosen(2, customer))
}

/// The issuance account.
#[must_use]
pub fn issuance() -> AccountId {
    AccountId::new(CENTRAL_BANK, chosen(0, 0))
}

fn chosen(kind: u8, number: u32) -> [u8; 12] {
    let mut bytes = [0; 12];
    bytes[0] = kind;
    bytes[8..].copy_from_slice(&number.to_be_bytes());
    bytes
}

/// What a genesis has beside the economy.
pub struct Chain {
    /// Human name of the chain.
    pub id: String,
    /// Time before the first block, in microseconds since the Unix epoch.
    pub time_us: u64,
    /// Who votes.
    pub validators: ValidatorSet,
    /// How they vote.
    pub parameters: Parameters,
}

/// Builds a genesis that adds up.
///
/// # Errors
/// When the plan's sums do not fit or the genesis does not pass its own check.
pub fn genesis(chain: Chain, plan: &Plan, keys: &KeyRing) -> Result<Genesis> {
    ensure!(!keys.banks.is_empty(), "a testnet needs at least one bank");
    let accounts = accounts(plan, keys)?;
    let balances = accounts.iter().map(|account| account.balance.units());
    let issued = balances
        .into_iter()
        .try_fold(Units::ZERO, Units::checked_add);
    let genesis = Genesis {
        version: Genesis::VERSION,
        chain_id: chain.id,
        network: NetworkPrefix::new("falajtest").context("the network's prefix")?,
        time_us: chain.time_us,
        constants: Constants::default(),
        currencies: vec![GenesisCurrency {
            code: currency(),
            scale: Scale::new(SCALE).context("the currency's scale")?,
            issuance_account: issuance(),
            cap: CAP,
            rolling_cap: CAP,
            issued: issued.context("the balances do not fit")?,
        }],
        participants: participants(keys)?,
        accounts,
        authorities: authorities(keys),
        validators: chain.validators,
        parameters: chain.parameters,
    };
    genesis.check().context("the genesis does not add up")?;
    Ok(genesis)
}

fn accounts(plan: &Plan, keys: &KeyRing) -> Result<Vec<GenesisAccount>> {
    let account = |id, kind, units| -> Result<GenesisAccount> {
        Ok(GenesisAccount {
            id,
            currency: currency(),
            kind,
            controllers: Controllers::Participant,
            balance: Amount::new(units).context("a balance is above the greatest amount")?,
            kyc: None,
        })
    };
    let mut accounts = Vec::new();
    for (bank, _) in &keys.banks {
        accounts.push(account(
            reserve_of(*bank),
            AccountKind::Reserve,
            plan.reserve_units,
        )?);
        for customer in 0..plan.customers {
            let id = customer_of(*bank, customer);
            accounts.push(account(id, AccountKind::Retail3, plan.customer_units)?);
        }
    }
    Ok(accounts)
}

fn participants(keys: &KeyRing) -> Result<Vec<Participant>> {
    let participant = |number: ParticipantNumber, roles, key: &SoftKey| -> Result<Participant> {
        Ok(Participant {
            number,
            identity: sha256(format!("testnet participant {number}").as_bytes()),
            roles,
            parent: None,
            status: ParticipantStatus::Active,
            residency: Country::parse("AE").context("a country")?,
            quota: QUOTA,
            keys: vec![ParticipantKey {
                key: key.public().clone(),
                valid_from: Height::new(1),
                valid_until: None,
            }],
        })
    };
    let mut all = vec![participant(
        CENTRAL_BANK,
        Roles::CENTRAL_BANK,
        &keys.central_bank,
    )?];
    for (number, key) in &keys.banks {
        all.push(participant(*number, Roles::INTERMEDIARY, key)?);
    }
    Ok(all)
}

fn authorities(keys: &KeyRing) -> Vec<Authority> {
    let authority = |id, class: ActionClass, members: &[SoftKey]| Authority {
        id,
        class,
        participant: CENTRAL_BANK,
        members: members
            .iter()
            .map(|member| member.public().clone())
            .collect(),
        threshold: THRESHOLD,
        rolling_cap: if class.currency().is_some() {
            CAP
        } else {
            Units::ZERO
        },
        delay_ms: 0,
        vetoers: Vec::new(),
    };
    vec![
        authority(
            ISSUER,
            ActionClass::Issue(currency()),
            &keys.persons.issuers,
        ),
        authority(
            REDEEMER,
            ActionClass::Redeem(currency()),
            &keys.persons.redeemers,
        ),
        authority(TUNER, ActionClass::Parameters, &keys.persons.issuers),
        authority(ENROLLER, ActionClass::Validators, &keys.persons.issuers),
        authority(RELEASER, ActionClass::Releases, &keys.persons.issuers),
    ]
}

#[cfg(test)]
mod tests {
    use super::*;
    use falaj_consensus::types::{ValidatorId, VotingPower};
    use falaj_consensus::validator_set::{Declared, Validator};

    fn chain() -> Chain {
        let member = |number: u32| Validator {
            id: ValidatorId::new(number),
            power: VotingPower::new(1),
            key: SoftKey::from_seed([u8::try_from(number).unwrap(); 32])
                .public()
                .clone(),
            declared: Declared::default(),
        };
        Chain {
            id: "testnet".into(),
            time_us: 1_782_907_200_000_000,
            validators: ValidatorSet::new((1..=4).map(member).collect()).unwrap(),
            parameters: Parameters::default(),
        }
    }

    fn plan() -> Plan {
        Plan {
            banks: 2,
            customers: 3,
            customer_units: 5,
            reserve_units: 7,
        }
    }

    // Goal: the economy of every plan is a genesis that the ledger opens.
    #[test]
    fn a_plan_makes_a_genesis_that_adds_up() {
        let keys = KeyRing::generate(&plan()).unwrap();
        let genesis = genesis(chain(), &plan(), &keys).unwrap();
        assert_eq!(genesis.currencies[0].issued.get(), 2 * (7 + 3 * 5));
        assert_eq!(genesis.accounts.len(), 8);
        let again = Genesis::from_json(&genesis.to_json()).unwrap();
        assert_eq!(again.hash(), genesis.hash());
    }

    #[test]
    fn an_economy_without_banks_is_refused() {
        let plan = Plan { banks: 0, ..plan() };
        let keys = KeyRing::generate(&plan).unwrap();
        assert!(genesis(chain(), &plan, &keys).is_err());
    }

    #[test]
    fn a_balance_above_the_greatest_amount_is_refused() {
        let plan = Plan {
            customer_units: u64::MAX,
            ..plan()
        };
        let keys = KeyRing::generate(&plan).unwrap();
        assert!(genesis(chain(), &plan, &keys).is_err());
    }

    // Goal: what is written to a folder is what the programs that use it read.
    #[test]
    fn keys_are_written_one_a_file() {
        let folder = tempfile::tempdir().unwrap();
        let keys = KeyRing::generate(&plan()).unwrap();
        let files = keys.write(folder.path()).unwrap();
        assert_eq!(files.len(), 3);
        for ((number, file), key) in files.iter().skip(1).zip(&keys.banks) {
            let (read, signer) = SoftKey::read(file).unwrap();
            assert_eq!((read, signer.public()), (*number, key.1.public()));
        }
        let persons = crate::keyring::Persons::read(folder.path()).unwrap();
        assert_eq!(
            persons.issuers[2].public(),
            keys.persons.issuers[2].public()
        );
        assert_eq!(persons.redeemers.len(), 3);
    }
}

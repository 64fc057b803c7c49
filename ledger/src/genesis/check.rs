//! Whether a genesis adds up: order, bounds, references between its parts, keys, and the money.
//!
//! Invariant: what passes can be opened as a state in which every invariant of the ledger holds.
//! Errors: the first fault in the order of the fields, with the name of the entry it is in.
//! Source: `docs/spec/ledger.md`, "Genesis".

use alloc::borrow::ToOwned;
use alloc::collections::{BTreeMap, BTreeSet};
use alloc::format;
use falaj_consensus::crypto::PublicKey;
use falaj_consensus::message::SUPPLY_ENTRIES_MAX;

use super::error::GenesisError;
use super::{
    CHAIN_ID_BYTES_MAX, Constants, GENESIS_LIST_MAX, Genesis, GenesisAccount, GenesisCurrency,
};
use crate::account::{AccountId, AccountKind, Controllers};
use crate::amount::Units;
use crate::authority::{AUTHORITY_MEMBERS_MAX, Authority, QUORUM_MIN};
use crate::currency::CurrencyCode;
use crate::participant::{PARTICIPANT_KEYS_MAX, Participant, ParticipantNumber, Roles};

const MINUTE_MS: u64 = 60_000;
const DAY_MS: u64 = 24 * 60 * MINUTE_MS;
/// Nine thousand years: room for every deadline added to it.
const TIME_US_MAX: u64 = 1 << 58;

pub(super) fn check(genesis: &Genesis) -> Result<(), GenesisError> {
    check_head(genesis)?;
    genesis.parameters.check()?;
    check_counts(genesis)?;
    check_order(genesis)?;
    let index = Index::new(genesis);
    genesis
        .currencies
        .iter()
        .try_for_each(|currency| check_currency(&index, currency))?;
    genesis
        .participants
        .iter()
        .try_for_each(|participant| check_participant(&index, participant))?;
    genesis
        .accounts
        .iter()
        .try_for_each(|account| check_account(&index, &genesis.constants, account))?;
    genesis
        .authorities
        .iter()
        .try_for_each(|authority| check_authority(&index, &genesis.constants, authority))?;
    check_keys(genesis)?;
    check_issuance_accounts(genesis)?;
    genesis
        .currencies
        .iter()
        .try_for_each(|currency| check_sum(genesis, currency))
}

fn check_head(genesis: &Genesis) -> Result<(), GenesisError> {
    if genesis.version != Genesis::VERSION {
        return Err(GenesisError::Version(genesis.version));
    }
    let id = &genesis.chain_id;
    let letters = id
        .bytes()
        .all(|byte| matches!(byte, b'a'..=b'z' | b'0'..=b'9' | b'-'));
    if id.is_empty() || id.len() > CHAIN_ID_BYTES_MAX || !letters {
        return Err(GenesisError::ChainId(id.clone()));
    }
    if genesis.time_us == 0 || genesis.time_us > TIME_US_MAX {
        return Err(GenesisError::Time(genesis.time_us));
    }
    let Constants {
        id_window_ms,
        proposal_life_ms,
        fips_strict: _,
    } = genesis.constants;
    within("id_window_ms", id_window_ms, MINUTE_MS, DAY_MS)?;
    within("proposal_life_ms", proposal_life_ms, MINUTE_MS, 7 * DAY_MS)
}

fn within(name: &'static str, value: u64, min: u64, max: u64) -> Result<(), GenesisError> {
    if (min..=max).contains(&value) {
        Ok(())
    } else {
        Err(GenesisError::Constant {
            name,
            value,
            min,
            max,
        })
    }
}

fn check_counts(genesis: &Genesis) -> Result<(), GenesisError> {
    let bounds = [
        (
            "currencies",
            genesis.currencies.len(),
            1,
            SUPPLY_ENTRIES_MAX,
        ),
        (
            "participants",
            genesis.participants.len(),
            1,
            GENESIS_LIST_MAX,
        ),
        ("accounts", genesis.accounts.len(), 0, GENESIS_LIST_MAX),
        (
            "authorities",
            genesis.authorities.len(),
            0,
            GENESIS_LIST_MAX,
        ),
    ];
    for (list, found, min, max) in bounds {
        if !(min..=max).contains(&found) {
            return Err(GenesisError::Count {
                list,
                found,
                min,
                max,
            });
        }
    }
    Ok(())
}

fn check_order(genesis: &Genesis) -> Result<(), GenesisError> {
    ascending(
        "currencies",
        genesis.currencies.iter().map(|currency| currency.code),
    )?;
    ascending(
        "participants",
        genesis
            .participants
            .iter()
            .map(|participant| participant.number),
    )?;
    ascending(
        "accounts",
        genesis.accounts.iter().map(|account| account.id),
    )?;
    ascending(
        "authorities",
        genesis.authorities.iter().map(|authority| authority.id),
    )
}

fn ascending<K: Ord + core::fmt::Debug>(
    list: &'static str,
    keys: impl Iterator<Item = K>,
) -> Result<(), GenesisError> {
    let mut before: Option<K> = None;
    for key in keys {
        if before.as_ref().is_some_and(|before| *before >= key) {
            return Err(GenesisError::Order {
                list,
                entry: format!("{key:?}"),
            });
        }
        before = Some(key);
    }
    Ok(())
}

/// What the parts of a genesis refer to.
struct Index<'a> {
    participants: BTreeMap<ParticipantNumber, &'a Participant>,
    currencies: BTreeSet<CurrencyCode>,
}

impl<'a> Index<'a> {
    fn new(genesis: &'a Genesis) -> Self {
        Self {
            participants: genesis
                .participants
                .iter()
                .map(|entry| (entry.number, entry))
                .collect(),
            currencies: genesis.currencies.iter().map(|entry| entry.code).collect(),
        }
    }

    fn participant(
        &self,
        what: &str,
        number: ParticipantNumber,
    ) -> Result<&'a Participant, GenesisError> {
        let found = self.participants.get(&number).copied();
        found.ok_or_else(|| GenesisError::UnknownParticipant {
            what: what.to_owned(),
            number,
        })
    }

    fn central_bank(&self, what: &str, number: ParticipantNumber) -> Result<(), GenesisError> {
        if self
            .participant(what, number)?
            .roles
            .contains(Roles::CENTRAL_BANK)
        {
            return Ok(());
        }
        Err(GenesisError::NotCentralBank {
            what: what.to_owned(),
            number,
        })
    }

    fn currency(&self, what: &str, code: CurrencyCode) -> Result<(), GenesisError> {
        if self.currencies.contains(&code) {
            return Ok(());
        }
        Err(GenesisError::UnknownCurrency {
            what: what.to_owned(),
            code,
        })
    }
}

fn check_currency(index: &Index<'_>, currency: &GenesisCurrency) -> Result<(), GenesisError> {
    let GenesisCurrency {
        code,
        scale,
        issuance_account,
        cap,
        rolling_cap: _,
        issued,
    } = currency;
    let min = code.scale_min();
    if scale.get() < min {
        return Err(GenesisError::Scale {
            code: *code,
            scale: scale.get(),
            min,
        });
    }
    if issued > cap {
        return Err(GenesisError::AboveCap {
            code: *code,
            issued: issued.get(),
            cap: cap.get(),
        });
    }
    index.central_bank(
        &format!("the issuance account of {code}"),
        issuance_account.opener(),
    )
}

fn check_participant(index: &Index<'_>, participant: &Participant) -> Result<(), GenesisError> {
    let number = participant.number;
    let fault = |fault| Err(GenesisError::Participant { number, fault });
    if number.get() == 0 {
        return fault("number 0 is nobody");
    }
    if participant.quota == 0 {
        return fault("a quota of 0 admits nothing");
    }
    if !(1..=PARTICIPANT_KEYS_MAX).contains(&participant.keys.len()) {
        return fault("a participant has 1 to 16 keys");
    }
    match participant.parent {
        Some(parent) if parent == number => fault("a participant is not its own parent"),
        Some(parent) => index
            .participant(&format!("participant {number}"), parent)
            .map(|_| ()),
        None => Ok(()),
    }
}

fn check_account(
    index: &Index<'_>,
    constants: &Constants,
    account: &GenesisAccount,
) -> Result<(), GenesisError> {
    let what = format!("account {:?}", account.id);
    index.participant(&what, account.id.opener())?;
    index.currency(&what, account.currency)?;
    if account.kind == AccountKind::Issuance {
        return Err(GenesisError::Issuance { id: account.id });
    }
    match &account.controllers {
        Controllers::Participant => Ok(()),
        Controllers::Keys(keys) => keys
            .keys()
            .iter()
            .try_for_each(|key| enrol(constants, &what, key)),
    }
}

fn check_authority(
    index: &Index<'_>,
    constants: &Constants,
    authority: &Authority,
) -> Result<(), GenesisError> {
    let what = format!("authority {}", authority.id);
    index.central_bank(&what, authority.participant)?;
    let currency = authority.class.currency();
    currency.map_or(Ok(()), |code| index.currency(&what, code))?;
    let fault = |fault| {
        Err(GenesisError::Authority {
            id: authority.id,
            fault,
        })
    };
    if currency.is_none() && authority.rolling_cap != Units::ZERO {
        return fault("an authority that moves no money has a rolling cap of 0");
    }
    if authority.members.len() > AUTHORITY_MEMBERS_MAX
        || authority.vetoers.len() > AUTHORITY_MEMBERS_MAX
    {
        return fault("an authority has at most 32 members and 32 vetoers");
    }
    if authority.threshold < QUORUM_MIN {
        return fault("a quorum is at least two persons");
    }
    if usize::from(authority.threshold) > authority.members.len() {
        return fault("the threshold is above the number of members");
    }
    if authority.delay_ms >= constants.proposal_life_ms {
        return fault("the delay outlasts every proposal");
    }
    Ok(())
}

/// One key, one person: nobody speaks for two participants, and no member is counted twice.
fn check_keys(genesis: &Genesis) -> Result<(), GenesisError> {
    let constants = &genesis.constants;
    let mut taken = BTreeSet::new();
    for participant in &genesis.participants {
        let what = format!("participant {}", participant.number);
        let keys = participant.keys.iter().map(|entry| &entry.key);
        distinct(constants, &what, keys, &mut taken)?;
    }
    for authority in &genesis.authorities {
        let what = format!("authority {}", authority.id);
        let persons = || authority.members.iter().chain(&authority.vetoers);
        if persons().any(|key| taken.contains(key)) {
            return Err(GenesisError::SharedKey { what });
        }
        distinct(
            constants,
            &what,
            authority.members.iter(),
            &mut BTreeSet::new(),
        )?;
        distinct(
            constants,
            &what,
            authority.vetoers.iter(),
            &mut BTreeSet::new(),
        )?;
    }
    for validator in genesis.validators.members() {
        enrol(
            constants,
            &format!("validator {}", validator.id),
            &validator.key,
        )?;
    }
    Ok(())
}

fn distinct<'a>(
    constants: &Constants,
    what: &str,
    keys: impl Iterator<Item = &'a PublicKey>,
    taken: &mut BTreeSet<&'a PublicKey>,
) -> Result<(), GenesisError> {
    for key in keys {
        enrol(constants, what, key)?;
        if !taken.insert(key) {
            return Err(GenesisError::SharedKey {
                what: what.to_owned(),
            });
        }
    }
    Ok(())
}

fn enrol(constants: &Constants, what: &str, key: &PublicKey) -> Result<(), GenesisError> {
    let (what, algorithm) = (what.to_owned(), key.algorithm());
    if !constants.admits(algorithm) {
        return Err(GenesisError::NotApproved { what, algorithm });
    }
    key.check_enrolment()
        .map_err(|source| GenesisError::Key { what, source })
}

fn check_issuance_accounts(genesis: &Genesis) -> Result<(), GenesisError> {
    let mut taken: BTreeSet<AccountId> =
        genesis.accounts.iter().map(|account| account.id).collect();
    for currency in &genesis.currencies {
        if !taken.insert(currency.issuance_account) {
            return Err(GenesisError::Issuance {
                id: currency.issuance_account,
            });
        }
    }
    Ok(())
}

fn check_sum(genesis: &Genesis, currency: &GenesisCurrency) -> Result<(), GenesisError> {
    let held = genesis
        .accounts
        .iter()
        .filter(|account| account.currency == currency.code)
        .try_fold(Units::ZERO, |sum, account| {
            sum.checked_add(account.balance.units())
        })
        .expect("a million amounts stay below 2^80");
    if held == currency.issued {
        return Ok(());
    }
    let (issued, held) = (currency.issued.get(), held.get());
    Err(GenesisError::DoesNotAddUp {
        code: currency.code,
        issued,
        held,
    })
}

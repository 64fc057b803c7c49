//! From the file to a genesis: every text becomes its type, or the entry is named.

use data_encoding::HEXLOWER;
use falaj_consensus::crypto::{Algorithm, KeyError, PublicKey};
use falaj_consensus::params::{Limits, Parameters, Timeouts};
use falaj_consensus::types::{Hash32, Height, ValidatorId, VotingPower};
use falaj_consensus::validator_set::{Declared, SetError, Validator, ValidatorSet};
use std::collections::BTreeMap;

use super::schema::{
    AccountFile, AuthorityFile, ControllersFile, CurrencyFile, GenesisFile, KeyFile,
    ParametersFile, ParticipantFile, ParticipantKeyFile, ValidatorFile,
};
use crate::account::{
    AccountId, AccountIdError, AccountKind, ControllerKeys, Controllers, NetworkPrefix,
};
use crate::amount::{AmountError, Scale, Units};
use crate::authority::{ActionClass, Authority, AuthorityId};
use crate::currency::CurrencyCode;
use crate::genesis::{Constants, Genesis, GenesisAccount, GenesisCurrency, GenesisError};
use crate::participant::{
    Country, Participant, ParticipantKey, ParticipantNumber, ParticipantStatus, Roles,
};
use crate::reference::Commitment;

/// Why a file is not a genesis.
#[derive(Debug, thiserror::Error)]
pub enum GenesisFileError {
    /// Not JSON, a key too many, too few or twice, or a number where a text is asked for.
    #[error("the genesis file is not of its form")]
    Form(#[source] serde_json::Error),
    /// A text that does not say what it should.
    #[error("{entry}: {field} {text:?} is not {expected}")]
    Field {
        /// Which entry.
        entry: String,
        /// Which key of it.
        field: &'static str,
        /// What stands there.
        text: String,
        /// What should.
        expected: &'static str,
    },
    /// An amount that is not in its currency's canonical form.
    #[error("{entry}: {field} {text:?} is not an amount of its currency")]
    Amount {
        /// Which entry.
        entry: String,
        /// Which key of it.
        field: &'static str,
        /// What stands there.
        text: String,
        /// Why not.
        #[source]
        source: AmountError,
    },
    /// An account id that is mistyped or of another network.
    #[error("{entry}: account id {text:?}")]
    Account {
        /// Which entry.
        entry: String,
        /// What stands there.
        text: String,
        /// Why not.
        #[source]
        source: AccountIdError,
    },
    /// A key that is not one of its algorithm.
    #[error("{entry}: public key")]
    Key {
        /// Which entry.
        entry: String,
        /// Why not.
        #[source]
        source: KeyError,
    },
    /// Validators that do not form a set.
    #[error("validators")]
    Validators(#[source] SetError),
    /// Well-formed, but it does not add up.
    #[error("the genesis does not add up")]
    Genesis(#[source] GenesisError),
}

type Read<T> = Result<T, GenesisFileError>;

pub(in crate::genesis) fn read(text: &str) -> Read<Genesis> {
    let file: GenesisFile = serde_json::from_str(text).map_err(GenesisFileError::Form)?;
    let network = NetworkPrefix::new(&file.network)
        .ok_or_else(|| field("genesis", "network", &file.network, "1 to 16 small letters"))?;
    let reader = Reader {
        network: &network,
        scales: scales(&file.currencies)?,
    };
    let genesis = Genesis {
        version: file.version,
        chain_id: file.chain_id,
        network: network.clone(),
        time_us: file.time_us,
        constants: Constants {
            id_window_ms: file.constants.id_window_ms,
            proposal_life_ms: file.constants.proposal_life_ms,
            fips_strict: file.constants.fips_strict,
        },
        currencies: each(&file.currencies, |entry| reader.currency(entry))?,
        participants: each(&file.participants, participant)?,
        accounts: each(&file.accounts, |entry| reader.account(entry))?,
        authorities: each(&file.authorities, |entry| reader.authority(entry))?,
        validators: ValidatorSet::new(each(&file.validators, validator)?)
            .map_err(GenesisFileError::Validators)?,
        parameters: parameters(&file.parameters),
    };
    genesis.check().map_err(GenesisFileError::Genesis)?;
    Ok(genesis)
}

fn each<A, B>(list: &[A], read: impl Fn(&A) -> Read<B>) -> Read<Vec<B>> {
    list.iter().map(read).collect()
}

fn field(entry: &str, field: &'static str, text: &str, expected: &'static str) -> GenesisFileError {
    GenesisFileError::Field {
        entry: entry.to_owned(),
        field,
        text: text.to_owned(),
        expected,
    }
}

fn currency_code(entry: &str, text: &str) -> Read<CurrencyCode> {
    CurrencyCode::parse(text).ok_or_else(|| field(entry, "currency", text, "three capital letters"))
}

fn scales(currencies: &[CurrencyFile]) -> Read<BTreeMap<String, Scale>> {
    let scale = |entry: &CurrencyFile| {
        let name = format!("currency {}", entry.code);
        let scale = Scale::new(entry.scale);
        let scale = scale.ok_or_else(|| {
            field(
                &name,
                "scale",
                &entry.scale.to_string(),
                "at most 5 decimals",
            )
        })?;
        Ok((entry.code.clone(), scale))
    };
    currencies.iter().map(scale).collect()
}

fn digest(entry: &str, name: &'static str, text: &str) -> Read<Hash32> {
    Hash32::from_hex(text).ok_or_else(|| field(entry, name, text, "64 small hexadecimal digits"))
}

fn public_key(entry: &str, algorithm: &str, text: &str) -> Read<PublicKey> {
    let algorithm = Algorithm::from_name(algorithm).ok_or_else(|| {
        field(
            entry,
            "algorithm",
            algorithm,
            "the name of a signature algorithm",
        )
    })?;
    let bytes = HEXLOWER
        .decode(text.as_bytes())
        .map_err(|_| field(entry, "public_key", text, "small hexadecimal digits"))?;
    PublicKey::new(algorithm, bytes).map_err(|source| GenesisFileError::Key {
        entry: entry.to_owned(),
        source,
    })
}

fn keys(entry: &str, list: &[KeyFile]) -> Read<Vec<PublicKey>> {
    each(list, |key| {
        public_key(entry, &key.algorithm, &key.public_key)
    })
}

fn roles(entry: &str, names: &[String]) -> Read<Roles> {
    let mut roles = Roles::NONE;
    for name in names {
        let role = Roles::from_name(name).filter(|role| !roles.contains(*role));
        let role = role.ok_or_else(|| field(entry, "roles", name, "a role, each once"))?;
        roles = roles.with(role);
    }
    Ok(roles)
}

fn participant(file: &ParticipantFile) -> Read<Participant> {
    let entry = format!("participant {}", file.number);
    let residency = Country::parse(&file.residency)
        .ok_or_else(|| field(&entry, "residency", &file.residency, "two capital letters"))?;
    Ok(Participant {
        number: ParticipantNumber::new(file.number),
        identity: digest(&entry, "identity", &file.identity)?,
        roles: roles(&entry, &file.roles)?,
        parent: file.parent.map(ParticipantNumber::new),
        status: ParticipantStatus::Active,
        residency,
        quota: file.quota,
        keys: each(&file.keys, |key| participant_key(&entry, key))?,
    })
}

fn participant_key(entry: &str, file: &ParticipantKeyFile) -> Read<ParticipantKey> {
    Ok(ParticipantKey {
        key: public_key(entry, &file.algorithm, &file.public_key)?,
        valid_from: Height::new(file.valid_from),
        valid_until: file.valid_until.map(Height::new),
    })
}

fn validator(file: &ValidatorFile) -> Read<Validator> {
    let entry = format!("validator {}", file.id);
    Ok(Validator {
        id: ValidatorId::new(file.id),
        power: VotingPower::new(file.power),
        key: public_key(&entry, &file.algorithm, &file.public_key)?,
        declared: Declared {
            operator: file.operator.clone(),
            site: file.site.clone(),
            hsm_vendor: file.hsm_vendor.clone(),
            cloud: file.cloud.clone(),
            residency: file.residency.clone(),
        },
    })
}

fn parameters(file: &ParametersFile) -> Parameters {
    let (timeouts, limits) = (&file.timeouts, &file.limits);
    Parameters {
        version: file.version,
        timeouts: Timeouts {
            propose_ms: timeouts.propose_ms,
            prevote_ms: timeouts.prevote_ms,
            precommit_ms: timeouts.precommit_ms,
            growth_ms: timeouts.growth_ms,
            growth_rounds_max: timeouts.growth_rounds_max,
            tick_ms: timeouts.tick_ms,
            heartbeat_ms: timeouts.heartbeat_ms,
        },
        limits: Limits {
            block_transactions_max: limits.block_transactions_max,
            block_bytes_max: limits.block_bytes_max,
            block_batches_max: limits.block_batches_max,
            transaction_bytes_max: limits.transaction_bytes_max,
            block_evidence_max: limits.block_evidence_max,
        },
        precision_us: file.precision_us,
        delay_us: file.delay_us,
        delay_growth_us: file.delay_growth_us,
        evidence_age_heights: file.evidence_age_heights,
        evidence_age_ms: file.evidence_age_ms,
    }
}

/// Reads what depends on the network's prefix and on the currencies' scales.
struct Reader<'a> {
    network: &'a NetworkPrefix,
    scales: BTreeMap<String, Scale>,
}

impl Reader<'_> {
    fn account_id(&self, entry: &str, text: &str) -> Read<AccountId> {
        AccountId::parse(text, self.network).map_err(|source| {
            let (entry, text) = (entry.to_owned(), text.to_owned());
            GenesisFileError::Account {
                entry,
                text,
                source,
            }
        })
    }

    fn units(&self, entry: &str, name: &'static str, currency: &str, text: &str) -> Read<Units> {
        let scale = self.scales.get(currency);
        let scale = scale
            .ok_or_else(|| field(entry, "currency", currency, "a currency of this genesis"))?;
        Units::parse(text, *scale).map_err(|source| amount_error(entry, name, text, source))
    }

    fn currency(&self, file: &CurrencyFile) -> Read<GenesisCurrency> {
        let entry = format!("currency {}", file.code);
        let scale = self.scales.get(&file.code).copied();
        Ok(GenesisCurrency {
            code: currency_code(&entry, &file.code)?,
            scale: scale.expect("every currency of the file has a scale"),
            issuance_account: self.account_id(&entry, &file.issuance_account)?,
            cap: self.units(&entry, "cap", &file.code, &file.cap)?,
            rolling_cap: self.units(&entry, "rolling_cap", &file.code, &file.rolling_cap)?,
            issued: self.units(&entry, "issued", &file.code, &file.issued)?,
        })
    }

    fn account(&self, file: &AccountFile) -> Read<GenesisAccount> {
        let entry = format!("account {}", file.id);
        let kind = AccountKind::from_name(&file.kind)
            .ok_or_else(|| field(&entry, "kind", &file.kind, "a kind of account"))?;
        let balance = self.units(&entry, "balance", &file.currency, &file.balance)?;
        let balance = balance.amount().ok_or_else(|| {
            amount_error(&entry, "balance", &file.balance, AmountError::AboveMaximum)
        })?;
        let kyc = file
            .kyc
            .as_ref()
            .map(|text| digest(&entry, "kyc", text))
            .transpose()?;
        Ok(GenesisAccount {
            id: self.account_id(&entry, &file.id)?,
            currency: currency_code(&entry, &file.currency)?,
            kind,
            controllers: controllers(&entry, file.controllers.as_ref())?,
            balance,
            kyc: kyc.map(Commitment::from_hash),
        })
    }

    fn authority(&self, file: &AuthorityFile) -> Read<Authority> {
        let entry = format!("authority {}", file.id);
        let code = || {
            let text = file.currency.as_deref().unwrap_or_default();
            currency_code(&entry, text)
        };
        let class = match file.class.as_str() {
            "issue" => ActionClass::Issue(code()?),
            "redeem" => ActionClass::Redeem(code()?),
            "parameters" => ActionClass::Parameters,
            "validators" => ActionClass::Validators,
            "releases" => ActionClass::Releases,
            other => {
                let classes = "issue, redeem, parameters, validators or releases";
                return Err(field(&entry, "class", other, classes));
            }
        };
        let rolling_cap = match (class.currency(), &file.currency, &file.rolling_cap) {
            (Some(code), _, cap) => {
                let cap = cap.as_deref().unwrap_or_default();
                self.units(&entry, "rolling_cap", &code.to_string(), cap)?
            }
            (None, None, None) => Units::ZERO,
            (None, Some(text), _) => {
                return Err(field(
                    &entry,
                    "currency",
                    text,
                    "nothing: it moves no money",
                ));
            }
            (None, None, Some(text)) => {
                return Err(field(
                    &entry,
                    "rolling_cap",
                    text,
                    "nothing: it moves no money",
                ));
            }
        };
        Ok(Authority {
            id: AuthorityId::new(file.id),
            class,
            participant: ParticipantNumber::new(file.participant),
            members: keys(&entry, &file.members)?,
            threshold: file.threshold,
            rolling_cap,
            delay_ms: file.delay_ms,
            vetoers: keys(&entry, &file.vetoers)?,
        })
    }
}

fn amount_error(
    entry: &str,
    field: &'static str,
    text: &str,
    source: AmountError,
) -> GenesisFileError {
    GenesisFileError::Amount {
        entry: entry.to_owned(),
        field,
        text: text.to_owned(),
        source,
    }
}

fn controllers(entry: &str, file: Option<&ControllersFile>) -> Read<Controllers> {
    let Some(file) = file else {
        return Ok(Controllers::Participant);
    };
    let keys = ControllerKeys::new(file.threshold, keys(entry, &file.keys)?);
    let threshold = file.threshold.to_string();
    keys.map(Controllers::Keys).ok_or_else(|| {
        field(
            entry,
            "controllers",
            &threshold,
            "a threshold within 1 to 8 ascending keys",
        )
    })
}

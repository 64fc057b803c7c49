//! From a genesis to the file that reads back as it.

use data_encoding::HEXLOWER;
use falaj_consensus::crypto::PublicKey;
use falaj_consensus::params::Parameters;
use falaj_consensus::validator_set::Validator;

use super::schema::{
    AccountFile, AuthorityFile, ConstantsFile, ControllersFile, CurrencyFile, GenesisFile, KeyFile,
    LimitsFile, ParametersFile, ParticipantFile, ParticipantKeyFile, TimeoutsFile, ValidatorFile,
};
use crate::account::Controllers;
use crate::amount::{Scale, Units};
use crate::authority::Authority;
use crate::currency::CurrencyCode;
use crate::genesis::{Genesis, GenesisAccount, GenesisCurrency};
use crate::participant::{Participant, ParticipantKey, ParticipantNumber};

pub(in crate::genesis) fn write(genesis: &Genesis) -> String {
    let file = GenesisFile {
        version: genesis.version,
        chain_id: genesis.chain_id.clone(),
        network: genesis.network.as_str().to_owned(),
        time_us: genesis.time_us,
        constants: ConstantsFile {
            id_window_ms: genesis.constants.id_window_ms,
            proposal_life_ms: genesis.constants.proposal_life_ms,
            fips_strict: genesis.constants.fips_strict,
        },
        currencies: genesis
            .currencies
            .iter()
            .map(|entry| currency(genesis, entry))
            .collect(),
        participants: genesis.participants.iter().map(participant).collect(),
        accounts: genesis
            .accounts
            .iter()
            .map(|entry| account(genesis, entry))
            .collect(),
        authorities: genesis
            .authorities
            .iter()
            .map(|entry| authority(genesis, entry))
            .collect(),
        validators: genesis.validators.members().iter().map(validator).collect(),
        parameters: parameters(&genesis.parameters),
    };
    let mut text =
        serde_json::to_string_pretty(&file).expect("plain records with text keys always serialise");
    text.push('\n');
    text
}

/// The decimal spelling in a currency of the genesis; an unknown currency, which no check passes, is spelled in whole units.
fn decimal(genesis: &Genesis, code: CurrencyCode, units: Units) -> String {
    let scale = genesis
        .currencies
        .iter()
        .find(|entry| entry.code == code)
        .map(|entry| entry.scale);
    units.to_decimal(scale.or(Scale::new(0)).expect("no decimals is a scale"))
}

fn currency(genesis: &Genesis, entry: &GenesisCurrency) -> CurrencyFile {
    CurrencyFile {
        code: entry.code.to_string(),
        scale: entry.scale.get(),
        issuance_account: entry.issuance_account.to_text(&genesis.network),
        cap: entry.cap.to_decimal(entry.scale),
        rolling_cap: entry.rolling_cap.to_decimal(entry.scale),
        issued: entry.issued.to_decimal(entry.scale),
    }
}

fn participant(entry: &Participant) -> ParticipantFile {
    ParticipantFile {
        number: entry.number.get(),
        identity: entry.identity.to_hex(),
        roles: entry.roles.names().map(str::to_owned).collect(),
        parent: entry.parent.map(ParticipantNumber::get),
        residency: entry.residency.to_string(),
        quota: entry.quota,
        keys: entry.keys.iter().map(participant_key).collect(),
    }
}

fn participant_key(entry: &ParticipantKey) -> ParticipantKeyFile {
    let KeyFile {
        algorithm,
        public_key,
    } = key(&entry.key);
    ParticipantKeyFile {
        algorithm,
        public_key,
        valid_from: entry.valid_from.get(),
        valid_until: entry.valid_until.map(falaj_consensus::types::Height::get),
    }
}

fn key(key: &PublicKey) -> KeyFile {
    KeyFile {
        algorithm: key.algorithm().name().to_owned(),
        public_key: HEXLOWER.encode(key.bytes()),
    }
}

fn account(genesis: &Genesis, entry: &GenesisAccount) -> AccountFile {
    let controllers = match &entry.controllers {
        Controllers::Participant => None,
        Controllers::Keys(keys) => Some(ControllersFile {
            threshold: keys.threshold(),
            keys: keys.keys().iter().map(key).collect(),
        }),
    };
    AccountFile {
        id: entry.id.to_text(&genesis.network),
        currency: entry.currency.to_string(),
        kind: entry.kind.name().to_owned(),
        controllers,
        balance: decimal(genesis, entry.currency, entry.balance.units()),
        kyc: entry.kyc.map(|commitment| commitment.hash().to_hex()),
    }
}

fn authority(genesis: &Genesis, entry: &Authority) -> AuthorityFile {
    let code = entry.class.currency();
    AuthorityFile {
        id: entry.id.get(),
        class: entry.class.name().to_owned(),
        currency: code.map(|code| code.to_string()),
        participant: entry.participant.get(),
        members: entry.members.iter().map(key).collect(),
        threshold: entry.threshold,
        rolling_cap: code.map(|code| decimal(genesis, code, entry.rolling_cap)),
        delay_ms: entry.delay_ms,
        vetoers: entry.vetoers.iter().map(key).collect(),
    }
}

fn validator(entry: &Validator) -> ValidatorFile {
    let KeyFile {
        algorithm,
        public_key,
    } = key(&entry.key);
    ValidatorFile {
        id: entry.id.get(),
        power: entry.power.get(),
        algorithm,
        public_key,
        operator: entry.declared.operator.clone(),
        site: entry.declared.site.clone(),
        hsm_vendor: entry.declared.hsm_vendor.clone(),
        cloud: entry.declared.cloud.clone(),
        residency: entry.declared.residency.clone(),
    }
}

const fn parameters(entry: &Parameters) -> ParametersFile {
    let (timeouts, limits) = (&entry.timeouts, &entry.limits);
    ParametersFile {
        version: entry.version,
        timeouts: TimeoutsFile {
            propose_ms: timeouts.propose_ms,
            prevote_ms: timeouts.prevote_ms,
            precommit_ms: timeouts.precommit_ms,
            growth_ms: timeouts.growth_ms,
            growth_rounds_max: timeouts.growth_rounds_max,
            tick_ms: timeouts.tick_ms,
            heartbeat_ms: timeouts.heartbeat_ms,
        },
        limits: LimitsFile {
            block_transactions_max: limits.block_transactions_max,
            block_bytes_max: limits.block_bytes_max,
            block_batches_max: limits.block_batches_max,
            transaction_bytes_max: limits.transaction_bytes_max,
            block_evidence_max: limits.block_evidence_max,
        },
        precision_us: entry.precision_us,
        delay_us: entry.delay_us,
        delay_growth_us: entry.delay_growth_us,
        evidence_age_heights: entry.evidence_age_heights,
        evidence_age_ms: entry.evidence_age_ms,
    }
}

//! The keys of a genesis file, as serde reads and writes them.
//!
//! Invariant: no key is optional but those that may be absent in the genesis itself; an absent one is left out.

use serde::{Deserialize, Serialize};

macro_rules! schema {
    ($($(#[$attribute:meta])* struct $name:ident { $($(#[$field_attribute:meta])* $field:ident: $kind:ty,)* })*) => {
        $(
            $(#[$attribute])*
            #[derive(Serialize, Deserialize)]
            #[serde(deny_unknown_fields)]
            pub(super) struct $name {
                $($(#[$field_attribute])* pub(super) $field: $kind,)*
            }
        )*
    };
}

schema! {
    struct GenesisFile {
        version: u16,
        chain_id: String,
        network: String,
        time_us: u64,
        constants: ConstantsFile,
        currencies: Vec<CurrencyFile>,
        participants: Vec<ParticipantFile>,
        accounts: Vec<AccountFile>,
        authorities: Vec<AuthorityFile>,
        validators: Vec<ValidatorFile>,
        parameters: ParametersFile,
    }

    struct ConstantsFile {
        id_window_ms: u64,
        proposal_life_ms: u64,
        fips_strict: bool,
    }

    struct CurrencyFile {
        code: String,
        scale: u8,
        issuance_account: String,
        cap: String,
        rolling_cap: String,
        issued: String,
    }

    struct ParticipantFile {
        number: u32,
        identity: String,
        roles: Vec<String>,
        #[serde(default, skip_serializing_if = "Option::is_none")]
        parent: Option<u32>,
        residency: String,
        quota: u32,
        keys: Vec<ParticipantKeyFile>,
    }

    struct ParticipantKeyFile {
        algorithm: String,
        public_key: String,
        valid_from: u64,
        #[serde(default, skip_serializing_if = "Option::is_none")]
        valid_until: Option<u64>,
    }

    struct KeyFile {
        algorithm: String,
        public_key: String,
    }

    struct AccountFile {
        id: String,
        currency: String,
        kind: String,
        #[serde(default, skip_serializing_if = "Option::is_none")]
        controllers: Option<ControllersFile>,
        balance: String,
        #[serde(default, skip_serializing_if = "Option::is_none")]
        kyc: Option<String>,
    }

    struct ControllersFile {
        threshold: u8,
        keys: Vec<KeyFile>,
    }

    struct AuthorityFile {
        id: u32,
        class: String,
        #[serde(default, skip_serializing_if = "Option::is_none")]
        currency: Option<String>,
        participant: u32,
        members: Vec<KeyFile>,
        threshold: u8,
        #[serde(default, skip_serializing_if = "Option::is_none")]
        rolling_cap: Option<String>,
        delay_ms: u64,
        vetoers: Vec<KeyFile>,
    }

    struct ValidatorFile {
        id: u32,
        power: u64,
        algorithm: String,
        public_key: String,
        operator: String,
        site: String,
        hsm_vendor: String,
        cloud: String,
        residency: String,
    }

    struct ParametersFile {
        version: u16,
        timeouts: TimeoutsFile,
        limits: LimitsFile,
        precision_us: u64,
        delay_us: u64,
        delay_growth_us: u64,
        evidence_age_heights: u64,
        evidence_age_ms: u64,
    }

    struct TimeoutsFile {
        propose_ms: u32,
        prevote_ms: u32,
        precommit_ms: u32,
        growth_ms: u32,
        growth_rounds_max: u32,
        tick_ms: u32,
        heartbeat_ms: u32,
    }

    struct LimitsFile {
        block_transactions_max: u32,
        block_bytes_max: u32,
        block_batches_max: u32,
        transaction_bytes_max: u32,
        block_evidence_max: u32,
    }
}

//! The genesis of a home. It was checked when it was read.

use serde_json::{Value, json};

use super::block::text;
use super::look::Look;
use crate::shell::cli::{Failure, print};

/// Shows the genesis: whole for machines, in numbers for people.
pub(super) fn show(look: &Look) -> Result<(), Failure> {
    let genesis = &look.genesis;
    let hash = genesis.hash().to_hex();
    if look.json {
        let whole: Value =
            serde_json::from_str(&genesis.to_json()).map_err(|error| Failure::new(70, error))?;
        print::json(&json!({"hash": hash, "genesis": whole}));
        return Ok(());
    }
    let currencies = genesis.currencies.iter().map(|currency| {
        json!({
            "code": currency.code.to_string(),
            "issued": currency.issued.to_decimal(currency.scale),
            "cap": currency.cap.to_decimal(currency.scale),
        })
    });
    let validators = genesis.validators.members().iter().map(|validator| {
        json!({
            "id": validator.id.get(),
            "power": validator.power.get(),
            "algorithm": validator.key.algorithm().name(),
            "key": validator.key.fingerprint().to_hex(),
        })
    });
    let view = json!({
        "chain id": genesis.chain_id,
        "hash": hash,
        "time_us": genesis.time_us,
        "currency": currencies.collect::<Vec<_>>(),
        "validator": validators.collect::<Vec<_>>(),
        "participants": genesis.participants.len(),
        "accounts": genesis.accounts.len(),
        "authorities": genesis.authorities.len(),
    });
    text(&view, 0);
    Ok(())
}

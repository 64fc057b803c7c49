//! The file of vectors, read field by field.

use data_encoding::HEXLOWER;
use falaj_light::{ChainContext, Constants, Hash32, Trust, ValidatorSet};
use serde_json::Value;

const FILE: &str = include_str!("../../../../docs/spec/vectors/light-client.json");

/// The file.
pub(crate) fn read() -> Value {
    serde_json::from_str(FILE).unwrap()
}

/// A field that is text.
pub(crate) fn text<'a>(value: &'a Value, field: &str) -> &'a str {
    value[field].as_str().unwrap()
}

/// A field that is hexadecimal.
pub(crate) fn hex(value: &Value, field: &str) -> Vec<u8> {
    HEXLOWER.decode(text(value, field).as_bytes()).unwrap()
}

/// What a vector's verifier starts from.
pub(crate) fn trust(file: &Value, vector: &Value) -> Trust {
    let value = &file["trusts"][text(vector, "trust")];
    let chain = ChainContext {
        chain_id: text(value, "chain_id").to_owned(),
        genesis_hash: Hash32::from_hex(text(value, "genesis_hash")).unwrap(),
    };
    let constants = Constants {
        id_window_ms: value["id_window_ms"].as_u64().unwrap(),
        fips_strict: value["fips_strict"].as_bool().unwrap(),
        ..Constants::default()
    };
    let set: ValidatorSet = borsh::from_slice(&hex(value, "validators")).unwrap();
    assert_eq!(set.hash().to_hex(), text(value, "validators_hash"));
    Trust::new(chain, constants, set)
}

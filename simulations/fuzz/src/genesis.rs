//! The genesis file, and its encoding: `docs/spec/ledger.md`, "Genesis". The first byte says which of the two.

use falaj_ledger::genesis::Genesis;

use crate::form::{chosen, one_form};

const BYTES_MAX: usize = 1 << 20;

/// A genesis that adds up is the same one after it went through file and bytes, with the same hash.
///
/// # Panics
/// If it is another one.
pub fn target(data: &[u8]) {
    let (kind, bytes) = chosen(data);
    if kind == 0 {
        return one_form::<Genesis>(bytes, BYTES_MAX);
    }
    let Some(genesis) = std::str::from_utf8(bytes)
        .ok()
        .and_then(|text| Genesis::from_json(text).ok())
    else {
        return;
    };
    genesis.check().expect("what is read adds up");
    let again = Genesis::from_json(&genesis.to_json());
    assert_eq!(again.ok().as_ref(), Some(&genesis), "another one as a file");
    one_form::<Genesis>(&falaj_consensus::hash::encode(&genesis), BYTES_MAX);
}

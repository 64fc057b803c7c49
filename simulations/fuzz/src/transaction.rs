//! What a client submits: `docs/spec/ledger.md`, "Transactions". The first byte says whether it is a body or a signed transaction.

use falaj_consensus::verify::RealChecker;
use falaj_ledger::testing::genesis;
use falaj_ledger::transaction::{SignedTx, TxBody};
use falaj_ledger::validate::{Rules, check, check_unsigned};
use std::sync::LazyLock;

use crate::form::{chosen, one_form};

const BYTES_MAX: usize = 1 << 20;

/// Made once: the keys of its genesis take longer than a decoder.
static RULES: LazyLock<Rules> = LazyLock::new(|| Rules::of_genesis(&genesis()));

/// A transaction has one form, and what passes every check without state is that form of what it says.
///
/// # Panics
/// If a check passes other bytes, or one check passes what another refuses.
pub fn target(data: &[u8]) {
    let (kind, bytes) = chosen(data);
    if kind == 0 {
        return one_form::<TxBody>(bytes, BYTES_MAX);
    }
    one_form::<SignedTx>(bytes, BYTES_MAX);
    let rules = &*RULES;
    let unsigned = check_unsigned(rules, bytes).map(|_| ());
    match (unsigned, check(rules, &RealChecker, bytes)) {
        (Ok(()), Ok(checked)) => {
            let encoded = falaj_consensus::hash::encode(checked.tx());
            assert_eq!(encoded, bytes, "passed in another form");
        }
        (Ok(()), Err(rejection)) => assert_eq!(rejection.code(), 1003, "a signature alone is left"),
        (Err(first), second) => assert_eq!(second.err(), Some(first), "two first faults"),
    }
}

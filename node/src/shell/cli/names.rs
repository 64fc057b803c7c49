//! How transactions and accounts are named on the command line.
//!
//! Shape: a transaction is `PARTICIPANT/ID`, such as `11/0190d7a1-…`; an account is bech32m under its network's prefix.

use falaj_ledger::account::AccountId;
use falaj_ledger::currency::CurrencyCode;
use falaj_ledger::genesis::Genesis;
use falaj_ledger::participant::ParticipantNumber;
use falaj_ledger::transaction::{TxId, TxKey};

/// Reads a transaction's name.
pub(super) fn key(text: &str) -> Result<TxKey, &'static str> {
    let parse = || {
        let (participant, id) = text.split_once('/')?;
        let number: u32 = participant.parse().ok()?;
        Some(TxKey {
            participant: ParticipantNumber::new(number),
            id: TxId::parse(id)?,
        })
    };
    parse().ok_or("PARTICIPANT/ID is needed, the id a version 7 UUID in small letters")
}

/// A transaction's name.
pub(super) fn of_key(key: TxKey) -> String {
    format!("{}/{}", key.participant.get(), key.id)
}

/// An account's name.
pub(super) fn of_account(id: AccountId, genesis: &Genesis) -> String {
    id.to_text(&genesis.network)
}

/// Minor units as a decimal of their currency, with its code; of a currency that the chain does not have, minor units.
pub(super) fn money(minor_units: i128, code: CurrencyCode, genesis: &Genesis) -> String {
    let known = genesis.currencies.iter().find(|known| known.code == code);
    let units = falaj_ledger::amount::Units::new(minor_units.unsigned_abs());
    let digits = known.map_or_else(
        || units.get().to_string(),
        |known| units.to_decimal(known.scale),
    );
    let sign = if minor_units < 0 { "-" } else { "" };
    format!("{sign}{digits} {code}")
}

#[cfg(test)]
mod tests {
    use super::*;
    use falaj_ledger::testing::{aed, bhd, genesis};

    #[test]
    fn a_transaction_has_one_name() {
        let text = "11/0190d7a1-0000-7000-8000-000000000001";
        assert_eq!(of_key(key(text).unwrap()), text);
        for wrong in [
            "",
            "11",
            "11/",
            "x/0190d7a1-0000-7000-8000-000000000001",
            "11/0190D7A1-0000-7000-8000-000000000001",
            "11/0190d7a1-0000-4000-8000-000000000001",
        ] {
            assert!(key(wrong).is_err(), "{wrong}");
        }
    }

    #[test]
    fn money_has_its_currencys_decimals_and_a_sign_for_issuance_accounts() {
        assert_eq!(money(1_250, aed(), &genesis()), "12.50 AED");
        assert_eq!(money(-1, bhd(), &genesis()), "-0.001 BHD");
        assert_eq!(money(0, aed(), &genesis()), "0.00 AED");
    }
}

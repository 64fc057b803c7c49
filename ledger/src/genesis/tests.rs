//! A genesis that does not add up is refused with what is wrong; one that does has one hash and reads back from its file.

use super::*;
use crate::account::ControllerKeys;
use crate::authority::ActionClass;
use crate::participant::{ParticipantNumber, Roles};
use crate::state::State;
use crate::testing::{BANK_A, BANK_B, CENTRAL_BANK, Who, account, aed, amount, bhd, genesis};
use falaj_consensus::crypto::PublicKey;

fn refused(change: impl FnOnce(&mut Genesis)) -> GenesisError {
    let mut genesis = genesis();
    change(&mut genesis);
    let error = genesis.check().unwrap_err();
    assert_eq!(State::open(&genesis).unwrap_err(), error);
    assert!(borsh::from_slice::<Genesis>(&hash::encode(&genesis)).is_err());
    error
}

fn small_order() -> PublicKey {
    let mut neutral = vec![0; 32];
    neutral[0] = 1;
    PublicKey::new(Algorithm::Ed25519, neutral).unwrap()
}

// Frozen: hash of the genesis, and outcome and state root of the state it opens.
#[test]
fn genesis_is_frozen() {
    let genesis = genesis();
    let opened = State::open(&genesis).unwrap();
    insta::assert_snapshot!(format!(
        "genesis {}\nstate {}\noutcome {}",
        genesis.hash(),
        opened.state.root(),
        opened.outcome.hash()
    ));
}

#[test]
fn it_decodes_from_one_byte_string() {
    let bytes = hash::encode(&genesis());
    assert_eq!(borsh::from_slice::<Genesis>(&bytes).unwrap(), genesis());
    assert!(borsh::from_slice::<Genesis>(&bytes[..bytes.len() - 1]).is_err());
    assert!(borsh::from_slice::<Genesis>(&[&bytes[..], &[0]].concat()).is_err());
}

#[test]
fn the_hash_covers_every_field() {
    let changes: [fn(&mut Genesis); 8] = [
        |g| g.chain_id.push('2'),
        |g| g.network = NetworkPrefix::new("falaj").unwrap(),
        |g| g.time_us += 1,
        |g| g.constants.id_window_ms += 1,
        |g| g.currencies[0].cap = Units::new(7),
        |g| g.participants[0].quota += 1,
        |g| g.accounts[0].balance = amount(1),
        |g| g.parameters.timeouts.tick_ms += 1,
    ];
    let first = genesis().hash();
    for change in changes {
        let mut other = genesis();
        change(&mut other);
        assert_ne!(other.hash(), first);
    }
}

#[test]
fn balances_that_are_not_what_was_issued() {
    let error = refused(|g| g.accounts[1].balance = amount(100_001));
    assert_eq!(
        error,
        GenesisError::DoesNotAddUp {
            code: aed(),
            issued: 200_600_000,
            held: 200_600_001
        }
    );
    assert_eq!(
        error.to_string(),
        "currency AED has 200600000 minor units issued, but the accounts hold 200600001"
    );
    let error = refused(|g| g.currencies[1].issued = Units::new(1));
    assert_eq!(
        error,
        GenesisError::DoesNotAddUp {
            code: bhd(),
            issued: 1,
            held: 0
        }
    );
}

#[test]
fn more_issued_than_the_cap() {
    let error = refused(|g| g.currencies[0].cap = Units::new(200_599_999));
    assert_eq!(
        error,
        GenesisError::AboveCap {
            code: aed(),
            issued: 200_600_000,
            cap: 200_599_999
        }
    );
}

#[test]
fn head() {
    assert_eq!(refused(|g| g.version = 2), GenesisError::Version(2));
    for id in [
        "",
        "UPPER",
        "under_score",
        "a-chain-id-that-is-longer-than-32-bytes",
    ] {
        assert_eq!(
            refused(|g| g.chain_id = id.to_owned()),
            GenesisError::ChainId(id.to_owned())
        );
    }
    assert_eq!(refused(|g| g.time_us = 0), GenesisError::Time(0));
    for window in [59_999, 24 * 3_600_000 + 1] {
        let error = refused(|g| g.constants.id_window_ms = window);
        assert!(matches!(
            error,
            GenesisError::Constant {
                name: "id_window_ms",
                ..
            }
        ));
    }
    let error = refused(|g| g.constants.proposal_life_ms = 7 * 24 * 3_600_000 + 1);
    assert!(matches!(
        error,
        GenesisError::Constant {
            name: "proposal_life_ms",
            ..
        }
    ));
    let error = refused(|g| g.parameters.timeouts.tick_ms = 0);
    assert!(matches!(error, GenesisError::Parameter(_)));
}

#[test]
fn lists_ascend() {
    let order = |error| {
        let GenesisError::Order { list, .. } = error else {
            panic!("{error}")
        };
        list
    };
    assert_eq!(order(refused(|g| g.currencies.swap(0, 1))), "currencies");
    assert_eq!(
        order(refused(|g| g.participants.swap(0, 1))),
        "participants"
    );
    assert_eq!(order(refused(|g| g.accounts.swap(0, 1))), "accounts");
    assert_eq!(order(refused(|g| g.authorities.swap(0, 1))), "authorities");
    assert_eq!(
        order(refused(|g| g.accounts[1] = g.accounts[0].clone())),
        "accounts"
    );
    let error = refused(|g| g.currencies.clear());
    assert!(matches!(
        error,
        GenesisError::Count {
            list: "currencies",
            found: 0,
            ..
        }
    ));
}

#[test]
fn a_scale_below_the_minor_unit() {
    let error = refused(|g| g.currencies[1].scale = Scale::new(2).unwrap());
    assert_eq!(
        error,
        GenesisError::Scale {
            code: bhd(),
            scale: 2,
            min: 3
        }
    );
}

#[test]
fn what_is_named_has_to_be_there() {
    let number = ParticipantNumber::new(77);
    let unknown = |error| matches!(error, GenesisError::UnknownParticipant { number: found, .. } if found == number);
    assert!(unknown(refused(
        |g| g.currencies[0].issuance_account = account(number, 1)
    )));
    assert!(unknown(
        refused(|g| g.participants[1].parent = Some(number))
    ));
    assert!(unknown(refused(|g| g.accounts[7].id = account(number, 1))));
    assert!(unknown(refused(|g| g.authorities[0].participant = number)));
    let xts = CurrencyCode::parse("XTS").unwrap();
    let unknown =
        |error| matches!(error, GenesisError::UnknownCurrency { code, .. } if code == xts);
    assert!(unknown(refused(|g| g.accounts[0].currency = xts)));
    assert!(unknown(refused(
        |g| g.authorities[0].class = ActionClass::Issue(xts)
    )));
}

#[test]
fn issuance_and_authorities_belong_to_a_central_bank() {
    let refuses = |error| matches!(error, GenesisError::NotCentralBank { .. });
    assert!(refuses(refused(
        |g| g.currencies[0].issuance_account = account(BANK_A, 9)
    )));
    assert!(refuses(refused(|g| g.authorities[0].participant = BANK_A)));
    assert!(refuses(refused(
        |g| g.participants[0].roles = Roles::INTERMEDIARY
    )));
}

#[test]
fn participants() {
    let fault = |error| matches!(error, GenesisError::Participant { .. });
    let nobody = |g: &mut Genesis| {
        let mut participant = g.participants[3].clone();
        participant.number = ParticipantNumber::new(0);
        g.participants.insert(0, participant);
    };
    assert!(fault(refused(nobody)));
    assert!(fault(refused(|g| g.participants[1].quota = 0)));
    assert!(fault(refused(|g| g.participants[1].keys.clear())));
    assert!(fault(refused(|g| g.participants[1].parent = Some(BANK_A))));
}

#[test]
fn issuance_accounts_are_opened_by_their_currency_once() {
    let issuance = |error| matches!(error, GenesisError::Issuance { .. });
    assert!(issuance(refused(
        |g| g.accounts[1].kind = AccountKind::Issuance
    )));
    assert!(issuance(refused(
        |g| g.currencies[1].issuance_account = account(CENTRAL_BANK, 9)
    )));
}

#[test]
fn authorities() {
    let fault = |error| matches!(error, GenesisError::Authority { .. });
    assert!(fault(refused(|g| g.authorities[0].threshold = 1)));
    assert!(fault(refused(|g| g.authorities[0].threshold = 4)));
    assert!(fault(refused(
        |g| g.authorities[0].delay_ms = g.constants.proposal_life_ms
    )));
}

// One key, one owner: nobody speaks for two participants, no member counts twice, no bank's key is a person's.
#[test]
fn shared_keys() {
    let shared = |error| matches!(error, GenesisError::SharedKey { .. });
    let bank_a = Who::Participant(BANK_A).key().public();
    assert!(shared(refused(
        |g| g.participants[2].keys[0].key = bank_a.clone()
    )));
    assert!(shared(refused(
        |g| g.participants[1].keys[1].key = bank_a.clone()
    )));
    assert!(shared(refused(
        |g| g.authorities[0].members[1] = Who::Member(0).key().public()
    )));
    assert!(shared(refused(
        |g| g.authorities[0].members[1] = bank_a.clone()
    )));
    assert!(shared(refused(
        |g| g.authorities[2].vetoers[0] = Who::Participant(BANK_B).key().public()
    )));
}

#[test]
fn small_order_keys() {
    let refuses = |error| matches!(error, GenesisError::Key { .. });
    assert!(refuses(refused(
        |g| g.participants[1].keys[0].key = small_order()
    )));
    assert!(refuses(refused(
        |g| g.authorities[0].members[0] = small_order()
    )));
    let keys = ControllerKeys::new(1, vec![small_order()]).unwrap();
    assert!(refuses(refused(
        |g| g.accounts[1].controllers = Controllers::Keys(keys)
    )));
}

#[test]
fn keys_that_fips_strict_does_not_admit() {
    let error = refused(|g| g.constants.fips_strict = true);
    assert!(matches!(
        error,
        GenesisError::NotApproved {
            algorithm: Algorithm::Ed25519,
            ..
        }
    ));
}

// The file reads back as the same genesis, and is frozen.
#[test]
fn the_file_reads_back() {
    let text = genesis().to_json();
    assert_eq!(Genesis::from_json(&text).unwrap(), genesis());
    insta::assert_snapshot!(text);
}

/// The error of the file with one piece of text replaced, in full.
#[track_caller]
fn file_error(from: &str, to: &str) -> String {
    let text = genesis().to_json();
    assert!(text.contains(from), "{from}");
    let error = Genesis::from_json(&text.replacen(from, to, 1)).unwrap_err();
    let mut full = error.to_string();
    let mut source = std::error::Error::source(&error);
    while let Some(cause) = source {
        full = format!("{full}: {cause}");
        source = cause.source();
    }
    full
}

// Unknown, missing and repeated keys, and JSON numbers where an amount stands.
#[test]
fn the_file_has_exactly_its_keys() {
    assert!(file_error("\"quota\"", "\"qouta\"").contains("unknown field `qouta`"));
    assert!(file_error("\"scale\": 2,", "").contains("missing field `scale`"));
    assert!(
        file_error("\"scale\": 2,", "\"scale\": 2, \"scale\": 2,")
            .contains("duplicate field `scale`")
    );
    let number = file_error("\"balance\": \"1000000.00\"", "\"balance\": 1000000.00");
    assert!(number.contains("invalid type: floating point"), "{number}");
    let number = file_error("\"balance\": \"1000000.00\"", "\"balance\": 100000000");
    assert!(number.contains("invalid type: integer"), "{number}");
    assert!(Genesis::from_json("{}").is_err());
    assert!(Genesis::from_json("").is_err());
}

#[test]
fn the_file_names_the_entry_that_is_wrong() {
    let cases = [
        (
            "\"balance\": \"1000000.00\"",
            "\"balance\": \"1000000.0\"",
            "balance \"1000000.0\" is not an amount of its currency: not exactly 2 decimals",
        ),
        (
            "\"balance\": \"1000000.00\"",
            "\"balance\": \"1,000,000.00\"",
            "not a canonical decimal number",
        ),
        (
            "\"kind\": \"reserve\"",
            "\"kind\": \"vault\"",
            "kind \"vault\" is not a kind of account",
        ),
        (
            "\"algorithm\": \"ed25519\"",
            "\"algorithm\": \"rot13\"",
            "algorithm \"rot13\" is not the name of a signature algorithm",
        ),
        (
            "\"central-bank\"",
            "\"emperor\"",
            "participant 1: roles \"emperor\" is not a role, each once",
        ),
        (
            "\"network\": \"tfalaj\"",
            "\"network\": \"falaj\"",
            "the account id is of another network, not falaj",
        ),
        (
            "\"class\": \"issue\"",
            "\"class\": \"burn\"",
            "authority 1: class \"burn\" is not issue, redeem, parameters, validators or releases",
        ),
        (
            "\"issued\": \"2006000.00\"",
            "\"issued\": \"2006000.01\"",
            "the genesis does not add up: currency AED has 200600001",
        ),
        ("\"power\": 1", "\"power\": 0", "validator 1 has no power"),
        (
            "\"residency\": \"AE\"",
            "\"residency\": \"uae\"",
            "residency \"uae\" is not two capital letters",
        ),
    ];
    for (from, to, expected) in cases {
        let error = file_error(from, to);
        assert!(error.contains(expected), "{error}");
    }
}

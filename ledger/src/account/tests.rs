//! Ids have one text form per network; balances stay in range.

use super::*;

fn network(text: &str) -> NetworkPrefix {
    NetworkPrefix::new(text).unwrap()
}

fn id() -> AccountId {
    AccountId::new(ParticipantNumber::new(7), *b"customer-001")
}

// Frozen: the text form under two networks.
#[test]
fn text_form_is_frozen() {
    insta::assert_snapshot!(format!(
        "{}\n{}",
        id().to_text(&network("falaj")),
        id().to_text(&network("tfalaj"))
    ));
}

#[test]
fn an_id_begins_with_its_opener() {
    assert_eq!(id().opener(), ParticipantNumber::new(7));
    assert_eq!(&id().bytes()[..4], [0, 0, 0, 7]);
}

// A testnet id fails on mainnet, a mistyped one everywhere, and there is no second spelling.
#[test]
fn other_networks_and_typing_errors_are_refused() {
    let (main, test) = (network("falaj"), network("tfalaj"));
    let text = id().to_text(&main);
    assert_eq!(AccountId::parse(&text, &main), Ok(id()));
    assert_eq!(
        AccountId::parse(&id().to_text(&test), &main),
        Err(AccountIdError::Network {
            expected: "falaj".to_owned()
        })
    );
    assert_eq!(
        AccountId::parse(&text.to_uppercase(), &main),
        Err(AccountIdError::Checksum)
    );
    for position in 0..text.len() {
        let mut typo = text.clone().into_bytes();
        typo[position] = if typo[position] == b'q' { b'p' } else { b'q' };
        assert!(AccountId::parse(&String::from_utf8(typo).unwrap(), &main).is_err());
    }
    for cut in 0..text.len() {
        assert!(AccountId::parse(&text[..cut], &main).is_err());
    }
}

#[test]
fn balances_stay_between_zero_and_the_maximum() {
    let empty = Account {
        currency: CurrencyCode::parse("AED").unwrap(),
        kind: AccountKind::Retail1,
        participant: ParticipantNumber::new(7),
        controllers: Controllers::Participant,
        debits: Units::ZERO,
        credits: Units::ZERO,
        version: 0,
        opened: Place {
            height: Height::new(1),
            index: 0,
        },
        kyc: None,
    };
    let one = Amount::new(1).unwrap();
    assert_eq!(empty.debited(one), None);
    let full = empty.credited(Amount::MAX).unwrap();
    assert_eq!(full.credited(one), None);
    let spent = full.debited(Amount::MAX).unwrap();
    assert_eq!((spent.posted(), spent.version), (0, 2));
    assert_eq!(
        spent.credited(Amount::MAX).unwrap().available(),
        Amount::MAX
    );
}

#[test]
fn issuance_is_negative_and_never_takes_back_more_than_it_gave() {
    let issuance = Account {
        currency: CurrencyCode::parse("AED").unwrap(),
        kind: AccountKind::Issuance,
        participant: ParticipantNumber::new(1),
        controllers: Controllers::Participant,
        debits: Units::ZERO,
        credits: Units::ZERO,
        version: 0,
        opened: Place {
            height: Height::new(0),
            index: 0,
        },
        kyc: None,
    };
    let (one, two) = (Amount::new(1).unwrap(), Amount::new(2).unwrap());
    let issued = issuance.issued(one).unwrap();
    assert_eq!(issued.posted(), -1);
    assert_eq!(issued.available(), Amount::ZERO);
    assert_eq!(issued.redeemed(two), None);
    assert_eq!(issued.redeemed(one).unwrap().posted(), 0);
}

#[test]
fn names_of_kinds_read_back() {
    for kind in AccountKind::ALL {
        assert_eq!(AccountKind::from_name(kind.name()), Some(kind));
    }
}

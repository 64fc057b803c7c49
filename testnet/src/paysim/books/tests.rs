//! The model against the plain sums of the rows, for any rows in any order.

use super::*;
use crate::paysim::row::Party;
use proptest::prelude::*;

const BANK: u32 = 11;

fn party(name: &str) -> Party {
    Party {
        name: name.into(),
        old: 0,
        new: 0,
    }
}

fn row(kind: Kind, origin: &str, destination: &str, amount: u64) -> Row {
    Row {
        line: 2,
        kind,
        amount,
        origin: party(origin),
        destination: party(destination),
    }
}

fn posted(books: &Books, name: &str) -> i128 {
    books.named()[name].posted
}

// Goal: each type of payment moves money between the accounts that its meaning names.
#[test]
fn each_type_has_its_postings() {
    for (kind, origin, destination, issued) in [
        (Kind::CashIn, 7, 0, 7),
        (Kind::CashOut, -7, 0, -7),
        (Kind::Debit, -7, 0, -7),
        (Kind::Payment, -7, 7, 0),
        (Kind::Transfer, -7, 7, 0),
    ] {
        let mut books = Books::default();
        books.enter("C2");
        books.accept(&row(kind, "C1", "C2", 7), BANK);
        assert_eq!(posted(&books, "C1"), origin, "{kind:?}");
        assert_eq!(posted(&books, "C2"), destination, "{kind:?}");
        assert_eq!(books.issuance(), -issued, "{kind:?}");
        assert_eq!(books.reserves().get(&BANK).copied().unwrap_or(0), 0);
        assert_eq!(books.sum(), 0);
    }
}

#[test]
fn a_payment_to_oneself_changes_nothing() {
    let mut books = Books::default();
    books.accept(&row(Kind::Transfer, "C1", "C1", 7), BANK);
    assert_eq!(posted(&books, "C1"), 0);
}

#[test]
fn what_was_there_before_is_not_of_the_day() {
    let mut books = Books::default();
    books.begin(Account::Issuance, -100);
    books.begin(Account::Reserve(BANK), 40);
    books.open("C1", BANK, 5);
    assert!(!books.enter("C1") && books.enter("C2"));
    assert_eq!((books.issuance(), books.sum()), (-105, 0));
    assert_eq!(books.reserves()[&BANK], 40);
    books.state("C1", 9);
    assert_eq!(
        books.named()["C1"],
        Named {
            posted: 5,
            stated: 9
        }
    );
}

fn rows() -> impl Strategy<Value = Vec<Row>> {
    let kind = proptest::sample::select(&Kind::ALL[..]);
    let any = (kind, 0..6_u8, 0..6_u8, 0..=999_999_999_999_999_999_u64);
    let row = any.prop_map(|(kind, origin, destination, amount)| {
        row(
            kind,
            &format!("C{origin}"),
            &format!("C{destination}"),
            amount,
        )
    });
    proptest::collection::vec(row, 0..60)
}

/// What comes into a name, and what leaves it, by the meaning of each type.
fn net(rows: &[Row], name: &str) -> i128 {
    let of = |row: &Row| {
        let amount = i128::from(row.amount);
        let from = i128::from(&*row.origin.name == name) * amount;
        let to = i128::from(&*row.destination.name == name) * amount;
        match row.kind {
            Kind::CashIn => from,
            Kind::CashOut | Kind::Debit => -from,
            Kind::Payment | Kind::Transfer => to - from,
        }
    };
    rows.iter().map(of).sum()
}

fn books_of(rows: &[Row], openings: &[u64]) -> Books {
    let mut books = Books::default();
    for (number, units) in openings.iter().enumerate() {
        books.open(&format!("C{number}"), BANK, *units);
    }
    for row in rows {
        books.accept(row, BANK);
        assert_eq!(books.sum(), 0, "after every row");
    }
    books
}

proptest! {
    // Goal: the books balance after each row, hold what the rows sum to, and end the same in whatever order rows are accepted.
    #[test]
    fn the_books_balance_and_sum_up(
        rows in rows(),
        openings in proptest::collection::vec(0..=999_999_999_999_999_999_u64, 6),
    ) {
        let books = books_of(&rows, &openings);
        for (number, opening) in openings.iter().enumerate() {
            let name = format!("C{number}");
            prop_assert_eq!(posted(&books, &name), i128::from(*opening) + net(&rows, &name));
        }
        let held: i128 = books.named().values().map(|named| named.posted).sum();
        prop_assert_eq!(books.issuance(), -held, "all that was issued and not redeemed is held by names");
        prop_assert_eq!(books.reserves()[&BANK], 0, "reserves pass everything on");
        let reversed: Vec<_> = rows.into_iter().rev().collect();
        let again = books_of(&reversed, &openings);
        prop_assert_eq!(again.named(), books.named());
        prop_assert_eq!(again.issuance(), books.issuance());
    }
}

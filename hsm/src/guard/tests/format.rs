//! The record byte for byte: a change of these is a new version.

use crate::fixture::{HashChecker, block, floor, identity, outcome, precommit, request};
use crate::guard::{Guard, Record, RecordError, Verdict};

const FLOOR: &str = include_str!("../../../tests/vectors/guard-record-floor.hex");
const PRECOMMIT: &str = include_str!("../../../tests/vectors/guard-record-precommit.hex");

fn from_hex(text: &str) -> Vec<u8> {
    let digits: Vec<u8> = text.bytes().filter(u8::is_ascii_hexdigit).collect();
    let nibble = |digit: u8| u8::try_from(char::from(digit).to_digit(16).unwrap()).unwrap();
    digits
        .chunks_exact(2)
        .map(|pair| nibble(pair[0]) << 4 | nibble(pair[1]))
        .collect()
}

// A floor and the intent of a precommit that locks are written as the committed bytes, and read back from them.
#[test]
fn records_are_written_as_the_vectors_say() {
    let (mut guard, first) = Guard::init(identity(), floor());
    assert_eq!(first.bytes, from_hex(FLOOR));
    let statement = precommit(1, 0, Some((block(0xa1), outcome(1))));
    let Ok(Verdict::Fresh(fresh)) = guard.judge(&HashChecker, &request(1, statement)) else {
        panic!()
    };
    let (_, written) = guard.enter(fresh);
    assert_eq!(written.bytes, from_hex(PRECOMMIT));
    assert_eq!(
        Record::decode(&written.bytes).unwrap().encode(),
        written.bytes
    );
}

// Cut, lengthened and of another version: not a record.
#[test]
fn other_bytes_are_no_record() {
    let bytes = from_hex(PRECOMMIT);
    for length in 0..bytes.len() {
        assert!(Record::decode(&bytes[..length]).is_err());
    }
    let mut longer = bytes.clone();
    longer.push(0);
    assert!(matches!(
        Record::decode(&longer),
        Err(RecordError::Encoding(_))
    ));
    let mut newer = bytes;
    newer[0] = 2;
    assert!(matches!(
        Record::decode(&newer),
        Err(RecordError::Version(2))
    ));
}

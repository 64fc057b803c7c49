//! The format byte for byte: a change of any of these is a new version.

use crate::durable::tests::{
    FIRST_FILE, MemDisk, created, opened, records, sync_groups, three_groups,
};

const SEGMENT: &str = include_str!("../../../tests/vectors/guard-log.hex");

fn from_hex(text: &str) -> Vec<u8> {
    let digits: Vec<u8> = text.bytes().filter(u8::is_ascii_hexdigit).collect();
    let nibble = |digit: u8| u8::try_from(char::from(digit).to_digit(16).unwrap()).unwrap();
    digits
        .chunks_exact(2)
        .map(|pair| nibble(pair[0]) << 4 | nibble(pair[1]))
        .collect()
}

// Writing gives the committed bytes.
#[test]
fn a_log_is_written_as_the_vector_says() {
    let disk = MemDisk::new();
    sync_groups(&mut created(&disk), &three_groups());
    assert_eq!(disk.contents(FIRST_FILE).unwrap(), from_hex(SEGMENT));
}

// The committed bytes read back.
#[test]
fn the_vector_reads_back() {
    let disk = MemDisk::new();
    disk.overwrite(FIRST_FILE, &from_hex(SEGMENT));
    let log = opened(&disk).unwrap();
    assert_eq!(records(&log), three_groups().concat());
    assert_eq!(log.torn(), None);
}

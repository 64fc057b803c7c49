//! What holds of every decoder alike.

use borsh::{BorshDeserialize, BorshSerialize};
use falaj_consensus::hash::encode;
use falaj_consensus::message::decode;
use std::fmt::Debug;

/// The bytes are the one form of a value, or of none.
///
/// # Panics
/// If what decodes is written back in another form, or also decodes when it is cut or has a byte behind it.
pub fn one_form<T: BorshDeserialize + BorshSerialize + Debug + PartialEq>(
    bytes: &[u8],
    bytes_max: usize,
) {
    let read = |bytes: &[u8]| decode::<T>("input", bytes, bytes_max).ok();
    one_form_of(bytes, read, |value| encode(value));
}

/// The same for a decoder and an encoder of any make.
///
/// # Panics
/// As [`one_form`].
pub fn one_form_of<T: Debug + PartialEq>(
    bytes: &[u8],
    read: impl Fn(&[u8]) -> Option<T>,
    write: impl Fn(&T) -> Vec<u8>,
) {
    let Some(value) = read(bytes) else {
        return;
    };
    assert_eq!(write(&value), bytes, "another form of {value:?}");
    assert_eq!(read(bytes).as_ref(), Some(&value), "read twice, two values");
    if let Some((_, cut)) = bytes.split_last() {
        assert_eq!(read(cut), None, "cut by a byte");
    }
    let longer = [bytes, &[0]].concat();
    assert_eq!(read(&longer), None, "a byte behind it");
}

/// The first byte chooses among decoders, the others are what it gets.
#[must_use]
pub fn chosen(data: &[u8]) -> (u8, &[u8]) {
    data.split_first()
        .map_or((0, data), |(first, rest)| (*first, rest))
}

//! The cases behind `tests/vectors/encoding.txt`: each kind of content once, with values a reader can see in the bytes, and many by seed.
//!
//! Invariant: nothing here depends on anything but this code, so the file can be recomputed anywhere.
//! Callers: the test `vectors` compares, `examples/vectors.rs` prints.
//! Source: `docs/spec/encoding.md`, "Vectors".

// Paths, because the example loads this file from another folder.
#[path = "cases/dice.rs"]
mod dice;
#[path = "cases/frozen.rs"]
mod frozen;
#[path = "cases/seeded.rs"]
mod seeded;

use std::fmt::Write as _;

use falaj_consensus::crypto::Signature;
use falaj_consensus::types::{BlockId, Hash32, OutcomeHash, ValidatorIndex};
use falaj_consensus::validator_set::Bitmap;

const HEAD: &str = "\
# Encodings and hashes that never change, recomputed by `cargo test -p falaj-consensus --test it`.
# A change here is a change of the protocol. To write the file anew, and read the difference before it is committed:
#   cargo run -q -p falaj-consensus --example vectors > consensus/tests/vectors/encoding.txt
# Layouts and the inputs of each line: docs/spec/encoding.md. All values are hexadecimal.
";

/// The whole file.
pub(crate) fn file() -> String {
    let mut text = HEAD.to_string();
    for (name, value) in lines() {
        writeln!(text, "{name} {value}").expect("writing to a String cannot fail");
    }
    text
}

/// Name and hexadecimal value of each line.
pub(crate) fn lines() -> Vec<(String, String)> {
    let mut lines = frozen::lines();
    lines.extend(seeded::lines());
    lines
}

fn hex(bytes: &[u8]) -> String {
    bytes.iter().fold(String::new(), |mut text, byte| {
        write!(text, "{byte:02x}").expect("writing to a String cannot fail");
        text
    })
}

/// A digest of 32 equal bytes.
const fn filled(byte: u8) -> Hash32 {
    Hash32::new([byte; 32])
}

const fn block(byte: u8) -> BlockId {
    BlockId::new(filled(byte))
}

const fn result(byte: u8) -> OutcomeHash {
    OutcomeHash::new(filled(byte))
}

fn signature(bytes: Vec<u8>) -> Signature {
    Signature::new(bytes).expect("no case has a signature above the bound")
}

fn signers(count: usize, chosen: &[u16]) -> Bitmap {
    let mut bitmap = Bitmap::none(count);
    for index in chosen {
        bitmap.insert(ValidatorIndex::new(*index));
    }
    bitmap
}

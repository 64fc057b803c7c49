//! The file form of a genesis: JSON with exactly the known keys.
//!
//! Invariant: what is written reads back as the same genesis; amounts are decimal strings of their currency, never numbers.
//! Shapes: keys and hashes in small hexadecimal, account ids in their text form, algorithms, roles and kinds by name.
//! Errors: [`GenesisFileError`] with the path of the entry that is wrong; an unknown or repeated key is refused.
//! Source: `docs/spec/ledger.md`, "Genesis file".

mod read;
mod schema;
mod write;

pub use read::GenesisFileError;
pub(super) use read::read;
pub(super) use write::write;

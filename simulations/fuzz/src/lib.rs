//! What must hold of every decoder that a peer, a client or a file can reach, whatever the bytes: one function a decoder.
//!
//! Invariant: no bytes lead to a panic; what decodes is written back as the same bytes, so a value has one form; nothing in front of its
//! end, and nothing with more behind it, is a value.
//! Who calls it: libFuzzer through `fuzz_targets/`, and `simulations/tests/fuzz.rs`, which includes this file.
//! Errors: a target panics at what must not be, and says nothing else.
//! Source: `docs/guide/fuzzing.md`.

pub mod bundle;
pub mod form;
pub mod frame;
pub mod genesis;
pub mod log;
pub mod message;
pub mod record;
pub mod snapshot;
pub mod transaction;

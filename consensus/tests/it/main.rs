//! The public face of the crate: what everybody who builds on it may rely on, proven from outside.
#![expect(clippy::unwrap_used, reason = "a failed unwrap fails its test")]

mod cases;
mod signatures;
mod specification;
mod vectors;
mod zip215;

//! The verifier in Python that was written from `docs/spec/` alone, against the code: both have to say the same of everything.
//!
//! Invariant: a page that does not suffice, or a rule that code and page tell apart, fails here by its vector's name.
//! Errors: a machine without `python3` fails these tests; they are never passed over.
#![expect(clippy::unwrap_used, reason = "a failed unwrap fails its test")]

#[path = "../../simulations/fuzz/src/chance.rs"]
mod chance;
#[path = "independent/files.rs"]
mod files;
#[path = "independent/mutated.rs"]
mod mutated;
#[path = "independent/python.rs"]
mod python;
#[path = "independent/vectors.rs"]
mod vectors;

//! The program `falaj` as it is built, against a node that it runs itself.
//!
//! Goal of each file: a command does what its page says, and ends with the exit code that its page names.

#![expect(clippy::unwrap_used, reason = "a failed unwrap fails its test")]

mod node;
mod program;
mod status;
mod text;

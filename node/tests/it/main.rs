//! The program `falaj` as it is built, against a node that it runs itself.
//!
//! Goal of each file: a command does what its page says, and ends with the exit code that its page names.

#![expect(clippy::unwrap_used, reason = "a failed unwrap fails its test")]

mod account;
mod answers;
mod governance;
mod node;
mod program;
mod receipt;
mod rotation;
mod sibling;
mod status;
mod text;
mod tx;
mod verify;

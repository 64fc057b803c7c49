//! The Falaj node: a pure replica and the shell that runs it.

#[cfg(feature = "shell")]
pub mod shell;

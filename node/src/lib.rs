//! The Falaj node: a pure replica and the shell that runs it.

#[cfg(all(feature = "shell", not(any(feature = "soft", feature = "pkcs11"))))]
compile_error!("the shell needs a signing backend: enable the feature `pkcs11` or `soft`");

pub mod core;
#[cfg(feature = "shell")]
pub mod shell;
pub mod storage;
pub mod usage;

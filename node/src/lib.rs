//! The Falaj node: a pure replica and the shell that runs it.

#[cfg(all(feature = "shell", not(any(feature = "soft", feature = "pkcs11"))))]
compile_error!("the shell needs a signing backend: enable the feature `pkcs11` or `soft`");

// Tests build everything with every feature; what is shipped is a release build.
#[cfg(all(feature = "shell", feature = "mutations", not(debug_assertions)))]
compile_error!("a node with the feature `mutations` must never be shipped: build without it");

pub mod core;
#[cfg(feature = "shell")]
pub mod shell;
pub mod storage;
pub mod usage;

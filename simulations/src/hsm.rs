//! The simulated HSM: keys, signatures by a keyed hash, and the registry of everything ever signed.
//!
//! Invariant: the registry lies below the guard and is never rolled back; a signature that checks was made by a key of
//! [`Keys`], and every signature made is in the [`Registry`] with the question whether it was released.
//! Shapes: keys and signatures have the lengths of the algorithm they stand for. A signature is a nonce of 8 bytes and a keyed
//! hash over nonce and message, so that signing twice gives two valid signatures, as RSA-PSS and ECDSA do.
//! Who calls it: the world, as the backend behind the signer's effects; oracles read the registry.
//! Errors: those of a real backend, see [`falaj_hsm::Fault`].
//! Source: BLAKE3, keyed mode; the unforgeability of the real algorithms is assumed here and tested elsewhere.

mod keys;
mod registry;
mod token;
mod unfit;

pub use keys::{KeyIndex, Keys, RegistryChecker};
pub use registry::{Order, Registry, Signed};
pub use token::{Answer, Token, TokenDials};
pub use unfit::Unfit;

#[cfg(test)]
mod tests;

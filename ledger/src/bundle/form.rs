//! The bytes of a bundle, and why bytes or text are none.
//!
//! Invariant: a bundle has one byte form and one base64 of it.
//! Source: `docs/spec/receipts.md`, "Files".

use alloc::string::String;
use alloc::vec::Vec;
use data_encoding::BASE64;
use falaj_consensus::message::{CERTIFICATE_BYTES_MAX, DecodeError, decode};

use super::Bundle;

/// The longest bundle: two certificates of the largest set fit, or several hundred changes of a set of usual size.
pub const BUNDLE_BYTES_MAX: usize = 16 * 1024 * 1024;

const _: () = assert!(BUNDLE_BYTES_MAX >= 2 * CERTIFICATE_BYTES_MAX + 64 * 1024);

/// The version of the text form.
pub(super) const VERSION: u16 = 1;

/// Why bytes or text are no bundle.
#[derive(Debug, thiserror::Error)]
pub enum BundleFormError {
    /// The text is not the JSON of a bundle.
    #[cfg(feature = "std")]
    #[error("the text is not the JSON of a bundle")]
    Json(#[source] serde_json::Error),
    /// A version that this program does not read.
    #[error("a bundle of version {found}, this program reads {VERSION}")]
    Version {
        /// Version of the file.
        found: u16,
    },
    /// The bundle is not canonical base64.
    #[error("the bundle is not canonical base64")]
    Base64,
    /// The bytes are no bundle.
    #[error(transparent)]
    Bytes(#[from] DecodeError),
    /// The file says another kind than its bytes.
    #[error("the file says {stated}, its bytes are {found}")]
    Kind {
        /// Kind that the file states.
        stated: String,
        /// Kind of the bytes.
        found: &'static str,
    },
}

impl Bundle {
    /// The byte form.
    #[must_use]
    pub fn to_bytes(&self) -> Vec<u8> {
        falaj_consensus::hash::encode(self)
    }

    /// Reads the byte form, from all of the bytes.
    ///
    /// # Errors
    /// [`BundleFormError::Bytes`].
    pub fn from_bytes(bytes: &[u8]) -> Result<Self, BundleFormError> {
        Ok(decode("bundle", bytes, BUNDLE_BYTES_MAX)?)
    }

    /// The byte form in base64.
    #[must_use]
    pub fn to_base64(&self) -> String {
        BASE64.encode(&self.to_bytes())
    }
}

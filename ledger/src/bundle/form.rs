//! The bytes and the text of a bundle.
//!
//! Invariant: a bundle has one byte form and one base64 text; a file with another key, kind or version is refused.
//! Source: `docs/spec/receipts.md`, "Files".

use data_encoding::BASE64;
use falaj_consensus::message::{CERTIFICATE_BYTES_MAX, DecodeError, decode};
use serde::{Deserialize, Serialize};

use super::Bundle;

/// The longest bundle: two certificates of the largest set fit, or several hundred changes of a set of usual size.
pub const BUNDLE_BYTES_MAX: usize = 16 * 1024 * 1024;

const _: () = assert!(BUNDLE_BYTES_MAX >= 2 * CERTIFICATE_BYTES_MAX + 64 * 1024);

const VERSION: u16 = 1;

#[derive(Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
struct File {
    kind: String,
    version: u16,
    bundle: String,
}

/// Why bytes or text are no bundle.
#[derive(Debug, thiserror::Error)]
pub enum BundleFormError {
    /// The text is not the JSON of a bundle.
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

    /// The text form: one JSON object on a line.
    ///
    /// # Panics
    /// Never: a record of two texts and a number always serialises.
    #[must_use]
    pub fn to_text(&self) -> String {
        let file = File {
            kind: self.kind().to_owned(),
            version: VERSION,
            bundle: self.to_base64(),
        };
        let mut text = serde_json::to_string(&file).expect("a plain record always serialises");
        text.push('\n');
        text
    }

    /// Reads the text form.
    ///
    /// # Errors
    /// [`BundleFormError`].
    pub fn from_text(text: &str) -> Result<Self, BundleFormError> {
        let file: File = serde_json::from_str(text).map_err(BundleFormError::Json)?;
        if file.version != VERSION {
            let found = file.version;
            return Err(BundleFormError::Version { found });
        }
        let bytes = BASE64
            .decode(file.bundle.as_bytes())
            .map_err(|_| BundleFormError::Base64)?;
        let bundle = Self::from_bytes(&bytes)?;
        if bundle.kind() == file.kind {
            Ok(bundle)
        } else {
            let (stated, found) = (file.kind, bundle.kind());
            Err(BundleFormError::Kind { stated, found })
        }
    }
}

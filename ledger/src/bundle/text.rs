//! The text of a bundle: JSON, for files and the API.
//!
//! Invariant: a file with another key, kind or version is refused.
//! Source: `docs/spec/receipts.md`, "Files".

use data_encoding::BASE64;
use serde::{Deserialize, Serialize};

use super::form::VERSION;
use super::{Bundle, BundleFormError};

#[derive(Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
struct File {
    kind: String,
    version: u16,
    bundle: String,
}

impl Bundle {
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

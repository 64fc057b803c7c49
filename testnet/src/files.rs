//! Small helpers for files.

use anyhow::{Context as _, Result};
use serde::de::DeserializeOwned;
use std::path::{Path, PathBuf};

use crate::exit::Trouble;

/// Writes a file so that readers see the old one or the whole new one.
///
/// # Errors
/// When the disk fails.
pub fn write_atomically(path: &Path, bytes: &[u8]) -> Result<()> {
    let draft = draft_of(path);
    let written = std::fs::write(&draft, bytes).and_then(|()| std::fs::rename(&draft, path));
    written.with_context(|| format!("cannot write {}", path.display()))
}

/// Where a file is written before it gets its name.
#[must_use]
pub fn draft_of(path: &Path) -> PathBuf {
    path.with_extension("draft")
}

/// Removes a file that may be missing.
///
/// # Errors
/// When the disk fails.
pub fn remove_if_there(path: &Path) -> Result<()> {
    match std::fs::remove_file(path) {
        Err(error) if error.kind() == std::io::ErrorKind::NotFound => Ok(()),
        other => other.with_context(|| format!("cannot remove {}", path.display())),
    }
}

/// Reads JSON whose key `version` says by which build it can be read.
///
/// # Errors
/// When the version or the form is another.
pub fn read_version<T: DeserializeOwned>(text: &str, path: &Path, needed: u32) -> Result<T> {
    let file = || path.display().to_string();
    let value: serde_json::Value =
        serde_json::from_str(text).with_context(|| Trouble::Form(file()))?;
    let version = value.get("version").and_then(serde_json::Value::as_u64);
    if let Some(found) = version.and_then(|version| u32::try_from(version).ok())
        && found != needed
    {
        let file = file();
        return Err(Trouble::Version {
            file,
            found,
            needed,
        }
        .into());
    }
    serde_json::from_value(value).with_context(|| Trouble::Form(file()))
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::exit::{CONFIG, code};
    use serde::Deserialize;

    #[derive(Debug, Deserialize)]
    struct Form {
        version: u32,
    }

    #[test]
    fn another_version_or_form_is_told_apart() {
        let read = |text: &str| read_version::<Form>(text, Path::new("x.json"), 1);
        assert_eq!(read(r#"{"version":1}"#).unwrap().version, 1);
        for (text, said) in [
            (r#"{"version":2,"more":1}"#, "has version 2, 1 is needed"),
            ("{}", "not of the form"),
            ("", "not of the form"),
            (r#"{"version":"1"}"#, "not of the form"),
        ] {
            let error = read(text).unwrap_err();
            assert!(error.to_string().contains(said), "{text}: {error}");
            assert_eq!(code(&error), CONFIG);
        }
    }
}

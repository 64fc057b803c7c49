//! A participant's or person's key in a file, as `falaj-testnet new` writes it.
//!
//! Invariant: the file is readable by its owner alone; its two halves belong together; no error holds a byte of the secret one.
//! Shape: JSON with participant, algorithm, public key and seed, the last two in small hexadecimal; Ed25519 alone.
//! Keys of other algorithms stay in their HSM: sign the sign-bytes there and bring the approval with `falaj tx sign --approval`.
//! Source: `docs/guide/testnet.md`, "Keys".

use data_encoding::HEXLOWER;
use falaj_consensus::crypto::{Algorithm, PublicKey, Signature};
use falaj_ledger::participant::ParticipantNumber;
use falaj_ledger::transaction::Approval;
use ring::signature::Ed25519KeyPair;
use serde::Deserialize;
use std::path::{Path, PathBuf};
use zeroize::{Zeroize as _, Zeroizing};

use crate::shell::cli::Failure;
use crate::shell::keys::{KeyFileError, read_secret};

/// A key that signs for a participant.
pub(super) struct SigningKey {
    pub(super) participant: ParticipantNumber,
    public: PublicKey,
    pair: Ed25519KeyPair,
}

#[derive(Deserialize)]
#[serde(deny_unknown_fields)]
struct KeyFile {
    participant: u32,
    algorithm: String,
    public_key: String,
    seed: String,
}

impl Drop for KeyFile {
    fn drop(&mut self) {
        self.seed.zeroize();
    }
}

/// Why a file's key does not sign.
#[derive(Debug, thiserror::Error)]
pub(super) enum SigningKeyError {
    /// The file.
    #[error(transparent)]
    File(#[from] KeyFileError),
    /// A key of an algorithm that is not kept in files.
    #[error("{} holds a key of {algorithm}, and files sign with ed25519 alone", path.display())]
    Algorithm { path: PathBuf, algorithm: String },
    /// Public key and seed are of two keys.
    #[error("the public key and the seed of {} do not belong together", path.display())]
    Halves { path: PathBuf },
}

impl From<SigningKeyError> for Failure {
    fn from(error: SigningKeyError) -> Self {
        match error {
            SigningKeyError::File(error) => error.into(),
            SigningKeyError::Algorithm { .. } => Self::new(Self::CONFIG, error).fix(
                "sign the sign_bytes of `falaj tx decode` where the key is, and add the signature with `falaj tx sign --approval`",
            ),
            SigningKeyError::Halves { .. } => Self::new(Self::CONFIG, error),
        }
    }
}

impl SigningKey {
    /// Reads a key file.
    pub(super) fn read(path: &Path) -> Result<Self, SigningKeyError> {
        let form = || KeyFileError::Form { path: path.into() };
        // What serde_json says of a broken file may quote it, so it is dropped.
        let file: KeyFile = serde_json::from_slice(&read_secret(path)?).map_err(|_| form())?;
        if file.algorithm != Algorithm::Ed25519.name() {
            let algorithm = file.algorithm.clone();
            return Err(SigningKeyError::Algorithm {
                path: path.into(),
                algorithm,
            });
        }
        let seed = HEXLOWER.decode(file.seed.as_bytes()).map(Zeroizing::new);
        let seed = seed.map_err(|_| form())?;
        let public = HEXLOWER
            .decode(file.public_key.as_bytes())
            .map_err(|_| form())?;
        if seed.len() != 32 || public.len() != 32 {
            return Err(form().into());
        }
        let halves = || SigningKeyError::Halves { path: path.into() };
        let pair = Ed25519KeyPair::from_seed_and_public_key(&seed, &public);
        Ok(Self {
            participant: ParticipantNumber::new(file.participant),
            pair: pair.map_err(|_| halves())?,
            public: PublicKey::new(Algorithm::Ed25519, public).map_err(|_| halves())?,
        })
    }

    /// Its signature over sign-bytes.
    ///
    /// # Panics
    /// Never: an Ed25519 signature has 64 bytes.
    pub(super) fn approve(&self, message: &[u8]) -> Approval {
        let bytes = self.pair.sign(message).as_ref().to_vec();
        Approval {
            public_key: self.public.clone(),
            signature: Signature::new(bytes).expect("an ed25519 signature has 64 bytes"),
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::shell::keys::write_secret;
    use serde_json::json;
    use std::os::unix::fs::PermissionsExt as _;

    // RFC 8032, section 7.1, test 1.
    const SEED: &str = "9d61b19deffd5a60ba844af492ec2cc44449c5697b326919703bac031cae7f60";
    const PUBLIC: &str = "d75a980182b10ab7d54bfed3c964073a0ee172f3daa62325af021a68f707511a";

    fn code(algorithm: &str, public_key: &str, seed: &str) -> Option<u8> {
        let folder = tempfile::tempdir().unwrap();
        let path = folder.path().join("key.json");
        let file = json!({"participant": 2, "algorithm": algorithm, "public_key": public_key, "seed": seed});
        write_secret(&path, file.to_string().as_bytes()).unwrap();
        SigningKey::read(&path)
            .err()
            .map(|error| Failure::from(error).code())
    }

    #[test]
    fn a_key_file_signs_only_if_it_is_whole() {
        assert_eq!(code("ed25519", PUBLIC, SEED), None);
        let other = PUBLIC.replace("d75a", "d75b");
        for (algorithm, public, seed) in [
            ("p256", PUBLIC, SEED),
            ("ed25519", other.as_str(), SEED),
            ("ed25519", PUBLIC, &SEED[2..]),
            ("ed25519", "", SEED),
            ("ed25519", PUBLIC, "xx"),
        ] {
            assert_eq!(code(algorithm, public, seed), Some(Failure::CONFIG));
        }
    }

    #[test]
    fn a_key_that_others_can_read_does_not_sign_and_no_error_quotes_it() {
        let folder = tempfile::tempdir().unwrap();
        let path = folder.path().join("key.json");
        std::fs::write(&path, format!("{{\"seed\":\"{SEED}\",")).unwrap();
        std::fs::set_permissions(&path, std::fs::Permissions::from_mode(0o640)).unwrap();
        let code = |path: &Path| {
            SigningKey::read(path)
                .err()
                .map(|error| Failure::from(error).code())
        };
        assert_eq!(code(&path), Some(Failure::PERMISSION));
        std::fs::set_permissions(&path, std::fs::Permissions::from_mode(0o600)).unwrap();
        assert_eq!(code(&path), Some(Failure::CONFIG));
        let error = SigningKey::read(&path).err().unwrap();
        assert!(!format!("{error:?} {error}").contains(&SEED[..8]));
    }

    #[test]
    fn a_signature_is_that_of_rfc_8032() {
        let folder = tempfile::tempdir().unwrap();
        let path = folder.path().join("key.json");
        let file =
            json!({"participant": 2, "algorithm": "ed25519", "public_key": PUBLIC, "seed": SEED});
        write_secret(&path, file.to_string().as_bytes()).unwrap();
        let approval = SigningKey::read(&path).unwrap().approve(b"");
        let hex = HEXLOWER.encode(approval.signature.bytes());
        assert!(
            hex.starts_with("e5564300c360ac729086e2cc806e828a84877f1eb8e5d974d873e06522490155")
        );
    }
}

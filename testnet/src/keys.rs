//! Keys of a testnet's participants and persons, each in a file of its own.
//!
//! Invariant: a key file is new and readable by its owner alone; a production network has no such files.
//! Shape: JSON with participant, algorithm, public key and seed, the last two in small hexadecimal.
//! Source: `docs/guide/testnet.md`, "Keys".

use anyhow::{Context as _, Result, bail};
use ed25519_dalek::{Signer as _, SigningKey};
use falaj_consensus::crypto::{Algorithm, PublicKey, Signature};
use falaj_consensus::types::ChainContext;
use falaj_ledger::participant::ParticipantNumber;
use falaj_ledger::transaction::{Approval, SignedTx, TxBody, sign_bytes};
use ring::rand::{SecureRandom as _, SystemRandom};
use serde::{Deserialize, Serialize};
use std::fs::OpenOptions;
use std::io::Write as _;
use std::os::unix::fs::OpenOptionsExt as _;
use std::path::Path;

/// A software key of a participant or person.
#[derive(Clone)]
pub struct SoftKey {
    signing: SigningKey,
    public: PublicKey,
}

impl SoftKey {
    /// Makes one by chance.
    ///
    /// # Errors
    /// When the system gives no random bytes.
    pub fn generate() -> Result<Self> {
        Ok(Self::from_seed(random()?))
    }

    /// The key of a seed.
    ///
    /// # Panics
    /// Never: an Ed25519 key has 32 bytes.
    #[must_use]
    pub fn from_seed(seed: [u8; 32]) -> Self {
        let signing = SigningKey::from_bytes(&seed);
        let bytes = signing.verifying_key().to_bytes().to_vec();
        let public =
            PublicKey::new(Algorithm::Ed25519, bytes).expect("an ed25519 key has 32 bytes");
        Self { signing, public }
    }

    /// Its public half.
    #[must_use]
    pub const fn public(&self) -> &PublicKey {
        &self.public
    }

    /// Signs a transaction's body on a chain.
    ///
    /// # Panics
    /// Never: one approval is a list that fits.
    #[must_use]
    pub fn sign(&self, chain: &ChainContext, body: TxBody) -> SignedTx {
        sign_by(&[self], chain, body)
    }

    fn approve(&self, message: &[u8]) -> Approval {
        let signature = self.signing.sign(message).to_bytes().to_vec();
        Approval {
            public_key: self.public.clone(),
            signature: Signature::new(signature).expect("an ed25519 signature has 64 bytes"),
        }
    }

    /// Writes it to a new file for its owner alone.
    ///
    /// # Errors
    /// When the file exists or cannot be written.
    pub fn write(&self, path: &Path, participant: ParticipantNumber) -> Result<()> {
        let file = KeyFile {
            participant: participant.get(),
            algorithm: Algorithm::Ed25519.name().into(),
            public_key: data_encoding::HEXLOWER.encode(self.public.bytes()),
            seed: data_encoding::HEXLOWER.encode(&self.signing.to_bytes()),
        };
        let text = serde_json::to_vec_pretty(&file)?;
        let made = OpenOptions::new()
            .write(true)
            .create_new(true)
            .mode(0o600)
            .open(path);
        made.and_then(|mut made| made.write_all(&text))
            .with_context(|| format!("cannot write {}", path.display()))
    }

    /// Reads a file that [`SoftKey::write`] wrote.
    ///
    /// # Errors
    /// When it cannot be read or holds no key.
    pub fn read(path: &Path) -> Result<(ParticipantNumber, Self)> {
        let text =
            std::fs::read(path).with_context(|| format!("cannot read {}", path.display()))?;
        let file: KeyFile = serde_json::from_slice(&text)
            .with_context(|| format!("{} is no key file", path.display()))?;
        let seed = data_encoding::HEXLOWER.decode(file.seed.as_bytes()).ok();
        let Some(Ok(seed)) = seed.map(<[u8; 32]>::try_from) else {
            bail!("{} holds no key", path.display());
        };
        Ok((
            ParticipantNumber::new(file.participant),
            Self::from_seed(seed),
        ))
    }
}

/// Puts several keys' signatures under a body.
///
/// # Panics
/// If there is no key, more than sixteen, or one twice.
#[must_use]
pub fn sign_by(keys: &[&SoftKey], chain: &ChainContext, body: TxBody) -> SignedTx {
    let message = sign_bytes(chain, &body);
    let approvals = keys.iter().map(|key| key.approve(&message)).collect();
    SignedTx::new(body, approvals).expect("one to sixteen distinct keys")
}

/// Bytes of chance.
///
/// # Errors
/// When the system gives none.
pub fn random<const N: usize>() -> Result<[u8; N]> {
    let mut bytes = [0_u8; N];
    SystemRandom::new()
        .fill(&mut bytes)
        .ok()
        .context("the system gives no random bytes")?;
    Ok(bytes)
}

#[derive(Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
struct KeyFile {
    participant: u32,
    algorithm: String,
    public_key: String,
    seed: String,
}

#[cfg(test)]
mod tests {
    use super::*;
    use std::os::unix::fs::MetadataExt as _;

    #[test]
    fn a_key_file_reads_back_and_is_its_owners_alone() {
        let folder = tempfile::tempdir().unwrap();
        let path = folder.path().join("bank.json");
        let key = SoftKey::from_seed([7; 32]);
        key.write(&path, ParticipantNumber::new(11)).unwrap();
        let (participant, read) = SoftKey::read(&path).unwrap();
        assert_eq!(participant.get(), 11);
        assert_eq!(read.public(), key.public());
        assert_eq!(std::fs::metadata(&path).unwrap().mode() & 0o777, 0o600);
    }

    #[test]
    fn a_key_file_is_never_overwritten() {
        let folder = tempfile::tempdir().unwrap();
        let path = folder.path().join("bank.json");
        let key = SoftKey::from_seed([7; 32]);
        key.write(&path, ParticipantNumber::new(11)).unwrap();
        assert!(key.write(&path, ParticipantNumber::new(11)).is_err());
    }

    #[test]
    fn what_is_no_key_file_is_refused() {
        let folder = tempfile::tempdir().unwrap();
        let path = folder.path().join("x.json");
        for text in [
            "",
            "{}",
            r#"{"participant":1,"algorithm":"ed25519","public_key":"","seed":"00"}"#,
        ] {
            std::fs::write(&path, text).unwrap();
            assert!(SoftKey::read(&path).is_err(), "{text}");
        }
    }
}

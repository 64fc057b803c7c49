//! The consensus key's word for the transport key, asked for once and kept beside it.
//!
//! Invariant: what is kept is used only if it is the word of this validator's key for this transport key on this chain, so a file that is
//! missing, damaged or of another time costs a signature and nothing else. A node that starts while its HSM is away still has its word, is
//! let in by its peers, follows, and votes as soon as the HSM is back.
//! Shape: borsh of serial and signature.
//! Source: `docs/spec/wire.md`, "Who may connect"; `docs/spec/hsm.md`.

use borsh::{BorshDeserialize, BorshSerialize};
use falaj_consensus::crypto::{PublicKey, Signature};
use falaj_consensus::durable::{Disk, LogError};
use falaj_consensus::types::{ChainContext, Now, ValidatorId};
use falaj_consensus::verify::{Checker, RealChecker, SignedItem};
use falaj_hsm::purpose::Binding;
use falaj_hsm::{AttestRequest, Attestation, Backend, Input, Output, RequestId, SignerHome};
use std::path::Path;

/// How long the HSM may take for it.
const PATIENCE_NS: u64 = 20_000_000_000;

/// The key's word.
#[derive(Clone, Debug, PartialEq, Eq, BorshSerialize, BorshDeserialize)]
pub struct Vouched {
    /// Of two words the one with the greater number holds.
    pub serial: u64,
    /// The signature over the binding.
    pub signature: Signature,
}

impl Vouched {
    /// What a file holds, whoever's word it is: a peer that knows the key finds out.
    #[must_use]
    pub fn read(file: &Path) -> Option<Self> {
        borsh::from_slice(&std::fs::read(file).ok()?).ok()
    }
}

/// Who vouches for what.
pub struct Subject<'a> {
    /// The network.
    pub chain: &'a ChainContext,
    /// The validator.
    pub validator: ValidatorId,
    /// Its consensus key.
    pub key: &'a PublicKey,
    /// The transport identity.
    pub transport_key: Vec<u8>,
}

impl Subject<'_> {
    fn binding(&self, serial: u64) -> Binding {
        Binding {
            validator: self.validator,
            transport_key: self.transport_key.clone(),
            serial,
        }
    }

    fn is_vouched_for(&self, vouched: &Vouched) -> bool {
        let message = self.binding(vouched.serial).sign_bytes(self.chain);
        message.is_ok_and(|message| {
            RealChecker.check(SignedItem {
                key: self.key,
                message: message.as_slice(),
                signature: &vouched.signature,
            })
        })
    }

    /// The word that is kept in a file, or a new one, which is then kept there. `None` while the HSM gives none.
    ///
    /// # Errors
    /// When the guard's disk fails.
    pub fn vouch<D: Disk>(
        &self,
        file: &Path,
        signer: &mut SignerHome<D>,
        backend: &(dyn Backend + Send + Sync),
        now: Now,
    ) -> Result<Option<Vouched>, LogError> {
        if let Some(kept) = self.kept(file) {
            return Ok(Some(kept));
        }
        let asked = self.ask(signer, backend, now)?;
        if let Some(vouched) = &asked
            && let Err(error) = keep(file, vouched)
        {
            tracing::warn!(%error, file = %file.display(), "the word for the transport key cannot be kept");
        }
        Ok(asked)
    }

    fn kept(&self, file: &Path) -> Option<Vouched> {
        Vouched::read(file).filter(|vouched| self.is_vouched_for(vouched))
    }

    fn ask<D: Disk>(
        &self,
        signer: &mut SignerHome<D>,
        backend: &(dyn Backend + Send + Sync),
        now: Now,
    ) -> Result<Option<Vouched>, LogError> {
        let serial = now.wall_us;
        let request = AttestRequest {
            id: RequestId::new(0),
            attestation: Attestation::Binding(self.binding(serial)),
            deadline_ns: now.mono_ns.saturating_add(PATIENCE_NS),
        };
        let outputs = signer.run(now, Input::Attest(Box::new(request)), backend)?;
        let mut vouched = None;
        for output in outputs {
            let Output::Attested { result, .. } = output else {
                continue;
            };
            match result {
                Ok(attested) => {
                    let signature = attested.signature;
                    vouched = Some(Vouched { serial, signature });
                }
                Err(refusal) => {
                    tracing::error!(%refusal, "the consensus key does not vouch for the transport identity");
                }
            }
        }
        Ok(vouched)
    }
}

/// Readers see the whole word or the one before.
fn keep(file: &Path, vouched: &Vouched) -> std::io::Result<()> {
    let draft = file.with_extension("draft");
    std::fs::write(&draft, falaj_consensus::hash::encode(vouched))?;
    std::fs::rename(&draft, file)
}

#[cfg(all(test, feature = "soft"))]
mod tests {
    use super::*;
    use falaj_consensus::types::Hash32;
    use falaj_hsm::soft::SoftBackend;
    use std::time::Duration;
    use zeroize::Zeroizing;

    fn chain(name: &str) -> ChainContext {
        ChainContext {
            chain_id: name.into(),
            genesis_hash: Hash32::new([7; 32]),
        }
    }

    fn subject<'a>(chain: &'a ChainContext, key: &'a PublicKey, transport: u8) -> Subject<'a> {
        Subject {
            chain,
            validator: ValidatorId::new(1),
            key,
            transport_key: vec![transport; 38],
        }
    }

    // Goal: a kept word is used for exactly the key, transport key and chain it was given for; anything else is asked for anew.
    #[test]
    fn only_the_right_word_is_taken_from_the_file() {
        let folder = tempfile::tempdir().unwrap();
        let file = folder.path().join("transport.binding");
        let backend = SoftBackend::from_seed(&Zeroizing::new([1; 32]));
        let other = SoftBackend::from_seed(&Zeroizing::new([2; 32]));
        let (here, elsewhere) = (chain("here"), chain("elsewhere"));
        let subject_here = subject(&here, backend.public_key(), 5);
        assert_eq!(subject_here.kept(&file), None);
        let message = subject_here.binding(9).sign_bytes(&here).unwrap();
        let signature = backend.sign_binding(&message, Duration::from_secs(1));
        let vouched = Vouched {
            serial: 9,
            signature: signature.unwrap(),
        };
        keep(&file, &vouched).unwrap();
        assert_eq!(subject_here.kept(&file), Some(vouched));
        assert_eq!(subject(&here, backend.public_key(), 6).kept(&file), None);
        assert_eq!(subject(&here, other.public_key(), 5).kept(&file), None);
        let subject_elsewhere = subject(&elsewhere, backend.public_key(), 5);
        assert_eq!(subject_elsewhere.kept(&file), None);
        std::fs::write(&file, "torn").unwrap();
        assert_eq!(subject_here.kept(&file), None);
    }
}

//! A header and the whole outcome of its block, under one commit certificate: what every bundle stands on.
//!
//! Invariant: the certificate is that of this header and this outcome by its layout: height, block id and outcome hash are not stored
//! beside them but computed, so none can differ.
//! Layout: version (1), header, outcome, round, signers, signatures, number of set changes (0 in this version).
//! Source: `docs/spec/receipts.md`, "Certified outcome".

use borsh::{BorshDeserialize, BorshSerialize};
use falaj_consensus::bounded;
use falaj_consensus::crypto::Signature;
use falaj_consensus::message::{CommitCertificate, Header, Outcome};
use falaj_consensus::types::Round;
use falaj_consensus::validator_set::{Bitmap, VALIDATORS_MAX};
use falaj_consensus::verify::{Checker, Context};
use std::io;

use super::{BundleError, Proven};
use crate::genesis::Genesis;
use crate::proof::Certified;

const VERSION: u16 = 1;

/// What a quorum certified of one block.
#[derive(Clone, Debug, PartialEq, Eq, BorshSerialize, BorshDeserialize)]
pub struct CertifiedOutcome {
    #[borsh(deserialize_with = "read_version")]
    version: u16,
    header: Header,
    outcome: Outcome,
    round: Round,
    signers: Bitmap,
    #[borsh(deserialize_with = "read_signatures")]
    signatures: Vec<Signature>,
    /// Room for the certificates by which another validator set than that of genesis came to certify this block.
    #[borsh(deserialize_with = "read_no_changes")]
    set_changes: u16,
}

impl CertifiedOutcome {
    /// Puts a block's header, outcome and certificate together; `None` if the certificate is of another block or outcome.
    #[must_use]
    pub fn new(header: Header, outcome: Outcome, certificate: &CommitCertificate) -> Option<Self> {
        let fits = certificate.height == header.height
            && certificate.id == header.id()
            && certificate.outcome == outcome.hash();
        fits.then(|| Self {
            version: VERSION,
            header,
            outcome,
            round: certificate.round,
            signers: certificate.signers.clone(),
            signatures: certificate.signatures.clone(),
            set_changes: 0,
        })
    }

    /// The header; what it says is certified only once [`CertifiedOutcome::verify`] held.
    #[must_use]
    pub const fn header(&self) -> &Header {
        &self.header
    }

    /// The outcome, under the same reserve.
    #[must_use]
    pub const fn outcome(&self) -> &Outcome {
        &self.outcome
    }

    /// The certificate as consensus knows it.
    #[must_use]
    pub fn certificate(&self) -> CommitCertificate {
        CommitCertificate {
            height: self.header.height,
            round: self.round,
            id: self.header.id(),
            outcome: self.outcome.hash(),
            signers: self.signers.clone(),
            signatures: self.signatures.clone(),
        }
    }

    /// Checks that a quorum of the genesis' validators certified this header with this outcome.
    ///
    /// # Errors
    /// [`BundleError`]: another chain, unknown features, another set, or a certificate that does not hold.
    pub fn verify(
        &self,
        genesis: &Genesis,
        checker: &dyn Checker,
    ) -> Result<Certified, BundleError> {
        let chain = genesis.chain();
        self.check_header(genesis)?;
        let set = &genesis.validators;
        let context = Context {
            chain: &chain,
            set,
            checker,
        };
        let certificate = context
            .certificate(self.certificate())
            .map_err(BundleError::Certificate)?;
        let (header, outcome) = (self.header.clone(), self.outcome.clone());
        Ok(Certified::new(&certificate, header, outcome)?)
    }

    pub(super) const fn proven(&self) -> Proven {
        Proven {
            height: self.header.height,
            time_us: self.header.time_us,
            signers: self.signatures.len(),
        }
    }

    fn check_header(&self, genesis: &Genesis) -> Result<(), BundleError> {
        let expected = genesis.hash();
        if self.header.genesis_hash != expected {
            let found = self.header.genesis_hash;
            return Err(BundleError::OtherChain { found, expected });
        }
        let unknown = self.header.features & !Header::FEATURES_KNOWN;
        if unknown != 0 {
            return Err(BundleError::Features(unknown));
        }
        let expected = genesis.validators.hash();
        if self.header.set_hash != expected {
            let found = self.header.set_hash;
            return Err(BundleError::OtherSet { found, expected });
        }
        Ok(())
    }
}

fn read_version<R: io::Read>(reader: &mut R) -> io::Result<u16> {
    bounded::version(reader, VERSION)
}

fn read_signatures<R: io::Read>(reader: &mut R) -> io::Result<Vec<Signature>> {
    bounded::list(reader, VALIDATORS_MAX)
}

fn read_no_changes<R: io::Read>(reader: &mut R) -> io::Result<u16> {
    match u16::deserialize_reader(reader)? {
        0 => Ok(0),
        _ => Err(bounded::invalid("this version knows no set changes")),
    }
}

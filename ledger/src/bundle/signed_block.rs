//! A header, the whole outcome of its block, and the signatures of a commit certificate over both.
//!
//! Invariant: the certificate is that of this header and this outcome by its layout: height, block id and outcome hash are not stored
//! beside them but computed, so none can differ.
//! Layout: header, outcome, round, signers, signatures.
//! Source: `docs/spec/receipts.md`, "Signed block".

use alloc::vec::Vec;
use borsh::io;
use borsh::{BorshDeserialize, BorshSerialize};
use falaj_consensus::bounded;
use falaj_consensus::crypto::Signature;
use falaj_consensus::message::{CommitCertificate, Header, Outcome};
use falaj_consensus::types::Round;
use falaj_consensus::validator_set::{Bitmap, VALIDATORS_MAX};
use falaj_consensus::verify::{Checker, Context};

use super::BundleError;
use crate::proof::Certified;
use crate::trust::Trust;

/// What a quorum is said to have certified of one block.
#[derive(Clone, Debug, PartialEq, Eq, BorshSerialize, BorshDeserialize)]
pub struct SignedBlock {
    header: Header,
    outcome: Outcome,
    round: Round,
    signers: Bitmap,
    #[borsh(deserialize_with = "read_signatures")]
    signatures: Vec<Signature>,
}

impl SignedBlock {
    /// Puts a block's header, outcome and certificate together; `None` if the certificate is of another block or outcome.
    #[must_use]
    pub fn new(header: Header, outcome: Outcome, certificate: &CommitCertificate) -> Option<Self> {
        let fits = certificate.height == header.height
            && certificate.id == header.id()
            && certificate.outcome == outcome.hash();
        fits.then(|| Self {
            header,
            outcome,
            round: certificate.round,
            signers: certificate.signers.clone(),
            signatures: certificate.signatures.clone(),
        })
    }

    /// The header; what it says is certified only once [`SignedBlock::verify`] held.
    #[must_use]
    pub const fn header(&self) -> &Header {
        &self.header
    }

    /// The outcome, under the same reserve.
    #[must_use]
    pub const fn outcome(&self) -> &Outcome {
        &self.outcome
    }

    /// How many signatures there are, under the same reserve.
    #[must_use]
    pub const fn signers(&self) -> usize {
        self.signatures.len()
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

    /// Checks that a quorum of the trusted validators certified this header with this outcome, at a height at which they are in force.
    ///
    /// # Errors
    /// [`BundleError`]: another chain, unknown features, another set, or a certificate that does not hold.
    pub fn verify(&self, trust: &Trust, checker: &dyn Checker) -> Result<Certified, BundleError> {
        self.check_header(trust)?;
        let context = Context {
            chain: trust.chain(),
            set: trust.validators(),
            checker,
        };
        let certificate = context
            .certificate(self.certificate())
            .map_err(BundleError::Certificate)?;
        let (header, outcome) = (self.header.clone(), self.outcome.clone());
        Ok(Certified::new(&certificate, header, outcome)?)
    }

    fn check_header(&self, trust: &Trust) -> Result<(), BundleError> {
        let expected = trust.chain().genesis_hash;
        if self.header.genesis_hash != expected {
            let found = self.header.genesis_hash;
            return Err(BundleError::OtherChain { found, expected });
        }
        let unknown = self.header.features & !Header::FEATURES_KNOWN;
        if unknown != 0 {
            return Err(BundleError::Features(unknown));
        }
        let expected = trust.validators().hash();
        if self.header.set_hash != expected {
            let found = self.header.set_hash;
            return Err(BundleError::OtherSet { found, expected });
        }
        let (height, from) = (self.header.height, trust.in_force_from());
        // Height 0 is told by the certificate, whichever set it names.
        if height.get() != 0 && height < from {
            return Err(BundleError::NotInForce { height, from });
        }
        Ok(())
    }
}

fn read_signatures<R: io::Read>(reader: &mut R) -> io::Result<Vec<Signature>> {
    bounded::list(reader, VALIDATORS_MAX)
}

//! A signed block, and the changes of set by which its validators came to certify it: what every bundle stands on.
//!
//! Invariant: whoever believes the first set of the chain of changes believes the block once all of it verifies.
//! Layout: version (1), signed block, list of set changes, whose count is a `u16`.
//! Source: `docs/spec/receipts.md`, "Certified outcome".

use alloc::vec::Vec;
use borsh::io;
use borsh::{BorshDeserialize, BorshSerialize};
use falaj_consensus::bounded;
use falaj_consensus::message::{CommitCertificate, Header, Outcome};
use falaj_consensus::verify::Checker;

use super::{BundleError, Proven, SetChange, SignedBlock};
use crate::proof::Certified;
use crate::trust::Trust;

const VERSION: u16 = 1;

/// The most changes of set in one chain of them.
pub const SET_CHANGES_MAX: u16 = 1024;

/// What a quorum certified of one block.
#[derive(Clone, Debug, PartialEq, Eq, BorshSerialize, BorshDeserialize)]
pub struct CertifiedOutcome {
    #[borsh(deserialize_with = "read_version")]
    version: u16,
    block: SignedBlock,
    #[borsh(serialize_with = "write_changes", deserialize_with = "read_changes")]
    set_changes: Vec<SetChange>,
}

impl CertifiedOutcome {
    /// Puts a block's header, outcome and certificate together; `None` if the certificate is of another block or outcome.
    #[must_use]
    pub fn new(header: Header, outcome: Outcome, certificate: &CommitCertificate) -> Option<Self> {
        let block = SignedBlock::new(header, outcome, certificate)?;
        Some(Self {
            version: VERSION,
            block,
            set_changes: Vec::new(),
        })
    }

    /// The same after these changes of set, in order of height; `None` if they are more than [`SET_CHANGES_MAX`].
    #[must_use]
    pub fn after(self, set_changes: Vec<SetChange>) -> Option<Self> {
        let fits = set_changes.len() <= usize::from(SET_CHANGES_MAX);
        fits.then_some(Self {
            set_changes,
            ..self
        })
    }

    /// The header; what it says is certified only once [`CertifiedOutcome::verify`] held.
    #[must_use]
    pub const fn header(&self) -> &Header {
        self.block.header()
    }

    /// The outcome, under the same reserve.
    #[must_use]
    pub const fn outcome(&self) -> &Outcome {
        self.block.outcome()
    }

    /// The certificate as consensus knows it.
    #[must_use]
    pub fn certificate(&self) -> CommitCertificate {
        self.block.certificate()
    }

    /// The changes of set on the way, in order of height.
    #[must_use]
    pub fn set_changes(&self) -> &[SetChange] {
        &self.set_changes
    }

    /// Checks that the trusted validators, or those that follow from them by the changes, certified this header with this outcome.
    ///
    /// # Errors
    /// [`BundleError`] of the first change that does not hold, then of the block.
    pub fn verify(&self, trust: &Trust, checker: &dyn Checker) -> Result<Certified, BundleError> {
        let mut reached = None;
        for change in &self.set_changes {
            reached = Some(change.verify(reached.as_ref().unwrap_or(trust), checker)?);
        }
        self.block
            .verify(reached.as_ref().unwrap_or(trust), checker)
    }

    pub(super) fn proven(&self, trust: &Trust) -> Proven {
        let set = self
            .set_changes
            .last()
            .map_or(trust.validators(), |change| &change.validators);
        Proven {
            height: self.header().height,
            time_us: self.header().time_us,
            signers: self.block.signers(),
            validators: set.len(),
        }
    }
}

fn read_version<R: io::Read>(reader: &mut R) -> io::Result<u16> {
    bounded::version(reader, VERSION)
}

fn write_changes<W: io::Write>(changes: &[SetChange], writer: &mut W) -> io::Result<()> {
    let count = u16::try_from(changes.len()).expect("a chain has at most 1,024 changes");
    count.serialize(writer)?;
    changes
        .iter()
        .try_for_each(|change| change.serialize(writer))
}

fn read_changes<R: io::Read>(reader: &mut R) -> io::Result<Vec<SetChange>> {
    let count = u16::deserialize_reader(reader)?;
    if count > SET_CHANGES_MAX {
        return Err(bounded::invalid("a chain of more than 1,024 set changes"));
    }
    (0..count)
        .map(|_| SetChange::deserialize_reader(reader))
        .collect()
}

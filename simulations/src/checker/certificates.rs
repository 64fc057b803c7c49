//! Certificates: whatever a correct node sends or acts on has distinct members, one statement, more than two thirds of the power,
//! and signatures that the HSM's registry knows as made for exactly that.
//!
//! Shape: certificates that were found right are remembered by their bytes, so each is judged once.
//! Source: `docs/spec/consensus.md`, "Certificates".

use std::collections::BTreeSet;

use falaj_consensus::crypto::Signature;
use falaj_consensus::message::{CommitCertificate, Polka, Statement};
use falaj_consensus::types::ChainContext;
use falaj_consensus::validator_set::Bitmap;
use falaj_node::core::{Frame, Message, ProposalBundle};

use super::quorum::Voters;
use super::{Facts, Finding, Observation};
use crate::hsm::{KeyIndex, Registry};

type Known = (Statement, Vec<Signature>);

#[derive(Debug)]
pub(super) struct Certificates {
    validators: u16,
    chain: ChainContext,
    known: BTreeSet<Known>,
}

impl Certificates {
    pub(super) fn new(facts: &Facts) -> Self {
        Self {
            validators: facts.validators,
            chain: facts.economy.genesis.chain(),
            known: BTreeSet::new(),
        }
    }

    pub(super) fn observe(&mut self, registry: &Registry, seen: &Observation<'_>) -> Finding {
        match seen {
            Observation::Replayed(block) | Observation::Committed(block) => {
                self.commit(registry, &block.certificate)
            }
            Observation::Sent(frame) => self.sent(registry, frame),
            Observation::Started { .. }
            | Observation::Intended(_)
            | Observation::Released { .. }
            | Observation::Received(_)
            | Observation::Appended { .. }
            | Observation::Durable { .. }
            | Observation::Reported(_)
            | Observation::Held { .. } => Ok(()),
        }
    }

    fn sent(&mut self, registry: &Registry, frame: &Frame) -> Finding {
        match &frame.message {
            Some(Message::Certificate(certificate)) => self.commit(registry, certificate),
            Some(Message::Polka(polka)) => self.polka(registry, polka),
            Some(Message::Proposal(bundle)) => self.bundle(registry, bundle),
            Some(Message::Blocks(blocks)) => blocks
                .iter()
                .try_for_each(|block| self.commit(registry, &block.certificate)),
            _ => Ok(()),
        }
    }

    fn bundle(&mut self, registry: &Registry, bundle: &ProposalBundle) -> Finding {
        if let Some(polka) = &bundle.polka {
            self.polka(registry, polka)?;
        }
        match &bundle.parent {
            Some(parent) => self.commit(registry, parent),
            None => Ok(()),
        }
    }

    fn commit(&mut self, registry: &Registry, certificate: &CommitCertificate) -> Finding {
        let CommitCertificate {
            signers,
            signatures,
            ..
        } = certificate;
        self.judge(registry, certificate.statement(), signers, signatures)
    }

    fn polka(&mut self, registry: &Registry, polka: &Polka) -> Finding {
        self.judge(
            registry,
            polka.statement(),
            &polka.signers,
            &polka.signatures,
        )
    }

    fn judge(
        &mut self,
        registry: &Registry,
        statement: Statement,
        signers: &Bitmap,
        signatures: &[Signature],
    ) -> Finding {
        let known = (statement, signatures.to_vec());
        if self.known.contains(&known) {
            return Ok(());
        }
        let voters = Voters::of(signers, self.validators).ok_or("a signer outside the set")?;
        if !voters.is_quorum(self.validators) {
            return Err(format!(
                "{} signers are no quorum for {statement:?}",
                voters.count()
            ));
        }
        if signatures.len() != signers.iter().count() {
            return Err(format!("not one signature a signer for {statement:?}"));
        }
        let message = statement.sign_bytes(&self.chain);
        for (signer, signature) in signers.iter().zip(signatures) {
            let signed = registry.find(signature);
            let right = signed.is_some_and(|signed| {
                signed.order.key == KeyIndex::new(signer.get())
                    && signed.order.message == message.as_slice()
            });
            if !right {
                return Err(format!("validator {signer} never signed {statement:?}"));
            }
        }
        self.known.insert(known);
        Ok(())
    }
}

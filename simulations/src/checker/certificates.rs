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
use super::sets::Sets;
use super::{Facts, Finding, Observation};
use crate::hsm::Registry;

type Known = (Statement, Vec<Signature>);

/// What certificates are held against.
#[derive(Clone, Copy)]
struct Of<'a> {
    sets: &'a Sets,
    registry: &'a Registry,
}

#[derive(Debug)]
pub(super) struct Certificates {
    chain: ChainContext,
    known: BTreeSet<Known>,
}

impl Certificates {
    pub(super) fn new(facts: &Facts) -> Self {
        Self {
            chain: facts.economy.genesis.chain(),
            known: BTreeSet::new(),
        }
    }

    pub(super) fn observe(
        &mut self,
        sets: &Sets,
        registry: &Registry,
        seen: &Observation<'_>,
    ) -> Finding {
        let of = Of { sets, registry };
        match seen {
            Observation::Replayed(block) | Observation::Committed(block) => {
                self.commit(of, &block.certificate)
            }
            Observation::Sent(frame) => self.sent(of, frame),
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

    fn sent(&mut self, of: Of<'_>, frame: &Frame) -> Finding {
        match &frame.message {
            Some(Message::Certificate(certificate)) => self.commit(of, certificate),
            Some(Message::Polka(polka)) => self.polka(of, polka),
            Some(Message::Proposal(bundle)) => self.bundle(of, bundle),
            Some(Message::Blocks(blocks)) => blocks
                .iter()
                .try_for_each(|block| self.commit(of, &block.certificate)),
            _ => Ok(()),
        }
    }

    fn bundle(&mut self, of: Of<'_>, bundle: &ProposalBundle) -> Finding {
        if let Some(polka) = &bundle.polka {
            self.polka(of, polka)?;
        }
        match &bundle.parent {
            Some(parent) => self.commit(of, parent),
            None => Ok(()),
        }
    }

    fn commit(&mut self, of: Of<'_>, certificate: &CommitCertificate) -> Finding {
        let CommitCertificate {
            signers,
            signatures,
            ..
        } = certificate;
        self.judge(of, certificate.statement(), signers, signatures)
    }

    fn polka(&mut self, of: Of<'_>, polka: &Polka) -> Finding {
        self.judge(of, polka.statement(), &polka.signers, &polka.signatures)
    }

    fn judge(
        &mut self,
        Of { sets, registry }: Of<'_>,
        statement: Statement,
        signers: &Bitmap,
        signatures: &[Signature],
    ) -> Finding {
        let known = (statement, signatures.to_vec());
        if self.known.contains(&known) {
            return Ok(());
        }
        let members = sets.at(statement.height());
        let voters = Voters::of(signers, members.count()).ok_or("a signer outside the set")?;
        if !members.is_quorum(voters) {
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
                members.has_key(signer.get(), registry.keys().public(signed.order.key))
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

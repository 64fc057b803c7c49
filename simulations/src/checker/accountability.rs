//! Accountability: what correct nodes have heard proves offences of liars alone; and when they decide differently although at most 2f
//! lie, it names at least f + 1 of them.
//!
//! Invariant: a word counts only with a signature that the registry knows as its author's over exactly that statement.
//! Shape: the words of all correct nodes together, by height and author; members of polkas and certificates count as their votes.
//! Offences: two proposals, two prevotes or two precommits of one round; and *amnesia*, a precommit of a block in round r and a prevote
//! of another in a later round whose valid round is before r. Each is proven by two messages.
//! Source: `docs/spec/consensus.md`, "Evidence"; "Accountability".

pub(super) mod words;

use std::collections::{BTreeMap, BTreeSet};

use falaj_consensus::crypto::Signature;
use falaj_consensus::message::{CommitCertificate, Polka, Statement};
use falaj_consensus::types::{ChainContext, Height};
use falaj_consensus::validator_set::Bitmap;
use falaj_node::core::{Frame, Message, ProposalBundle};

use super::{Facts, Finding, Observation};
use crate::hsm::{KeyIndex, Registry};
use crate::types::NodeIndex;
use words::Words;

/// Heights below the highest decided that are still judged: a node that was away may decide one of them late.
const HEIGHTS_KEPT: u64 = 256;

#[derive(Debug)]
pub(super) struct Accountability {
    validators: usize,
    byzantine: BTreeSet<NodeIndex>,
    chain: ChainContext,
    heights: BTreeMap<Height, BTreeMap<u16, Words>>,
}

impl Accountability {
    pub(super) fn new(facts: &Facts) -> Self {
        Self {
            validators: usize::from(facts.validators),
            byzantine: facts.byzantine.clone(),
            chain: facts.economy.genesis.chain(),
            heights: BTreeMap::new(),
        }
    }

    pub(super) fn observe(
        &mut self,
        registry: &Registry,
        node: NodeIndex,
        seen: &Observation<'_>,
    ) -> Finding {
        match seen {
            Observation::Received(frame) => self.received(registry, frame),
            Observation::Released { statement, .. } => self.record(node.get(), statement),
            Observation::Replayed(block) => self.certificate(registry, &block.certificate),
            Observation::Committed(block) => {
                self.certificate(registry, &block.certificate)?;
                self.forget(block.header.height);
                Ok(())
            }
            Observation::Started { .. }
            | Observation::Intended(_)
            | Observation::Sent(_)
            | Observation::Appended { .. }
            | Observation::Durable { .. }
            | Observation::Reported(_)
            | Observation::Held { .. } => Ok(()),
        }
    }

    /// Who is proven to have broken the protocol at a height.
    fn culprits(&self, height: Height) -> BTreeSet<NodeIndex> {
        let authors = self.heights.get(&height).into_iter().flatten();
        authors
            .filter(|(_, words)| words.is_offence())
            .map(|(author, _)| NodeIndex::new(*author))
            .collect()
    }

    /// Who is named after a fork: at least f + 1, unless more than 2f lie, when nothing is promised.
    ///
    /// # Errors
    ///
    /// What is wrong, if they are fewer.
    pub(super) fn answer(&self, height: Height) -> Result<String, String> {
        let bearable = (self.validators - 1) / 3;
        let (liars, culprits) = (self.byzantine.len(), self.culprits(height));
        let named: Vec<_> = culprits.iter().map(ToString::to_string).collect();
        let named = named.join(", ");
        if liars > 2 * bearable || culprits.len() > bearable {
            Ok(named)
        } else {
            Err(format!(
                "only [{named}] can be proven to have lied, of {liars} who do"
            ))
        }
    }

    fn received(&mut self, registry: &Registry, frame: &Frame) -> Finding {
        match &frame.message {
            Some(Message::Proposal(bundle)) => self.bundle(registry, bundle),
            Some(Message::Votes(votes)) => votes.iter().try_for_each(|vote| {
                let author = vote.validator.get();
                self.word(registry, author, &vote.statement(), &vote.signature)
            }),
            Some(Message::Polka(polka)) => self.polka(registry, polka),
            Some(Message::Certificate(certificate)) => self.certificate(registry, certificate),
            Some(Message::Blocks(blocks)) => blocks
                .iter()
                .try_for_each(|block| self.certificate(registry, &block.certificate)),
            _ => Ok(()),
        }
    }

    fn bundle(&mut self, registry: &Registry, bundle: &ProposalBundle) -> Finding {
        let proposal = &bundle.proposal;
        let (author, said) = (proposal.proposer.get(), proposal.statement());
        self.word(registry, author, &said, &proposal.signature)?;
        if let Some(polka) = &bundle.polka {
            self.polka(registry, polka)?;
        }
        match &bundle.parent {
            Some(parent) => self.certificate(registry, parent),
            None => Ok(()),
        }
    }

    fn polka(&mut self, registry: &Registry, polka: &Polka) -> Finding {
        let said = polka.statement();
        self.members(registry, &said, &polka.signers, &polka.signatures)
    }

    fn certificate(&mut self, registry: &Registry, certificate: &CommitCertificate) -> Finding {
        let (signers, signatures) = (&certificate.signers, &certificate.signatures);
        self.members(registry, &certificate.statement(), signers, signatures)
    }

    fn members(
        &mut self,
        registry: &Registry,
        said: &Statement,
        signers: &Bitmap,
        signatures: &[Signature],
    ) -> Finding {
        // All of them are taken in, whatever is found about one.
        let pairs = signers.iter().zip(signatures);
        let words =
            pairs.map(|(signer, signature)| self.word(registry, signer.get(), said, signature));
        words.fold(Ok(()), Finding::and)
    }

    /// Takes in a word if it is new and its author's.
    fn word(
        &mut self,
        registry: &Registry,
        author: u16,
        said: &Statement,
        signature: &Signature,
    ) -> Finding {
        let known = self.heights.get(&said.height());
        let known = known.and_then(|authors| authors.get(&author));
        if known.is_some_and(|words| words.has(said))
            || !self.is_of(registry, author, said, signature)
        {
            return Ok(());
        }
        self.record(author, said)
    }

    fn is_of(
        &self,
        registry: &Registry,
        author: u16,
        said: &Statement,
        signature: &Signature,
    ) -> bool {
        registry.find(signature).is_some_and(|signed| {
            signed.order.key == KeyIndex::new(author)
                && signed.order.message == said.sign_bytes(&self.chain).as_slice()
        })
    }

    /// What is proven must be proven against liars.
    fn record(&mut self, author: u16, said: &Statement) -> Finding {
        let authors = self.heights.entry(said.height()).or_default();
        let words = authors.entry(author).or_default();
        words.add(said);
        let node = NodeIndex::new(author);
        if words.is_offence() && !self.byzantine.contains(&node) {
            return Err(format!(
                "{node} is correct, and its words prove an offence at height {}: {said:?}",
                said.height()
            ));
        }
        Ok(())
    }

    fn forget(&mut self, decided: Height) {
        let floor = decided.get().saturating_sub(HEIGHTS_KEPT);
        let first = self.heights.first_key_value();
        if first.is_some_and(|(height, _)| height.get() < floor) {
            self.heights = self.heights.split_off(&Height::new(floor));
        }
    }
}

//! Accountability: what correct nodes have heard proves offences of liars alone; and when they decide differently although at most 2f
//! lie, what stands in their logs names at least f + 1 of them.
//!
//! Invariant: a word counts only with a signature that the registry knows as its author's over exactly that statement.
//! Shape: the words of all correct nodes together, by height and author; members of polkas and certificates count as their votes. Of what
//! was heard, that is stored which a record of a block log holds, and the polka of each precommit that a guard let out.
//! Offences: two proposals, two prevotes or two precommits of one round; and *amnesia*, a precommit of a block in round r and a prevote
//! of another in a later round whose valid round is before r. Each is proven by two messages.
//! Source: `docs/spec/consensus.md`, "Evidence"; "Accountability".

pub(super) mod words;

use std::collections::{BTreeMap, BTreeSet};

use falaj_consensus::crypto::Signature;
use falaj_consensus::durable::{LogId, Position};
use falaj_consensus::message::{CommitCertificate, Polka, Statement};
use falaj_consensus::types::{ChainContext, Height};
use falaj_consensus::validator_set::Bitmap;
use falaj_node::core::{Frame, Message, ProposalBundle};
use falaj_node::storage::BlockRecord;

use super::sets::Sets;
use super::{Facts, Finding, Observation};
use crate::hsm::Registry;
use crate::types::NodeIndex;
use words::Words;

/// Heights below the highest decided that are still judged: a node that was away may decide one of them late.
const HEIGHTS_KEPT: u64 = 256;

/// What words are held against.
#[derive(Clone, Copy)]
struct Of<'a> {
    sets: &'a Sets,
    registry: &'a Registry,
}

#[derive(Debug)]
pub(super) struct Accountability {
    byzantine: BTreeSet<NodeIndex>,
    chain: ChainContext,
    heights: BTreeMap<Height, BTreeMap<NodeIndex, Words>>,
    stored: BTreeMap<Height, Vec<Stored>>,
}

/// Equal votes in somebody's logs.
#[derive(Debug)]
struct Stored {
    /// Whose block log, and where; none if a guard holds it.
    at: Option<(NodeIndex, Position)>,
    said: Statement,
    signers: BTreeSet<NodeIndex>,
}

impl Accountability {
    pub(super) fn new(facts: &Facts) -> Self {
        Self {
            byzantine: facts.byzantine.clone(),
            chain: facts.economy.genesis.chain(),
            heights: BTreeMap::new(),
            stored: BTreeMap::new(),
        }
    }

    pub(super) fn observe(
        &mut self,
        sets: &Sets,
        registry: &Registry,
        node: NodeIndex,
        seen: &Observation<'_>,
    ) -> Finding {
        let of = Of { sets, registry };
        match seen {
            Observation::Received(frame) => self.received(of, frame),
            Observation::Released { statement, .. } => {
                self.guarded(statement);
                self.record(node, statement)
            }
            Observation::Started { block, .. } => {
                let is_lost =
                    |stored: &Stored| stored.at.is_some_and(|(of, at)| of == node && at > *block);
                for stored in self.stored.values_mut() {
                    stored.retain(|stored| !is_lost(stored));
                }
                Ok(())
            }
            Observation::Appended {
                log: LogId::Block,
                position,
                record,
            } => {
                self.appended(sets, (node, *position), record);
                Ok(())
            }
            Observation::Replayed(block) => self.decided(of, &block.certificate),
            Observation::Committed(block) => {
                self.decided(of, &block.certificate)?;
                self.forget(block.header.height);
                Ok(())
            }
            Observation::Intended(_)
            | Observation::Sent(_)
            | Observation::Appended { .. }
            | Observation::Durable { .. }
            | Observation::Reported(_)
            | Observation::Held { .. } => Ok(()),
        }
    }

    /// Who is proven to have broken the protocol at a height by what is stored.
    fn culprits(&self, height: Height) -> BTreeSet<NodeIndex> {
        let mut authors: BTreeMap<NodeIndex, Words> = BTreeMap::new();
        for stored in self.stored.get(&height).into_iter().flatten() {
            for author in &stored.signers {
                authors.entry(*author).or_default().add(&stored.said);
            }
        }
        let proven = authors.into_iter().filter(|(_, words)| words.is_offence());
        proven.map(|(author, _)| author).collect()
    }

    /// A record of a block log: polkas and certificates were checked when they were heard, or made of what was.
    fn appended(&mut self, sets: &Sets, at: (NodeIndex, Position), record: &[u8]) {
        let (said, signers) = match BlockRecord::decode(record) {
            Some(BlockRecord::Polka(polka)) => (polka.statement(), polka.signers),
            Some(BlockRecord::Conflicting(certificate)) => {
                (certificate.statement(), certificate.signers)
            }
            // What is decided is stored once it is told.
            Some(
                BlockRecord::Decided(_) | BlockRecord::Proposed { .. } | BlockRecord::Restored(_),
            )
            | None => return,
        };
        self.store(sets, Some(at), said, &signers);
    }

    fn store(
        &mut self,
        sets: &Sets,
        at: Option<(NodeIndex, Position)>,
        said: Statement,
        signers: &Bitmap,
    ) {
        let members = sets.at(said.height());
        let signers = signers
            .iter()
            .filter_map(|signer| members.node(signer.get()));
        let signers = signers.collect();
        let stored = self.stored.entry(said.height()).or_default();
        stored.push(Stored { at, said, signers });
    }

    /// A guard keeps the polka of a precommit for a block; of what it consists is known by what was heard.
    fn guarded(&mut self, precommit: &Statement) {
        let Statement::Precommit {
            height,
            round,
            value: Some(value),
        } = precommit
        else {
            return;
        };
        let mut polkas: BTreeMap<Statement, BTreeSet<NodeIndex>> = BTreeMap::new();
        for (author, words) in self.heights.get(height).into_iter().flatten() {
            for said in words.prevotes(*round, value.id) {
                polkas.entry(*said).or_default().insert(*author);
            }
        }
        let stored = self.stored.entry(*height).or_default();
        stored.extend(polkas.into_iter().map(|(said, signers)| Stored {
            at: None,
            said,
            signers,
        }));
    }

    /// Who is named after a fork: more power than consensus bears, unless more than twice that lies, when nothing is promised.
    ///
    /// # Errors
    ///
    /// What is wrong, if they are fewer.
    pub(super) fn answer(&self, sets: &Sets, height: Height) -> Result<String, String> {
        let (members, culprits) = (sets.at(height), self.culprits(height));
        let bearable = members.bearable_power();
        let lying = members.power_of(|node| self.byzantine.contains(&node));
        let proven = members.power_of(|node| culprits.contains(&node));
        let liars = self.byzantine.len();
        let named: Vec<_> = culprits.iter().map(ToString::to_string).collect();
        let named = named.join(", ");
        if lying > 2 * bearable || proven > bearable {
            Ok(named)
        } else {
            Err(format!(
                "only [{named}] can be proven to have lied, of {liars} who do"
            ))
        }
    }

    fn received(&mut self, of: Of<'_>, frame: &Frame) -> Finding {
        match &frame.message {
            Some(Message::Proposal(bundle)) => self.bundle(of, bundle),
            Some(Message::Votes(votes)) => votes.iter().try_for_each(|vote| {
                let author = vote.validator.get();
                self.word(of, author, &vote.statement(), &vote.signature)
            }),
            Some(Message::Polka(polka)) => self.polka(of, polka),
            Some(Message::Certificate(certificate)) => self.certificate(of, certificate),
            Some(Message::Blocks(blocks)) => blocks
                .iter()
                .try_for_each(|block| self.certificate(of, &block.certificate)),
            _ => Ok(()),
        }
    }

    fn bundle(&mut self, of: Of<'_>, bundle: &ProposalBundle) -> Finding {
        let proposal = &bundle.proposal;
        let (author, said) = (proposal.proposer.get(), proposal.statement());
        self.word(of, author, &said, &proposal.signature)?;
        if let Some(polka) = &bundle.polka {
            self.polka(of, polka)?;
        }
        match &bundle.parent {
            Some(parent) => self.certificate(of, parent),
            None => Ok(()),
        }
    }

    fn polka(&mut self, of: Of<'_>, polka: &Polka) -> Finding {
        let said = polka.statement();
        self.members(of, &said, &polka.signers, &polka.signatures)
    }

    fn certificate(&mut self, of: Of<'_>, certificate: &CommitCertificate) -> Finding {
        let (signers, signatures) = (&certificate.signers, &certificate.signatures);
        self.members(of, &certificate.statement(), signers, signatures)
    }

    fn decided(&mut self, of: Of<'_>, certificate: &CommitCertificate) -> Finding {
        self.store(of.sets, None, certificate.statement(), &certificate.signers);
        self.certificate(of, certificate)
    }

    fn members(
        &mut self,
        of: Of<'_>,
        said: &Statement,
        signers: &Bitmap,
        signatures: &[Signature],
    ) -> Finding {
        // All of them are taken in, whatever is found about one.
        let pairs = signers.iter().zip(signatures);
        let words = pairs.map(|(signer, signature)| self.word(of, signer.get(), said, signature));
        words.fold(Ok(()), Finding::and)
    }

    /// Takes in a word if it is new and its author's.
    fn word(
        &mut self,
        of: Of<'_>,
        author: u16,
        said: &Statement,
        signature: &Signature,
    ) -> Finding {
        let Some(node) = of.sets.at(said.height()).node(author) else {
            return Ok(());
        };
        let known = self.heights.get(&said.height());
        let known = known.and_then(|authors| authors.get(&node));
        if known.is_some_and(|words| words.has(said)) || !self.is_of(of, author, said, signature) {
            return Ok(());
        }
        self.record(node, said)
    }

    fn is_of(
        &self,
        Of { sets, registry }: Of<'_>,
        author: u16,
        said: &Statement,
        signature: &Signature,
    ) -> bool {
        let members = sets.at(said.height());
        registry.find(signature).is_some_and(|signed| {
            members.has_key(author, registry.keys().public(signed.order.key))
                && signed.order.message == said.sign_bytes(&self.chain).as_slice()
        })
    }

    /// What is proven must be proven against liars.
    fn record(&mut self, author: NodeIndex, said: &Statement) -> Finding {
        let authors = self.heights.entry(said.height()).or_default();
        let words = authors.entry(author).or_default();
        words.add(said);
        if words.is_offence() && !self.byzantine.contains(&author) {
            return Err(format!(
                "{author} is correct, and its words prove an offence at height {}: {said:?}",
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
            self.stored = self.stored.split_off(&Height::new(floor));
        }
    }
}

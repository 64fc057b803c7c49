//! Evidence between detection and the ledger: told to peers, taken from them, put into blocks.
//!
//! Invariant: what a peer tells is verified under the set of its height before it is kept or told on; a block of ours carries only what
//! the state before it says that it may.
//! Source: `docs/spec/dissemination.md`, "Evidence"; `docs/spec/ledger.md`, "Evidence".

use falaj_consensus::message::{Body, Evidence, EvidenceKey};
use falaj_consensus::types::Height;
use falaj_consensus::verify::Verified;

use super::{Replica, Step};
use crate::core::checks::Work;
use crate::core::effect::{Dropped, Event, Recipients};
use crate::core::evidence::OF_PEER_MAX;
use crate::core::input::{Peer, Sent};
use crate::core::job::{HeightContext, VerifyJob};
use crate::core::wire::Message;

/// Pieces that one tick tells the proposer that has to carry them.
const RETOLD_PER_TICK: usize = 8;

impl Replica {
    /// The engine has proven an offence.
    pub(super) fn on_own_evidence(&mut self, evidence: Box<Evidence>, step: &mut Step) {
        self.keep_evidence((*evidence).clone(), None, step);
        Self::event(Event::Evidence(evidence), step);
    }

    pub(super) fn on_evidence(&mut self, from: Sent, evidence: Evidence, step: &mut Step) {
        let key = evidence.key();
        let Some(context) = self.evidence_context(key.height) else {
            return;
        };
        if self.evidence.contains(&key) || !self.is_open(key) {
            return;
        }
        if !self.evidence.has_room(Some(from.by)) {
            return Self::limited(from.by, Dropped::EvidenceQuota, step);
        }
        let job = VerifyJob::Evidence {
            from,
            context,
            evidence: Box::new(evidence),
        };
        self.verify(Work::Consensus, from, job, step);
    }

    pub(super) fn on_checked_evidence(
        &mut self,
        from: Peer,
        evidence: Verified<Evidence>,
        step: &mut Step,
    ) {
        let evidence = evidence.into_inner();
        if self.is_open(evidence.key()) {
            self.keep_evidence(evidence, Some(from), step);
        }
    }

    /// Takes a piece in and tells it to every other peer, once.
    fn keep_evidence(&mut self, evidence: Evidence, giver: Option<Peer>, step: &mut Step) {
        if self.evidence.insert(evidence.clone(), giver) {
            let reachable = self.sync.reachable();
            let others = reachable.filter(|peer| Some(*peer) != giver).collect();
            let message = Message::Evidence(Box::new(evidence));
            self.send(Recipients::Some(others), message, step);
        }
    }

    /// A peer that has just connected may have lost what it knew, or never heard it.
    pub(super) fn tell_evidence(&self, peer: Peer, step: &mut Step) {
        for evidence in self.evidence.iter().take(OF_PEER_MAX) {
            self.send_to(peer, Message::Evidence(Box::new(evidence.clone())), step);
        }
    }

    /// What was told and got lost on its way is told again to the proposer that has to carry it: while that begins a height, and not to who
    /// told it here.
    pub(super) fn retell_evidence(&self, step: &mut Step) {
        if self.stands_still() || !self.is_evidence_due() {
            return;
        }
        let proposer = Peer::of(self.first_proposer).filter(|peer| {
            let mut reachable = self.sync.reachable();
            Some(self.first_proposer) != self.config.validator && reachable.any(|up| up == *peer)
        });
        let Some(proposer) = proposer else { return };
        let is_news = |evidence: &&Evidence| self.evidence.giver(&evidence.key()) != Some(proposer);
        let lacked = self.takable_evidence().filter(is_news);
        for evidence in lacked.take(RETOLD_PER_TICK) {
            let message = Message::Evidence(Box::new(evidence.clone()));
            self.send_to(proposer, message, step);
        }
    }

    /// What a block of the open height may carry, in its order, up to the limit of the parameters.
    pub(super) fn takable_evidence(&self) -> impl Iterator<Item = &Evidence> {
        let most = self.parameters().limits.block_evidence_max;
        let state = &self.tip.state;
        let takable = self.evidence.takable(|key| state.takes_evidence(key));
        takable.take(usize::try_from(most).unwrap_or(usize::MAX))
    }

    /// Whether evidence begins a height. After a block that carried some it waits for other work or the heartbeat: whoever breaks the
    /// protocol at every height would otherwise keep an idle network at it for ever.
    pub(super) fn is_evidence_due(&self) -> bool {
        if self.takable_evidence().next().is_none() {
            return false;
        }
        let before = self.tip.block.as_ref();
        before.is_none_or(|(header, _)| header.evidence_root == Body::default().evidence_root())
    }

    /// Forgets what was recorded or is over: the height was decided.
    pub(super) fn forget_evidence(&mut self) {
        let state = &self.tip.state;
        self.evidence
            .retain(|key| key.height > state.height() || state.takes_evidence(key));
    }

    /// Whether this or a later block may carry evidence of an offence.
    fn is_open(&self, key: EvidenceKey) -> bool {
        let state = &self.tip.state;
        key.height > state.height() || state.takes_evidence(key)
    }

    /// What evidence of a height is checked against; `None` for heights whose set is not known here.
    pub(super) fn evidence_context(&self, height: Height) -> Option<HeightContext> {
        let known = height.get() > 0 && height <= self.open_height().next();
        known.then(|| HeightContext {
            chain: self.config.chain.clone(),
            set: self.tip.state.validators_at(height),
        })
    }
}

//! Driving the engine: its inputs in order, and each of its outputs turned into effects and messages.
//!
//! Invariant: an own vote or proposal that names a block leaves only after header, body and batches of that block are on disk;
//! the one exception is a recorded prevote whose block a crash took (`docs/adr/0006-recorded-prevote-without-its-block.md`).
//! Source: `docs/spec/consensus.md`, "The engine's face".

use std::collections::VecDeque;

use falaj_consensus::durable::{LogId, Position};
use falaj_consensus::engine::{self, BlockPart, Own, Publication, VotesWanted};
use falaj_consensus::message::{Kind, Polka, Proposal, Statement, Vote};
use falaj_consensus::mutated;
use falaj_consensus::types::{BlockId, Height, Now, Round, SignRefusal, ValidatorIndex};
use falaj_consensus::verify::{SignedStatement, Verified};
use falaj_hsm::{HeightProof, Refusal, RequestId, SignRequest};

use super::{Replica, Step, Unsigned};
use crate::core::effect::{Effect, Event, Recipients};
use crate::core::gate::GatesLacking;
use crate::core::input::Timer;
use crate::core::wire::{Message, ProposalBundle};

type Waits = Vec<(LogId, Position)>;

/// Ticks of this process within which peers answer with a block that a crash took, if they have it.
const LOST_BLOCK_TICKS: u32 = 4;

/// Statements that wait for their signature: as many as a guard signs below its highest record (`docs/spec/guard.md`, "The order").
pub(super) const UNSIGNED_MAX: usize = 64;

impl Replica {
    pub(super) fn drive_engine(&mut self, now: Now, step: &mut Step) {
        while let Some(input) = self.engine_inputs.pop_front() {
            for output in self.engine.step(now, input) {
                self.on_engine_output(now, output, step);
            }
        }
    }

    pub(super) fn on_engine_output(&mut self, now: Now, output: engine::Output, step: &mut Step) {
        use engine::Output as E;
        match output {
            E::Sign { statement, polka } => self.request_signature(now, statement, polka, step),
            E::Publish(publication) => self.publish(Recipients::All, publication, step),
            E::Build { height: _, round } => self.build_block(now, round, step),
            E::StartTimer { id, duration_ns } => {
                step.start.push(Effect::Timer {
                    id: Timer::Engine(id),
                    after_ns: duration_ns,
                });
            }
            E::Fetch { id, part, from } => self.fetch_block(id, part, &from, step),
            E::Execute { id } => self.execute_block(&id, step),
            E::Discard { id } => self.discard_overlay(&id),
            E::PushPolka(polka) => self.send(Recipients::All, Message::Polka(*polka), step),
            E::PullVotes(wanted) => self.pull_votes(wanted, step),
            E::Answer {
                to,
                proposal,
                votes,
                polkas,
            } => self.answer(to, proposal, votes, polkas, step),
            E::SendCertificate { to, height } => self.send_certificate(to, height, step),
            E::Decided(certificate) => self.on_decided(*certificate, step),
            E::Confirmed { id, .. } => self.on_confirmed(id, step),
            E::Evidence(evidence) => self.on_own_evidence(evidence, step),
            E::Alarm(alarm) => self.on_alarm(alarm, step),
            E::Event(event) => Self::event(Event::Consensus(event), step),
        }
    }

    fn on_alarm(&mut self, alarm: engine::Alarm, step: &mut Step) {
        use engine::Alarm as A;
        match &alarm {
            A::OutcomeDiverged { id, certified, own } => {
                self.on_diverged(*id, *certified, *own, step)
            }
            A::GatesLacking {
                height,
                features,
                lacking,
            } => {
                let lacking = GatesLacking {
                    height: *height,
                    features: *features,
                    lacking: *lacking,
                };
                self.on_gates_lacking(lacking, step);
            }
            A::OwnKeyElsewhere { statement } => self.own_statement_seen(*statement, step),
            A::ConflictingCertificates { first, second } => {
                self.record_conflict([first, second], step)
            }
            A::InvalidValueCertified { .. }
            | A::OutcomeSplit { .. }
            | A::OutcomeChanged { .. }
            | A::InvalidValuePrevoted { .. }
            | A::ExecutionFailed { .. }
            | A::BuiltInvalid { .. } => {}
        }
        Self::event(Event::Alarm(alarm), step);
    }

    fn request_signature(
        &mut self,
        now: Now,
        statement: Statement,
        polka: Option<Box<Polka>>,
        step: &mut Step,
    ) {
        if let Some(block) = statement.block() {
            self.record_block(&block, step);
        }
        if let Some(polka) = &polka {
            self.act_on(statement.kind(), polka, step);
        }
        let asked = Unsigned {
            statement,
            polka: polka.clone(),
        };
        if self.names_what_a_crash_takes(&statement) || self.stands_on_what_a_crash_takes() {
            self.keep_unsigned(asked);
            return;
        }
        let Some(key) = self.own_key(statement.height()) else {
            return;
        };
        self.requests = self.requests.saturating_add(1);
        let id = RequestId::new(self.requests);
        self.signing.insert(id, asked);
        let deadline_ns = now
            .mono_ns
            .saturating_add(self.signing_patience_ns(statement.round()));
        let proof = self.height_proof();
        let request = SignRequest {
            id,
            statement,
            polka: polka.map(|polka| *polka),
            proof,
            deadline_ns,
        };
        let request = Box::new(request);
        step.start.push(Effect::Sign { key, request });
    }

    /// The guard of the key that we have at a statement's height is told of it.
    pub(super) fn own_statement_seen(&self, statement: Statement, step: &mut Step) {
        let key = self.own_key(statement.height());
        let seen = key.map(|key| Effect::OwnStatementSeen { key, statement });
        step.start.extend(seen);
    }

    /// Whether a precommit names a block that is not on disk yet, and that no other correct validator may have: a power cut would leave
    /// our guard locked on it, or above it. Where a correct other is needed, its own prevote has put the block on its disk.
    fn names_what_a_crash_takes(&self, statement: &Statement) -> bool {
        let is_precommit = statement.kind() == Kind::Precommit;
        let Some(block) = statement.block().filter(|_| is_precommit) else {
            return false;
        };
        self.needs_no_correct_other() && !self.is_on_disk(&block)
    }

    /// Whether a block that fixed another validator set is not on disk yet. The guard's record of a height names the sets around it: after
    /// a power cut nothing here would know them, and the guard could not be loaded.
    pub(super) fn stands_on_what_a_crash_takes(&self) -> bool {
        let proven = |(log, position): &(LogId, Position)| self.on_disk.get(log) >= Some(position);
        !self.set_waits.iter().all(proven)
    }

    /// Whether our power is a quorum with that of all who may be faulty: always, for a validator alone.
    pub(super) fn needs_no_correct_other(&self) -> bool {
        let set = self.open_set();
        self.own_index()
            .is_some_and(|own| set.is_quorum(set.power(own).saturating_add(set.fault_power_max())))
    }

    fn is_on_disk(&self, id: &BlockId) -> bool {
        let proven = |(log, position): &(LogId, Position)| self.on_disk.get(log) >= Some(position);
        self.waits_of_block(id)
            .is_some_and(|waits| waits.iter().all(proven))
    }

    /// How long a signature may take: as long as a round waits for its proposal, whatever the kind. What comes later is asked for
    /// again on the next tick, if the round still lasts.
    fn signing_patience_ns(&self, round: Round) -> u64 {
        self.parameters().propose_ns(round)
    }

    /// What lets the guard follow us to the open height: certificate and outcome of the height before, and the set it fixes.
    fn height_proof(&self) -> Option<Box<HeightProof>> {
        let (_, certificate) = self.tip.block.as_ref()?;
        let set = self.tip.state.validators_at(self.open_height().next());
        let certificate = certificate.clone();
        Some(Box::new(HeightProof {
            certificate,
            outcome: self.tip.outcome.clone(),
            set,
        }))
    }

    pub(super) fn on_signed(
        &mut self,
        id: RequestId,
        result: Result<Verified<SignedStatement>, Refusal>,
    ) {
        let Some(asked) = self.signing.remove(&id) else {
            return;
        };
        self.refused = result.as_ref().err().map(reason_of);
        let input = match result {
            Ok(signed) => self.own_message(signed),
            Err(refusal) => {
                let (statement, reason) = (asked.statement, reason_of(&refusal));
                if may_succeed_later(&refusal) && !mutated!(LateVoteGivenUp) {
                    self.keep_unsigned(asked);
                }
                Some(engine::Input::SignRefused { statement, reason })
            }
        };
        self.engine_inputs.extend(input);
    }

    /// A vote that was not signed in time, or waits for the disk, may be the one that a quorum lacks, and without that quorum nobody's timers run.
    /// So it is asked for again as long as the height is open: at each tick that of our own step, and one of those before it, in turn.
    /// The guard signs what it has recorded, and refuses what it has not once something above it is there.
    pub(super) fn ask_signer_again(&mut self, now: Now, step: &mut Step) {
        if self.unsigned.is_empty() {
            return;
        }
        let (height, status) = (self.open_height(), self.engine.status());
        let open = self.deciding.is_none() && self.engine.decided().is_none();
        let place = (status.round, status.step.kind());
        let (due, mut earlier): (VecDeque<_>, VecDeque<_>) = std::mem::take(&mut self.unsigned)
            .into_iter()
            .filter(|asked| open && asked.statement.height() == height)
            .partition(|asked| (asked.statement.round(), asked.statement.kind()) == place);
        earlier.retain(|asked| asked.statement.kind() != Kind::Proposal);
        let turn = earlier.pop_front();
        self.unsigned = earlier;
        for Unsigned { statement, polka } in due.into_iter().chain(turn) {
            self.request_signature(now, statement, polka, step);
        }
    }

    /// Keeps what may be signed later; of more than a guard remembers those that were asked for longest ago are given up.
    fn keep_unsigned(&mut self, asked: Unsigned) {
        if self.unsigned.len() >= UNSIGNED_MAX {
            self.unsigned.pop_front();
        }
        self.unsigned.push_back(asked);
    }

    /// Dresses a checked signature as the proposal or vote it signs.
    fn own_message(&self, signed: Verified<SignedStatement>) -> Option<engine::Input> {
        let statement = signed.get().statement;
        let own = match statement {
            Statement::Proposal { id, .. } => {
                let header = self.candidates.get(&id)?.header.clone();
                Own::Proposal(Box::new(signed.into_proposal(header)?))
            }
            Statement::Prevote { .. } | Statement::Precommit { .. } => {
                Own::Vote(signed.into_vote()?)
            }
        };
        Some(engine::Input::OwnReleased(own))
    }

    fn publish(&mut self, to: Recipients, publication: Publication, step: &mut Step) {
        match publication {
            Publication::Proposal { proposal, polka } => {
                self.publish_proposal(to, *proposal, polka, step)
            }
            Publication::Vote(vote) => {
                if let Some(waits) = self.waits_of_vote(&vote) {
                    step.waits.extend(waits);
                    step.waits.extend(self.acted_on.wait_of(&vote));
                    self.voted = self.voted.max(Some(vote.height));
                    self.tell_vote(&vote, step);
                    self.send(to, Message::Votes(vec![vote]), step);
                }
            }
        }
    }

    fn publish_proposal(
        &mut self,
        to: Recipients,
        proposal: Proposal,
        polka: Option<Box<Polka>>,
        step: &mut Step,
    ) {
        let id = proposal.id();
        let Some(waits) = self.waits_of_block(&id) else {
            return;
        };
        let Some(candidate) = self.candidates.get(&id) else {
            return;
        };
        let body = (*candidate.body).clone();
        let parent = self
            .tip
            .block
            .as_ref()
            .map(|(_, certificate)| certificate.clone());
        let bundle = ProposalBundle {
            proposal,
            body,
            polka: polka.map(|polka| *polka),
            parent,
        };
        step.waits.extend(waits);
        self.send(to, Message::Proposal(Box::new(bundle)), step);
    }

    /// What must be on disk before a vote of ours leaves; `None` when the block it names is not here.
    fn waits_of_vote(&self, vote: &Vote) -> Option<Waits> {
        match vote.statement().block() {
            Some(id) => self.waits_of_block(&id),
            None => Some(Vec::new()),
        }
    }

    /// What an own vote waits for that a peer lacks. A crash may have taken the block that our guard's record names, or its record:
    /// if the block came again it is written again. If it does not come, because nobody else ever had it, a prevote is said without
    /// it: a quorum may lack just this vote, and no timer of the round runs without one. It is precommits that vouch for a block.
    fn waits_of_own_answer(&mut self, vote: &Vote, step: &mut Step) -> Option<Waits> {
        let Some(id) = vote.statement().block() else {
            return Some(Vec::new());
        };
        self.record_block(&id, step);
        let lost = vote.value.kind() == Kind::Prevote && self.ticks >= LOST_BLOCK_TICKS;
        self.waits_of_block(&id).or_else(|| lost.then(Vec::new))
    }

    fn waits_of_block(&self, id: &BlockId) -> Option<Waits> {
        let candidate = self.candidates.get(id)?;
        if mutated!(VoteBeforeBlockSynced) {
            return Some(Vec::new());
        }
        let mut waits = vec![(LogId::Block, candidate.position?)];
        let batches = candidate.batch_positions(&self.batches)?;
        waits.extend(
            batches
                .into_iter()
                .max()
                .map(|position| (LogId::Batch, position)),
        );
        Some(waits)
    }

    fn pull_votes(&self, wanted: VotesWanted, step: &mut Step) {
        let VotesWanted {
            height,
            round,
            proposal,
            prevotes,
            precommits,
        } = wanted;
        self.send(
            Recipients::All,
            Message::PullVotes {
                height,
                round,
                proposal,
                prevotes,
                precommits,
            },
            step,
        );
    }

    fn answer(
        &mut self,
        to: ValidatorIndex,
        proposal: Option<Box<Publication>>,
        mut votes: Vec<Vote>,
        polkas: Vec<Polka>,
        step: &mut Step,
    ) {
        let Some(peer) = self.peer_of(to) else { return };
        let to = Recipients::Some(vec![peer]);
        for polka in polkas {
            self.send(to.clone(), Message::Polka(polka), step);
        }
        if let Some(proposal) = proposal {
            self.publish(to.clone(), *proposal, step);
        }
        let own = self.own_index();
        votes.retain(|vote| {
            let waits = if Some(vote.validator) == own {
                self.waits_of_own_answer(vote, step)
            } else {
                Some(Vec::new())
            };
            step.waits.extend(waits.iter().flatten());
            step.waits.extend(self.acted_on.wait_of(vote));
            waits.is_some()
        });
        if !votes.is_empty() {
            self.send(to, Message::Votes(votes), step);
        }
    }

    fn send_certificate(&mut self, to: ValidatorIndex, height: Height, step: &mut Step) {
        if let Some(peer) = self.peer_of(to) {
            self.serve_certificate(peer, height, step);
        }
    }

    fn fetch_block(
        &mut self,
        id: BlockId,
        part: BlockPart,
        from: &[ValidatorIndex],
        step: &mut Step,
    ) {
        let peers = self.peers_of(from);
        let height = self.open_height();
        let have_body = self.candidates.get(&id).is_some();
        self.asked.insert(id);
        match part {
            BlockPart::Header | BlockPart::Body if !have_body => {
                self.send(
                    Recipients::Some(peers),
                    Message::GetBlock { height, id },
                    step,
                );
            }
            BlockPart::Header | BlockPart::Body => {
                self.tell_again(&id);
                self.fetch_batches_of(&id, peers.first().copied(), step);
            }
        }
    }
}

/// Whether the same request may be granted when the token, its queue or the disk is better. Everything else is the guard's last word.
const fn may_succeed_later(refusal: &Refusal) -> bool {
    matches!(
        refusal,
        Refusal::Stale | Refusal::Busy | Refusal::DiskFull | Refusal::Backend { .. }
    )
}

fn reason_of(refusal: &Refusal) -> SignRefusal {
    refusal.consensus_reason()
}

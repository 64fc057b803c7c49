//! One validator's engine and signer with the least of a host: it signs, builds and executes at once, and says what leaves.
//!
//! Invariant: whatever an input enables inside the instance has happened when [`Instance::take`] returns; only time and messages of
//! others are left to whoever searches.
//! Errors: none; what a correct instance may not do is an [`Act::Wrong`].

use std::collections::{BTreeMap, VecDeque};

use falaj_consensus::engine::{
    BodyVerdict, Engine, Event, Input, Output, Own, Publication, TimerId,
};
use falaj_consensus::message::{
    CommitCertificate, Evidence, Header, Polka, Proposal, Statement, Vote,
};
use falaj_consensus::types::{BlockId, Now, Round, SignRefusal, ValidatorIndex};
use falaj_consensus::verify::{SignedStatement, Verified, VerifyError};
use falaj_hsm::{
    Effect, Input as SignerInput, Output as SignerOutput, Refusal, RequestId, SignRequest, Signer,
};

use super::Ground;
use super::ground::{now, outcome_of};

/// What an instance does that can be seen from outside.
#[derive(Clone, Debug)]
pub enum Act {
    /// Its signer let a statement out.
    Said(Statement),
    /// It sends a message.
    Sent {
        /// To one validator, or to all.
        to: Option<ValidatorIndex>,
        /// What the receiver is given.
        message: Box<Input>,
    },
    /// It asks for a block, of these validators.
    Wants {
        /// The block.
        id: BlockId,
        /// Who must have it.
        of: Vec<ValidatorIndex>,
    },
    /// It decided.
    Decided(Box<CommitCertificate>),
    /// It has proof that somebody broke the protocol.
    Proved(Box<Evidence>),
    /// It did what no correct instance does.
    Wrong(String),
}

/// An engine with its signer.
#[derive(Clone, Debug)]
pub struct Instance {
    validator: ValidatorIndex,
    salt: u8,
    engine: Engine,
    signer: Signer,
    round: Round,
    timers: BTreeMap<TimerId, u64>,
    headers: BTreeMap<BlockId, Header>,
}

impl Instance {
    /// An instance of a validator at the beginning of the height; blocks of another `salt` are other blocks.
    #[must_use]
    pub fn new(ground: &Ground, validator: ValidatorIndex, salt: u8) -> Self {
        let config = ground.config();
        let (engine, outputs) = Engine::new(config, ground.start(validator), now(0));
        let mut instance = Self {
            validator,
            salt,
            engine,
            signer: ground.signer(validator),
            round: Round::new(0),
            timers: BTreeMap::new(),
            headers: BTreeMap::new(),
        };
        // At its start it asks for votes, and nobody has any.
        let (mut todo, mut acts) = (VecDeque::new(), Vec::new());
        for output in outputs {
            instance.perform(ground, now(0), output, &mut todo, &mut acts);
        }
        instance
    }

    /// Whose instance it is.
    #[must_use]
    pub const fn validator(&self) -> ValidatorIndex {
        self.validator
    }

    /// The round it is in.
    #[must_use]
    pub const fn round(&self) -> Round {
        self.round
    }

    /// Whether it has decided.
    #[must_use]
    pub fn has_decided(&self) -> bool {
        self.engine.decided().is_some()
    }

    /// Its timers that have not run out, with the time at which each does.
    #[must_use]
    pub const fn timers(&self) -> &BTreeMap<TimerId, u64> {
        &self.timers
    }

    /// The block of that id, if it was ever heard of here.
    #[must_use]
    pub fn header(&self, id: BlockId) -> Option<&Header> {
        self.headers.get(&id)
    }

    /// Feeds all that decides what this instance will do to a hasher; when timers run out is left to whoever searches.
    pub fn hash_state(&self, hasher: &mut impl std::hash::Hasher) {
        use std::hash::Hash;
        self.engine.hash(hasher);
        self.signer.hash(hasher);
        self.timers.len().hash(hasher);
        self.timers.keys().for_each(|id| id.hash(hasher));
    }

    /// A timer runs out.
    pub fn run_out(&mut self, ground: &Ground, now: Now, id: TimerId) -> Vec<Act> {
        self.timers.remove(&id);
        self.take(ground, now, Input::Timer(id))
    }

    /// Takes an input, and everything that follows from it inside.
    pub fn take(&mut self, ground: &Ground, now: Now, input: Input) -> Vec<Act> {
        let (mut todo, mut acts) = (VecDeque::from([input]), Vec::new());
        while let Some(input) = todo.pop_front() {
            self.learn(&input);
            for output in self.engine.step(now, input) {
                self.perform(ground, now, output, &mut todo, &mut acts);
            }
        }
        acts
    }

    /// A proposal travels with its block.
    fn learn(&mut self, input: &Input) {
        match input {
            Input::Proposal { proposal, .. } => self.keep(&proposal.get().header),
            Input::Header(header) => self.keep(header),
            Input::Vote(_)
            | Input::Polka(_)
            | Input::Certificate(_)
            | Input::VotesWanted { .. }
            | Input::Body { .. }
            | Input::Executed { .. }
            | Input::ExecutionFailed { .. }
            | Input::Built { .. }
            | Input::OwnReleased(_)
            | Input::SignRefused { .. }
            | Input::Timer(_)
            | Input::WorkDue
            | Input::Diverged { .. }
            | Input::NextHeight(_) => {}
        }
    }

    fn keep(&mut self, header: &Header) {
        self.headers
            .entry(header.id())
            .or_insert_with(|| header.clone());
    }

    fn perform(
        &mut self,
        ground: &Ground,
        now: Now,
        output: Output,
        todo: &mut VecDeque<Input>,
        acts: &mut Vec<Act>,
    ) {
        match output {
            Output::Sign { statement, polka } => {
                self.sign(
                    ground,
                    now,
                    statement,
                    polka.map(|polka| *polka),
                    todo,
                    acts,
                );
            }
            Output::Publish(publication) => {
                let messages = published(ground, &publication);
                Self::send(None, messages, acts);
            }
            Output::Build { round, .. } => todo.extend(self.build(ground, round)),
            Output::StartTimer { id, duration_ns } => {
                self.timers.insert(id, now.mono_ns + duration_ns);
            }
            Output::Fetch { id, from, .. } => match self.headers.get(&id) {
                Some(header) => todo.extend(block(id, header)),
                None => acts.push(Act::Wants { id, of: from }),
            },
            Output::Execute { id } => todo.push_back(Input::Executed {
                id,
                outcome: outcome_of(id),
            }),
            Output::PushPolka(polka) => Self::send(None, [as_polka(ground, &polka)], acts),
            Output::PullVotes(wanted) => {
                let from = self.validator;
                Self::send(None, [Ok(Input::VotesWanted { from, wanted })], acts);
            }
            Output::Answer {
                to,
                proposal,
                votes,
                polkas,
            } => {
                let mut messages: Vec<_> = votes.iter().map(|vote| as_vote(ground, vote)).collect();
                messages.extend(polkas.iter().map(|polka| as_polka(ground, polka)));
                let proposal = proposal.iter();
                messages.extend(proposal.flat_map(|proposal| published(ground, proposal)));
                Self::send(Some(to), messages, acts);
            }
            Output::SendCertificate { to, .. } => {
                let decided = self.engine.decided().cloned();
                let checked = decided.map(|found| ground.context().certificate(found));
                let message = checked.map(|found| found.map(Input::Certificate));
                Self::send(Some(to), message, acts);
            }
            Output::Decided(certificate) => acts.push(Act::Decided(certificate)),
            Output::Evidence(evidence) => acts.push(Act::Proved(evidence)),
            Output::Alarm(alarm) => acts.push(Act::Wrong(format!("it raised {alarm:?}"))),
            Output::Event(Event::RoundStarted { round, .. }) => self.round = round,
            Output::Event(_) | Output::Discard { .. } | Output::Confirmed { .. } => {}
        }
    }

    fn send(
        to: Option<ValidatorIndex>,
        messages: impl IntoIterator<Item = Result<Input, VerifyError>>,
        acts: &mut Vec<Act>,
    ) {
        acts.extend(messages.into_iter().map(|message| match message {
            Ok(message) => Act::Sent {
                to,
                message: Box::new(message),
            },
            Err(error) => Act::Wrong(format!("it sent what nobody takes: {error}")),
        }));
    }

    fn build(&mut self, ground: &Ground, round: Round) -> [Input; 2] {
        let header = ground.header(round, self.validator, self.salt);
        self.keep(&header);
        let (id, header) = (header.id(), Box::new(header));
        let verdict = BodyVerdict::Valid;
        [Input::Built { round, header }, Input::Body { id, verdict }]
    }

    fn sign(
        &mut self,
        ground: &Ground,
        now: Now,
        statement: Statement,
        polka: Option<Polka>,
        todo: &mut VecDeque<Input>,
        acts: &mut Vec<Act>,
    ) {
        let request = SignRequest {
            id: RequestId::new(0),
            statement,
            polka,
            proof: None,
            deadline_ns: u64::MAX,
        };
        for output in self.ask_signer(ground, now, SignerInput::Sign(Box::new(request))) {
            match output {
                SignerOutput::Signed { result, .. } => {
                    todo.extend(self.signed(statement, result, acts));
                }
                SignerOutput::Alarm(alarm) => {
                    acts.push(Act::Wrong(format!("its signer raised {alarm:?}")));
                }
                SignerOutput::Attested { .. } | SignerOutput::Decided { .. } => {}
            }
        }
    }

    fn signed(
        &self,
        statement: Statement,
        result: Result<Verified<SignedStatement>, Refusal>,
        acts: &mut Vec<Act>,
    ) -> Option<Input> {
        match result {
            Ok(signed) => {
                acts.push(Act::Said(statement));
                self.dressed(signed).map(Input::OwnReleased)
            }
            Err(refusal) => {
                let reason = refusal.consensus_reason();
                if is_forbidden(reason) {
                    let what = format!("it asked for {statement:?}, and its guard said: {refusal}");
                    acts.push(Act::Wrong(what));
                }
                Some(Input::SignRefused { statement, reason })
            }
        }
    }

    fn dressed(&self, signed: Verified<SignedStatement>) -> Option<Own> {
        match signed.get().statement {
            Statement::Proposal { id, .. } => {
                let header = self.headers.get(&id)?.clone();
                Some(Own::Proposal(Box::new(signed.into_proposal(header)?)))
            }
            Statement::Prevote { .. } | Statement::Precommit { .. } => {
                Some(Own::Vote(signed.into_vote()?))
            }
        }
    }

    /// The signer's step, with its token and its disk at their best.
    fn ask_signer(&mut self, ground: &Ground, now: Now, input: SignerInput) -> Vec<SignerOutput> {
        let outbox = self.signer.step(now, input);
        let released = outbox.pending.release(ground.durable());
        let mut outputs = released.expect("no guard writes more in a height than the proof covers");
        for effect in outbox.start {
            match effect {
                Effect::Backend(call) => {
                    let signature = ground.signature(self.validator, call.work.as_slice());
                    let (call, result) = (call.id, Ok(signature));
                    let done = SignerInput::BackendDone { call, result };
                    outputs.extend(self.ask_signer(ground, now, done));
                }
                Effect::Append(_) | Effect::Audit(_) => {}
            }
        }
        outputs
    }
}

/// What a correct replica never asks its guard for.
const fn is_forbidden(reason: SignRefusal) -> bool {
    match reason {
        SignRefusal::DoubleSign | SignRefusal::Lock | SignRefusal::Outcome => true,
        SignRefusal::Latched
        | SignRefusal::HeightJump
        | SignRefusal::Regression
        | SignRefusal::Unavailable => false,
    }
}

/// A block that is held, as its host tells of it.
pub(crate) fn block(id: BlockId, header: &Header) -> [Input; 2] {
    let header = Box::new(header.clone());
    let verdict = BodyVerdict::Valid;
    [Input::Header(header), Input::Body { id, verdict }]
}

fn published(ground: &Ground, publication: &Publication) -> Vec<Result<Input, VerifyError>> {
    match publication {
        Publication::Vote(vote) => vec![as_vote(ground, vote)],
        Publication::Proposal { proposal, polka } => {
            let polka = polka.iter().map(|polka| as_polka(ground, polka));
            polka.chain([as_proposal(ground, proposal)]).collect()
        }
    }
}

fn as_vote(ground: &Ground, vote: &Vote) -> Result<Input, VerifyError> {
    ground.context().vote(vote.clone()).map(Input::Vote)
}

fn as_polka(ground: &Ground, polka: &Polka) -> Result<Input, VerifyError> {
    ground.context().polka(polka.clone()).map(Input::Polka)
}

fn as_proposal(ground: &Ground, proposal: &Proposal) -> Result<Input, VerifyError> {
    let proposal = ground.context().proposal(proposal.clone())?;
    Ok(Input::Proposal {
        proposal: Box::new(proposal),
        received_us: now(0).wall_us,
    })
}

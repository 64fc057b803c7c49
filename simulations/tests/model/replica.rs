//! One shipped engine and a host that does at once what it asks for, and keeps what it said.
//!
//! Signatures come back at once, but for the own proposal: it counts when the model's node answers it, as if the HSM were slow.

use std::collections::BTreeSet;
use std::rc::Rc;

use falaj_consensus::engine::{
    BodyVerdict, Config, Engine, HeightStart, Input, Output, Own, Parent, Status, TimerId,
};
use falaj_consensus::hash;
use falaj_consensus::message::{Header, Kind, PrecommitValue, PrevoteValue, Statement};
use falaj_consensus::testing::{Committee, outcome_of};
use falaj_consensus::types::{BlockId, Height, Now, OutcomeHash, Round, ValidatorIndex};
use falaj_simulations::model::{self, Cast, Member, Members, Prevote, Proposal, Value};

/// Four divides it, so round r is the turn of validator r.
pub(crate) const HEIGHT: Height = Height::new(12);
const TIME_US: u64 = 1_000_000_000;

/// What all replicas of a replay share: keys, the start of the height, and every block that the model can name.
pub(crate) struct Chain {
    pub(crate) committee: Committee,
    start: HeightStart,
}

impl Chain {
    pub(crate) fn new() -> Self {
        let committee = Committee::new(&[1; model::MEMBERS as usize]);
        let parent = Parent {
            id: BlockId::new(hash::sha256(b"parent")),
            outcome: OutcomeHash::new(hash::sha256(b"parent's outcome")),
            time_us: TIME_US,
        };
        let start = committee.start(HEIGHT, parent);
        Self { committee, start }
    }

    pub(crate) fn header(&self, value: Value) -> Header {
        let proposer = member(value.round % model::MEMBERS);
        let salt = u64::from(value.letter);
        self.committee
            .header(&self.start, round(value.round), proposer, salt)
    }

    pub(crate) fn id(&self, value: Value) -> BlockId {
        self.header(value).id()
    }

    pub(crate) fn prevote_value(&self, prevote: Prevote) -> PrevoteValue {
        PrevoteValue {
            id: self.id(prevote.value),
            valid_round: prevote.valid_round.map(round),
        }
    }

    pub(crate) fn precommit_value(&self, value: Value) -> PrecommitValue {
        let id = self.id(value);
        PrecommitValue {
            id,
            outcome: outcome_of(id),
        }
    }

    pub(crate) fn prevote(&self, at: model::Round, vote: Cast<Prevote>) -> Statement {
        Statement::Prevote {
            height: HEIGHT,
            round: round(at),
            value: vote.value().map(|prevote| self.prevote_value(prevote)),
        }
    }

    pub(crate) fn precommit(&self, at: model::Round, vote: Cast<Value>) -> Statement {
        Statement::Precommit {
            height: HEIGHT,
            round: round(at),
            value: vote.value().map(|value| self.precommit_value(value)),
        }
    }

    pub(crate) fn proposal(&self, at: model::Round, proposal: Proposal) -> Statement {
        Statement::Proposal {
            height: HEIGHT,
            round: round(at),
            id: self.id(proposal.value),
            valid_round: proposal.valid_round.map(round),
        }
    }

    /// The header of any block that a model of so few rounds can name.
    fn find(&self, id: BlockId) -> Header {
        let rounds = 0..model::Round::try_from(model::ROUNDS_MAX).expect("a few rounds");
        let values = rounds.flat_map(|round| ['a', 'b'].map(|letter| Value { round, letter }));
        let mut headers = values.map(|value| self.header(value));
        headers
            .find(|header| header.id() == id)
            .expect("every block is one of the model's")
    }
}

pub(crate) const fn member(index: Member) -> ValidatorIndex {
    ValidatorIndex::new(index as u16)
}

pub(crate) const fn round(round: model::Round) -> Round {
    Round::new(round as u32)
}

/// A vote that was delivered: kind, round, sender.
pub(crate) type Heard = (Kind, model::Round, Member);

/// One validator.
pub(crate) struct Replica {
    chain: Rc<Chain>,
    own: Member,
    engine: Engine,
    timers: BTreeSet<TimerId>,
    asked: Vec<Statement>,
    unreleased: Option<Own>,
    /// Who is named by the evidence of this engine.
    pub(crate) named: Members,
    /// Votes of others that were delivered one by one.
    pub(crate) heard: BTreeSet<Heard>,
}

impl Replica {
    pub(crate) fn new(chain: &Rc<Chain>, own: Member) -> Self {
        let config = Config {
            genesis_hash: chain.committee.chain.genesis_hash,
            supported: 0,
        };
        let start = HeightStart {
            own: Some(member(own)),
            ..chain.start.clone()
        };
        let (engine, outputs) = Engine::new(config, start, now());
        let mut replica = Self {
            chain: Rc::clone(chain),
            own,
            engine,
            timers: BTreeSet::new(),
            asked: Vec::new(),
            unreleased: None,
            named: Members::default(),
            heard: BTreeSet::new(),
        };
        replica.perform(outputs);
        replica.give(Input::WorkDue);
        replica
    }

    pub(crate) fn status(&self) -> Status {
        self.engine.status()
    }

    /// What it asked to be signed since the last time.
    pub(crate) fn take_asked(&mut self) -> Vec<Statement> {
        std::mem::take(&mut self.asked)
    }

    /// The own proposal counts from now on.
    pub(crate) fn release_proposal(&mut self) {
        let own = self.unreleased.take().expect("the proposal was asked for");
        self.give(Input::OwnReleased(own));
    }

    /// A timer that it started runs out.
    pub(crate) fn run_out(&mut self, id: TimerId) {
        assert!(self.timers.remove(&id), "{id:?} was not started");
        self.give(Input::Timer(id));
    }

    pub(crate) fn give(&mut self, input: Input) {
        let outputs = self.engine.step(now(), input);
        self.perform(outputs);
    }

    fn perform(&mut self, outputs: Vec<Output>) {
        for output in outputs {
            self.perform_one(output);
        }
    }

    fn perform_one(&mut self, output: Output) {
        match output {
            Output::Sign { statement, .. } => self.sign(statement),
            Output::Build { round, .. } => {
                let value =
                    Value::fresh(model::Round::try_from(round.get()).expect("a few rounds"));
                let header = Box::new(self.chain.header(value));
                self.give(Input::Built { round, header });
                self.give(valid(self.chain.id(value)));
            }
            Output::StartTimer { id, .. } => {
                self.timers.insert(id);
            }
            Output::Fetch { id, .. } => {
                let header = Box::new(self.chain.find(id));
                self.give(Input::Header(header));
                self.give(valid(id));
            }
            Output::Execute { id } => {
                let outcome = outcome_of(id);
                self.give(Input::Executed { id, outcome });
            }
            Output::Evidence(evidence) => {
                let offender = evidence.key().validator.position();
                self.named = self
                    .named
                    .with(Member::try_from(offender).expect("one of four"));
            }
            Output::Alarm(alarm) => panic!("validator {}: {alarm:?}", self.own),
            Output::Publish(_)
            | Output::Discard { .. }
            | Output::PushPolka(_)
            | Output::PullVotes(_)
            | Output::Answer { .. }
            | Output::SendCertificate { .. }
            | Output::Decided(_)
            | Output::Confirmed { .. }
            | Output::Event(_) => {}
        }
    }

    fn sign(&mut self, statement: Statement) {
        self.asked.push(statement);
        let header = statement.block().map(|id| self.chain.find(id));
        let committee = &self.chain.committee;
        let own = committee.own(member(self.own), statement, header.as_ref());
        let own = own.expect("a proposal has its header");
        match own {
            Own::Proposal(_) => self.unreleased = Some(own),
            Own::Vote(_) => self.give(Input::OwnReleased(own)),
        }
    }
}

fn valid(id: BlockId) -> Input {
    Input::Body {
        id,
        verdict: BodyVerdict::Valid,
    }
}

const fn now() -> Now {
    Now {
        mono_ns: 0,
        wall_us: TIME_US,
    }
}

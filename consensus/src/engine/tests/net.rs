//! Some engines, a bag of messages in flight, and a host for each that performs outputs; judged after every step.
//!
//! Two phases: in the first, anything in flight may be delivered, lost or held back, any timer may run out, and nodes may crash;
//! in the second everything is delivered and timers run out in order of their deadlines.
//! Judged: no two nodes decide differently, no two statements are signed for one position, no correct node is named by evidence, no alarm.

use std::collections::{BTreeMap, BTreeSet};
use std::sync::Arc;

use crate::engine::{
    BodyVerdict, Config, Engine, GuardPosition, HeightStart, Input, Output, Parent, Publication,
    Resume, ResumedLock, TimerId,
};
use crate::hash;
use crate::message::{
    CommitCertificate, Header, Polka, PrecommitValue, PrevoteValue, Statement, Vote,
};
use crate::proposer::Bench;
use crate::testing::{Committee, outcome_of};
use crate::types::{BlockId, Height, Now, OutcomeHash, Round, ValidatorIndex};

/// More messages than ever follow from one timer: whoever reaches it is in a loop.
const AT_ONCE_MAX: usize = 100_000;

/// A reproducible stream of choices (SplitMix64).
pub(super) struct Choices(u64);

impl Choices {
    fn below(&mut self, bound: usize) -> usize {
        self.0 = self.0.wrapping_add(0x9e37_79b9_7f4a_7c15);
        let mut z = self.0;
        z = (z ^ (z >> 30)).wrapping_mul(0xbf58_476d_1ce4_e5b9);
        z = (z ^ (z >> 27)).wrapping_mul(0x94d0_49bb_1331_11eb);
        usize::try_from((z ^ (z >> 31)) % u64::try_from(bound).unwrap()).unwrap()
    }

    fn one_in(&mut self, of: usize) -> bool {
        self.below(of) == 0
    }
}

/// What a guard's log holds of one position.
#[derive(Clone)]
struct Record {
    statement: Statement,
    polka: Option<Polka>,
}

struct Node {
    engine: Engine,
    start: HeightStart,
    /// The guard: everything recorded for the open height, in order.
    records: Vec<Record>,
    timers: BTreeMap<TimerId, u64>,
    certificates: BTreeMap<Height, CommitCertificate>,
}

/// Engines that talk.
pub(super) struct Net {
    committee: Committee,
    nodes: Vec<Node>,
    flying: Vec<(usize, Input)>,
    headers: BTreeMap<BlockId, Header>,
    decided: BTreeMap<Height, (BlockId, OutcomeHash)>,
    /// Members whose key the adversary has; their engines stand still.
    faulty: BTreeSet<usize>,
    choices: Choices,
    now_ns: u64,
    salt: u64,
    /// The highest round that was entered.
    pub(super) rounds_max: u32,
}

impl Net {
    pub(super) fn new(powers: &[u64], faulty: &[usize], seed: u64) -> Self {
        let committee = Committee::new(powers);
        let outcome = OutcomeHash::new(hash::sha256(b"genesis"));
        let parent = Parent {
            id: BlockId::default(),
            outcome,
            time_us: 1_000_000,
        };
        let start = committee.start(Height::new(1), parent);
        let mut net = Self {
            committee,
            nodes: vec![],
            flying: vec![],
            headers: BTreeMap::new(),
            decided: BTreeMap::new(),
            faulty: faulty.iter().copied().collect(),
            choices: Choices(seed),
            now_ns: 0,
            salt: 0,
            rounds_max: 0,
        };
        for index in 0..powers.len() {
            let own = u16::try_from(index).map(ValidatorIndex::new).ok();
            let start = HeightStart {
                own,
                ..start.clone()
            };
            let (engine, outputs) = Engine::new(net.config(), start.clone(), net.now());
            net.nodes.push(Node {
                engine,
                start,
                records: vec![],
                timers: BTreeMap::new(),
                certificates: BTreeMap::new(),
            });
            net.perform(index, outputs);
        }
        net
    }

    /// The lowest height that a correct node has not decided.
    pub(super) fn lowest(&self) -> u64 {
        self.correct()
            .map(|index| self.nodes[index].engine.height().get())
            .min()
            .unwrap()
    }

    /// Anything may happen: delivery in any order, loss, an early timer, a crash, work.
    pub(super) fn chaos(&mut self, events: usize, crashes: bool) {
        for _ in 0..events {
            match self.choices.below(100) {
                0 if crashes => self.crash_any(),
                1..5 => self.give_work(),
                5..15 => self.run_out_any(),
                15..20 => self.lose_one(),
                20..26 => self.misbehave(),
                _ => self.deliver_one(),
            }
        }
    }

    /// Everything arrives at once, and timers run out in order, until all correct nodes are at `height`; false when that takes longer
    /// than `patience_ns`.
    pub(super) fn calm(&mut self, height: u64, patience_ns: u64) -> bool {
        let end_ns = self.now_ns + patience_ns;
        let mut at_once = 0;
        while self.lowest() < height {
            if !self.flying.is_empty() {
                self.deliver_one();
                at_once += 1;
                assert!(
                    at_once < AT_ONCE_MAX,
                    "messages answer one another for ever"
                );
            } else if self.now_ns <= end_ns {
                self.run_out_first();
                at_once = 0;
            } else {
                return false;
            }
        }
        true
    }

    fn config(&self) -> Config {
        Config {
            genesis_hash: self.committee.chain.genesis_hash,
            supported: 0,
        }
    }

    fn now(&self) -> Now {
        Now {
            mono_ns: self.now_ns,
            wall_us: 1_000_000 + self.now_ns / 1_000,
        }
    }

    fn correct(&self) -> impl Iterator<Item = usize> + '_ {
        (0..self.nodes.len()).filter(|index| !self.faulty.contains(index))
    }

    fn any_correct(&mut self) -> usize {
        let correct: Vec<_> = self.correct().collect();
        correct[self.choices.below(correct.len())]
    }

    fn give_work(&mut self) {
        let index = self.any_correct();
        self.give(index, Input::WorkDue);
    }

    fn deliver_one(&mut self) {
        if !self.flying.is_empty() {
            let chosen = self.choices.below(self.flying.len());
            let (to, input) = self.flying.swap_remove(chosen);
            self.give(to, input);
        }
    }

    /// Only what crosses the network can be lost.
    fn lose_one(&mut self) {
        if self.flying.is_empty() {
            return;
        }
        let chosen = self.choices.below(self.flying.len());
        let crosses = matches!(
            self.flying[chosen].1,
            Input::Proposal { .. }
                | Input::Vote(_)
                | Input::Polka(_)
                | Input::Certificate(_)
                | Input::VotesWanted { .. }
        );
        if crosses {
            self.flying.swap_remove(chosen);
        }
    }

    fn run_out_any(&mut self) {
        let index = self.any_correct();
        let timers: Vec<_> = self.nodes[index].timers.keys().copied().collect();
        if !timers.is_empty() {
            let id = timers[self.choices.below(timers.len())];
            self.run_out(index, id);
        }
    }

    fn run_out_first(&mut self) {
        let of_node = |index: usize| {
            self.nodes[index]
                .timers
                .iter()
                .map(move |(id, at)| (*at, index, *id))
        };
        let first = self.correct().flat_map(of_node).min();
        let (at, index, id) = first.expect("an undecided node always has a timer");
        self.now_ns = self.now_ns.max(at);
        self.run_out(index, id);
    }

    fn run_out(&mut self, index: usize, id: TimerId) {
        self.nodes[index].timers.remove(&id);
        self.give(index, Input::Timer(id));
    }

    fn give(&mut self, index: usize, input: Input) {
        if self.faulty.contains(&index) {
            return;
        }
        let now = self.now();
        let outputs = self.nodes[index].engine.step(now, input);
        self.rounds_max = self
            .rounds_max
            .max(self.nodes[index].engine.status().round.get());
        self.perform(index, outputs);
    }

    fn perform(&mut self, index: usize, outputs: Vec<Output>) {
        if !self.faulty.contains(&index) {
            outputs
                .into_iter()
                .for_each(|output| self.perform_one(index, output));
        }
    }

    fn perform_one(&mut self, index: usize, output: Output) {
        match output {
            Output::Sign { statement, polka } => {
                self.sign(index, statement, polka.map(|polka| *polka))
            }
            Output::Publish(message) => self.tell_others(index, |net| net.published(&message)),
            Output::Build { round, .. } => self.build(index, round),
            Output::StartTimer { id, duration_ns } => {
                self.nodes[index]
                    .timers
                    .insert(id, self.now_ns + duration_ns);
            }
            Output::Fetch { id, from, .. } => {
                assert!(!from.is_empty(), "somebody must have what is fetched");
                let header = Box::new(self.headers[&id].clone());
                self.fly(
                    index,
                    [
                        Input::Header(header),
                        Input::Body {
                            id,
                            verdict: BodyVerdict::Valid,
                        },
                    ],
                );
            }
            Output::Execute { id } => self.fly(
                index,
                [Input::Executed {
                    id,
                    outcome: outcome_of(id),
                }],
            ),
            Output::PushPolka(polka) => self.tell_others(index, |net| vec![net.polka(&polka)]),
            Output::PullVotes(wanted) => {
                let from = member(index);
                self.tell_others(index, |_| {
                    vec![Input::VotesWanted {
                        from,
                        wanted: wanted.clone(),
                    }]
                });
            }
            Output::Answer {
                to,
                proposal,
                votes,
                polkas,
            } => {
                let mut inputs: Vec<_> = votes.iter().map(|vote| self.vote(vote)).collect();
                inputs.extend(polkas.iter().map(|polka| self.polka(polka)));
                inputs.extend(proposal.iter().flat_map(|message| self.published(message)));
                self.fly(to.position(), inputs);
            }
            Output::SendCertificate { to, height } => {
                let certificate = self.nodes[index].certificates[&height].clone();
                let certificate = self.committee.context().certificate(certificate).unwrap();
                self.fly(to.position(), [Input::Certificate(certificate)]);
            }
            Output::Decided(certificate) => self.decide(index, *certificate),
            Output::Confirmed { height, .. } => self.open_next(index, height),
            Output::Evidence(evidence) => {
                let offender = evidence.key().validator.position();
                assert!(
                    self.faulty.contains(&offender),
                    "a correct node is named: {evidence:?}"
                );
                assert!(self.committee.context().evidence(*evidence).is_ok());
            }
            Output::Alarm(alarm) => panic!("node {index}: {alarm:?}"),
            Output::Discard { .. } | Output::Event(_) => {}
        }
    }

    fn build(&mut self, index: usize, round: Round) {
        self.salt += 1;
        let mut header =
            self.committee
                .header(&self.nodes[index].start, round, member(index), self.salt);
        header.time_us = self.now().wall_us.max(header.time_us);
        let id = header.id();
        self.headers.insert(id, header.clone());
        let built = Input::Built {
            round,
            header: Box::new(header),
        };
        self.fly(
            index,
            [
                built,
                Input::Body {
                    id,
                    verdict: BodyVerdict::Valid,
                },
            ],
        );
    }

    /// The guard: one statement a position, in order, recorded before it is signed.
    fn sign(&mut self, index: usize, statement: Statement, polka: Option<Polka>) {
        let records = &mut self.nodes[index].records;
        match records
            .iter()
            .find(|record| record.statement.position() == statement.position())
        {
            Some(record) => assert_eq!(
                record.statement, statement,
                "two statements for one position"
            ),
            None => {
                let is_above = records
                    .last()
                    .is_none_or(|last| last.statement.position() < statement.position());
                assert!(is_above, "positions are asked in order");
                records.push(Record { statement, polka });
            }
        }
        let own = self.message(index, statement);
        self.fly(index, [Input::OwnReleased(own)]);
    }

    fn message(&self, index: usize, statement: Statement) -> crate::engine::Own {
        let header = statement.block().map(|id| &self.headers[&id]);
        self.committee
            .own(member(index), statement, header)
            .unwrap()
    }

    /// The node forgets everything but its guard and its decided heights; what is in flight to it is lost.
    fn crash_any(&mut self) {
        let index = self.any_correct();
        let opens = self
            .flying
            .iter()
            .any(|(to, input)| *to == index && matches!(input, Input::NextHeight(_)));
        self.flying.retain(|(to, _)| *to != index);
        self.nodes[index].timers.clear();
        let mut start = self.nodes[index].start.clone();
        if let Some(last) = self.nodes[index].records.last().cloned().filter(|_| !opens) {
            start.guard = GuardPosition::Here(Box::new(self.resume(index, &last)));
        }
        let (engine, outputs) = Engine::new(self.config(), start, self.now());
        self.nodes[index].engine = engine;
        self.perform(index, outputs);
    }

    /// The signature of the last record may be lost with the crash; the intent never is.
    fn resume(&mut self, index: usize, last: &Record) -> Resume {
        let is_lost = self.choices.one_in(2);
        let records = &self.nodes[index].records;
        let lock =
            records
                .iter()
                .rev()
                .find_map(|record| match (record.statement, &record.polka) {
                    (
                        Statement::Precommit {
                            value: Some(value), ..
                        },
                        Some(polka),
                    ) => Some(ResumedLock {
                        value,
                        polka: polka.clone(),
                    }),
                    _ => None,
                });
        let signed = records
            .iter()
            .filter(|record| !(is_lost && record.statement == last.statement));
        Resume {
            round: last.statement.round(),
            kind: last.statement.kind(),
            lock,
            statements: records.iter().map(|record| record.statement).collect(),
            own: signed
                .map(|record| self.message(index, record.statement))
                .collect(),
            intent: is_lost.then_some(last.statement),
            complete: true,
        }
    }

    fn decide(&mut self, index: usize, certificate: CommitCertificate) {
        let agreed = (certificate.id, certificate.outcome);
        let first = *self.decided.entry(certificate.height).or_insert(agreed);
        assert_eq!(
            first, agreed,
            "two decisions at height {}",
            certificate.height
        );
        assert!(
            self.committee
                .context()
                .certificate(certificate.clone())
                .is_ok()
        );
        self.nodes[index]
            .certificates
            .insert(certificate.height, certificate);
    }

    fn open_next(&mut self, index: usize, height: Height) {
        let (id, outcome) = self.decided[&height];
        let header = &self.headers[&id];
        let before = &self.nodes[index].start;
        let bench: Bench = before.bench.after_block(
            &before.set,
            &before.set,
            height,
            header.round,
            header.proposer,
        );
        let parent = Parent {
            id,
            outcome,
            time_us: header.time_us,
        };
        let mut start = self.committee.start(height.next(), parent);
        start.set = Arc::clone(&before.set);
        start.own = before.own;
        start.bench = bench;
        let node = &mut self.nodes[index];
        node.start = start.clone();
        node.records.clear();
        node.timers.clear();
        self.fly(index, [Input::NextHeight(Box::new(start))]);
    }

    fn fly(&mut self, to: usize, inputs: impl IntoIterator<Item = Input>) {
        self.flying
            .extend(inputs.into_iter().map(|input| (to, input)));
    }

    fn tell_others(&mut self, index: usize, inputs: impl Fn(&Self) -> Vec<Input>) {
        for to in (0..self.nodes.len()).filter(|to| *to != index) {
            let inputs = inputs(self);
            self.fly(to, inputs);
        }
    }

    fn published(&self, message: &Publication) -> Vec<Input> {
        match message {
            Publication::Vote(vote) => vec![self.vote(vote)],
            Publication::Proposal { proposal, polka } => {
                let verified = self
                    .committee
                    .context()
                    .proposal((**proposal).clone())
                    .unwrap();
                let received_us = self.now().wall_us;
                let mut inputs: Vec<_> = polka.iter().map(|polka| self.polka(polka)).collect();
                inputs.push(Input::Proposal {
                    proposal: Box::new(verified),
                    received_us,
                });
                inputs
            }
        }
    }

    fn vote(&self, vote: &Vote) -> Input {
        Input::Vote(self.committee.context().vote(vote.clone()).unwrap())
    }

    fn polka(&self, polka: &Polka) -> Input {
        Input::Polka(self.committee.context().polka(polka.clone()).unwrap())
    }

    /// A faulty member says anything about anything that is known, to one node.
    fn misbehave(&mut self) {
        let faulty: Vec<_> = self.faulty.iter().copied().collect();
        if faulty.is_empty() {
            return;
        }
        let author = member(faulty[self.choices.below(faulty.len())]);
        let to = self.any_correct();
        let status = self.nodes[to].engine.status();
        let height = status.height;
        let round = Round::new(status.round.get() + u32::try_from(self.choices.below(3)).unwrap());
        let is_nil = self.choices.one_in(3);
        let value = self.any_block(height).filter(|_| !is_nil);
        let statement = match self.choices.below(3) {
            0 => return self.mispropose(to, author, round),
            1 => {
                let valid_round = round.previous().filter(|_| self.choices.one_in(2));
                Statement::Prevote {
                    height,
                    round,
                    value: value.map(|id| PrevoteValue { id, valid_round }),
                }
            }
            _ => {
                let value = value.map(|id| PrecommitValue {
                    id,
                    outcome: outcome_of(id),
                });
                Statement::Precommit {
                    height,
                    round,
                    value,
                }
            }
        };
        let vote = self.committee.vote(author, statement);
        self.fly(to, [Input::Vote(vote)]);
    }

    /// One of two fresh headers, or an old block again with the round before as its valid round.
    fn mispropose(&mut self, to: usize, author: ValidatorIndex, round: Round) {
        let start = self.nodes[to].start.clone();
        let again = self
            .any_block(start.height)
            .map(|id| self.headers[&id].clone());
        let again = again
            .zip(round.previous())
            .filter(|(header, valid)| header.round <= *valid);
        let (header, valid_round) = match again.filter(|_| self.choices.one_in(2)) {
            Some((header, valid)) => (header, Some(valid)),
            None => {
                let salt = u64::try_from(self.choices.below(2)).unwrap() + 1_000_000;
                let mut header = self.committee.header(&start, round, author, salt);
                header.time_us = self.now().wall_us.max(header.time_us);
                (header, None)
            }
        };
        self.headers.insert(header.id(), header.clone());
        let proposal = Box::new(self.committee.proposal(author, header, round, valid_round));
        let received_us = self.now().wall_us;
        self.fly(
            to,
            [Input::Proposal {
                proposal,
                received_us,
            }],
        );
    }

    fn any_block(&mut self, height: Height) -> Option<BlockId> {
        let known = self
            .headers
            .iter()
            .filter(|(_, header)| header.height == height);
        let known: Vec<_> = known.map(|(id, _)| *id).collect();
        (!known.is_empty()).then(|| known[self.choices.below(known.len())])
    }
}

fn member(index: usize) -> ValidatorIndex {
    ValidatorIndex::new(u16::try_from(index).unwrap())
}

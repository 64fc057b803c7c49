//! A story drives one engine of a committee by lines of text, and states what it must answer.
//!
//! A line is an input; the lines after it that begin with `>` are all its outputs of the kinds that `show` names, in order.
//! Values are a letter and the round of their header, such as `a0`; `a0!` means a foreign outcome. Members are their index.
//! The height is 12, so that with 1, 2, 3, 4 or 6 members round r is the turn of member r mod n.

use std::collections::BTreeMap;
use std::fmt::Write as _;

use crate::engine::{
    Alarm, BlockPart, BodyVerdict, Config, Engine, Event, GuardPosition, HeightStart, Input,
    Output, Parent, Publication, Resume, ResumedLock, TimerId, TimerKind, VotesWanted, Wait,
};
use crate::hash;
use crate::message::{
    CommitCertificate, Evidence, Header, Kind, Polka, PrecommitValue, PrevoteValue, Statement,
};
use crate::proposer;
use crate::testing::{Committee, outcome_of};
use crate::types::{BlockId, Hash32, Height, Now, OutcomeHash, Round, SignRefusal, ValidatorIndex};
use crate::validator_set::Bitmap;

const HEIGHT: u64 = 12;
const TIME_US: u64 = 1_000_000_000;

/// Plays a story to its end.
pub(super) fn check(story: &str) -> Story {
    let mut told = Story::new();
    let mut outputs: Vec<String> = Vec::new();
    for (number, line) in story.lines().enumerate() {
        let line = line.split('#').next().unwrap().trim();
        if line.is_empty() {
            continue;
        }
        if let Some(expected) = line.strip_prefix("> ") {
            assert!(
                !outputs.is_empty(),
                "line {number}: expected `{expected}`, and nothing came"
            );
            assert_eq!(outputs.remove(0), expected, "line {number}");
        } else {
            assert_eq!(
                outputs,
                Vec::<String>::new(),
                "line {number}: left over before `{line}`"
            );
            outputs = told.tell(line);
        }
    }
    assert_eq!(outputs, Vec::<String>::new(), "left over at the end");
    told
}

/// One engine and what the story has said of it.
pub(super) struct Story {
    pub(super) committee: Committee,
    pub(super) start: HeightStart,
    engine: Option<Engine>,
    own: u16,
    show: Vec<String>,
    headers: BTreeMap<BlockId, (String, Header)>,
    asked: Vec<Statement>,
    resume: Resume,
}

impl Story {
    fn new() -> Self {
        let committee = Committee::new(&[1, 1, 1, 1]);
        let parent = Parent {
            id: BlockId::new(hash::sha256(b"parent")),
            outcome: OutcomeHash::new(hash::sha256(b"parent's outcome")),
            time_us: TIME_US,
        };
        let start = committee.start(Height::new(HEIGHT), parent);
        let resume = Resume {
            round: Round::new(0),
            kind: Kind::Proposal,
            lock: None,
            statements: vec![],
            own: vec![],
            intent: None,
            complete: true,
        };
        let show = ["sign"].map(str::to_owned).to_vec();
        Self {
            committee,
            start,
            engine: None,
            own: 3,
            show,
            headers: BTreeMap::new(),
            asked: vec![],
            resume,
        }
    }

    pub(super) fn engine(&self) -> &Engine {
        self.engine
            .as_ref()
            .expect("the story has opened its engine")
    }

    /// What was asked to be signed and neither released nor refused.
    pub(super) fn asked(&self) -> Vec<String> {
        self.asked
            .iter()
            .map(|statement| self.say(statement))
            .collect()
    }

    /// Gives inputs that no line can say.
    pub(super) fn give(&mut self, inputs: Vec<Input>) -> Vec<String> {
        let engine = self
            .engine
            .as_mut()
            .expect("the story has opened its engine");
        let outputs = inputs
            .into_iter()
            .flat_map(|input| engine.step(now(), input))
            .collect();
        self.show(outputs)
    }

    /// Performs a line and gives the outputs that are shown.
    pub(super) fn tell(&mut self, line: &str) -> Vec<String> {
        let words: Vec<&str> = line.split_whitespace().collect();
        let (verb, rest) = words.split_first().unwrap();
        match *verb {
            "node" => self.own = number(rest[0]),
            "powers" => {
                let powers: Vec<u64> = rest.iter().map(|power| power.parse().unwrap()).collect();
                self.committee = Committee::new(&powers);
                self.start.set = self.committee.set.clone();
            }
            "show" => self.show = rest.iter().map(|word| (*word).to_owned()).collect(),
            "guard" => self.tell_guard(rest),
            "lock" => self.tell_lock(rest),
            "said" | "intent" | "lost" => self.tell_record(verb, rest),
            "open" => return self.open(),
            "status" => return vec![self.status()],
            _ => return self.step_with(verb, rest),
        }
        Vec::new()
    }

    fn tell_guard(&mut self, rest: &[&str]) {
        if rest[0] == "above" {
            self.start.guard = GuardPosition::Above(self.resume.statements.clone());
            return;
        }
        self.resume.round = round(rest[0]);
        self.resume.kind = kind(rest[1]);
        self.resume.complete = rest.get(2) != Some(&"incomplete");
        self.start.guard = GuardPosition::Here(Box::new(self.resume.clone()));
    }

    fn tell_lock(&mut self, rest: &[&str]) {
        let voted = self.prevote_value(&rest[1..2]);
        let signers = members(after(rest, "by").unwrap());
        let polka = self
            .committee
            .polka(&signers, self.height(), round(rest[0]), voted);
        let value = self.precommit_value(rest[1]);
        self.resume.lock = Some(ResumedLock {
            value,
            polka: polka.into_inner(),
        });
    }

    fn tell_record(&mut self, verb: &str, rest: &[&str]) {
        let statement = self.statement(rest);
        self.resume.statements.push(statement);
        match verb {
            "intent" => self.resume.intent = Some(statement),
            "lost" => {}
            _ => {
                let header = statement
                    .block()
                    .and_then(|id| self.headers.get(&id))
                    .map(|(_, header)| header);
                let own = self
                    .committee
                    .own(ValidatorIndex::new(self.own), statement, header)
                    .unwrap();
                self.resume.own.push(own);
            }
        }
    }

    fn open(&mut self) -> Vec<String> {
        if matches!(self.start.guard, GuardPosition::Here(_)) {
            self.start.guard = GuardPosition::Here(Box::new(self.resume.clone()));
        }
        let config = Config {
            genesis_hash: self.committee.chain.genesis_hash,
            supported: Header::FEATURES_KNOWN,
        };
        self.start.own = self.own_index();
        let (engine, outputs) = Engine::new(config, self.start.clone(), now());
        self.engine = Some(engine);
        self.show(outputs)
    }

    fn step_with(&mut self, verb: &str, rest: &[&str]) -> Vec<String> {
        if self.engine.is_none() {
            self.open();
        }
        let inputs = self.inputs(verb, rest);
        self.give(inputs)
    }

    /// The inputs that a line stands for.
    pub(super) fn inputs(&mut self, verb: &str, rest: &[&str]) -> Vec<Input> {
        match verb {
            "proposal" => vec![self.proposal(rest)],
            "prevote" | "precommit" => self.votes(verb, rest),
            "polka" => {
                let value = self.prevote_value(&rest[1..]);
                let signers = members(after(rest, "by").unwrap());
                vec![Input::Polka(self.committee.polka(
                    &signers,
                    self.height(),
                    round(rest[0]),
                    value,
                ))]
            }
            "certificate" => {
                let value = self.precommit_value(rest[1]);
                let signers = members(after(rest, "by").unwrap());
                vec![Input::Certificate(self.committee.certificate(
                    &signers,
                    self.height(),
                    round(rest[0]),
                    value,
                ))]
            }
            "header" => vec![Input::Header(Box::new(self.header(rest[0])))],
            "body" => vec![Input::Body {
                id: self.value(rest[0]),
                verdict: BodyVerdict::Valid,
            }],
            "bad-body" => vec![Input::Body {
                id: self.value(rest[0]),
                verdict: BodyVerdict::Invalid,
            }],
            "executed" => {
                let value = self.precommit_value(rest[0]);
                vec![Input::Executed {
                    id: value.id,
                    outcome: value.outcome,
                }]
            }
            "failed" => vec![Input::ExecutionFailed {
                id: self.value(rest[0]),
            }],
            "block" => [self.inputs("body", rest), self.inputs("executed", rest)].concat(),
            "built" => vec![Input::Built {
                round: round(rest[0]),
                header: Box::new(self.header(rest[1])),
            }],
            "released" => {
                let asked = std::mem::take(&mut self.asked);
                asked
                    .into_iter()
                    .map(|statement| self.released(statement))
                    .collect()
            }
            "refused" => {
                let asked = std::mem::take(&mut self.asked);
                let refused = |statement| Input::SignRefused {
                    statement,
                    reason: SignRefusal::Unavailable,
                };
                asked.into_iter().map(refused).collect()
            }
            "timer" => vec![self.timer(
                rest[0],
                rest.get(1).map_or(Round::new(0), |word| round(word)),
            )],
            "work" => vec![Input::WorkDue],
            "wanted" => vec![self.wanted(rest)],
            "next" => vec![Input::NextHeight(Box::new(self.next()))],
            other => panic!("no such line: {other}"),
        }
    }

    fn proposal(&mut self, rest: &[&str]) -> Input {
        let number = round(rest[0]);
        let header = self.header(rest[1]);
        let proposer = after(rest, "from").map_or_else(
            || self.turn(number),
            |word| ValidatorIndex::new(self::number(word)),
        );
        let late_us: i64 = after(rest, "late").map_or(0, |word| word.parse().unwrap());
        let received_us = header.time_us.checked_add_signed(late_us).unwrap();
        let valid_round = after(rest, "vr").map(round);
        let proposal = self
            .committee
            .proposal(proposer, header, number, valid_round);
        Input::Proposal {
            proposal: Box::new(proposal),
            received_us,
        }
    }

    fn votes(&mut self, verb: &str, rest: &[&str]) -> Vec<Input> {
        let statement = self.statement(&[&[verb], &rest[1..]].concat());
        let voters = members(rest[0]);
        voters
            .into_iter()
            .map(|voter| Input::Vote(self.committee.vote(voter, statement)))
            .collect()
    }

    fn released(&self, statement: Statement) -> Input {
        let header = statement
            .block()
            .and_then(|id| self.headers.get(&id))
            .map(|(_, header)| header);
        let own = self
            .committee
            .own(ValidatorIndex::new(self.own), statement, header);
        Input::OwnReleased(own.expect("the story knows the header of what it proposes"))
    }

    fn timer(&self, name: &str, round: Round) -> Input {
        let kind = match name {
            "propose" => TimerKind::Propose,
            "prevote" => TimerKind::Prevote,
            "precommit" => TimerKind::Precommit,
            "tick" => TimerKind::Tick,
            "heartbeat" => TimerKind::Heartbeat,
            other => panic!("no such timer: {other}"),
        };
        Input::Timer(TimerId {
            height: self.height(),
            round,
            kind,
        })
    }

    fn wanted(&self, rest: &[&str]) -> Input {
        let bitmap = |word: &str| {
            let mut bitmap = Bitmap::none(self.committee.set.len());
            after(rest, word)
                .into_iter()
                .flat_map(members)
                .for_each(|member| bitmap.insert(member));
            bitmap
        };
        let wanted = VotesWanted {
            height: after(rest, "height")
                .map_or(self.height(), |word| Height::new(word.parse().unwrap())),
            round: round(rest[1]),
            proposal: rest.contains(&"proposal"),
            prevotes: bitmap("prevotes"),
            precommits: bitmap("precommits"),
        };
        Input::VotesWanted {
            from: ValidatorIndex::new(number(rest[0])),
            wanted,
        }
    }

    /// The start of the height after the decided one; the story goes on there.
    pub(super) fn next(&mut self) -> HeightStart {
        let decided = self
            .engine()
            .decided()
            .expect("only a decided height has a next")
            .clone();
        let time_us = self.headers.get(&decided.id).unwrap().1.time_us;
        let parent = Parent {
            id: decided.id,
            outcome: decided.outcome,
            time_us,
        };
        self.start = self.committee.start(self.start.height.next(), parent);
        self.start.own = self.own_index();
        self.start.clone()
    }

    /// Which member the story is told of; a number beyond the set is nobody.
    fn own_index(&self) -> Option<ValidatorIndex> {
        let own = ValidatorIndex::new(self.own);
        self.committee.set.get(own).map(|_| own)
    }

    pub(super) fn height(&self) -> Height {
        self.start.height
    }

    pub(super) fn turn(&self, round: Round) -> ValidatorIndex {
        proposer::proposer(&self.start.set, &self.start.bench, self.start.height, round)
    }

    /// The header of a value, made when it is first named.
    pub(super) fn header(&mut self, name: &str) -> Header {
        let name = name.trim_end_matches('!');
        let salt = u64::from(name.as_bytes()[0]);
        let number = round(&name[1..]);
        let mut header = self
            .committee
            .header(&self.start, number, self.turn(number), salt);
        if name.starts_with('z') {
            header.set_hash = Hash32::ZERO; // `z` breaks a rule of the height
        }
        self.headers
            .insert(header.id(), (name.to_owned(), header.clone()));
        header
    }

    fn value(&mut self, name: &str) -> BlockId {
        self.header(name).id()
    }

    fn prevote_value(&mut self, rest: &[&str]) -> PrevoteValue {
        PrevoteValue {
            id: self.value(rest[0]),
            valid_round: after(rest, "vr").map(round),
        }
    }

    fn precommit_value(&mut self, name: &str) -> PrecommitValue {
        let id = self.value(name);
        let own = outcome_of(id);
        let outcome = if name.ends_with('!') {
            OutcomeHash::new(hash::sha256(own.hash().bytes()))
        } else {
            own
        };
        PrecommitValue { id, outcome }
    }

    /// `kind round value [vr round]`
    fn statement(&mut self, rest: &[&str]) -> Statement {
        let (height, number) = (self.height(), round(rest[1]));
        let is_nil = rest[2] == "nil";
        match kind(rest[0]) {
            Kind::Proposal => {
                let PrevoteValue { id, valid_round } = self.prevote_value(&rest[2..]);
                Statement::Proposal {
                    height,
                    round: number,
                    id,
                    valid_round,
                }
            }
            Kind::Prevote => {
                let value = (!is_nil).then(|| self.prevote_value(&rest[2..]));
                Statement::Prevote {
                    height,
                    round: number,
                    value,
                }
            }
            Kind::Precommit => {
                let value = (!is_nil).then(|| self.precommit_value(rest[2]));
                Statement::Precommit {
                    height,
                    round: number,
                    value,
                }
            }
        }
    }

    fn status(&self) -> String {
        let status = self.engine().status();
        let waits: Vec<_> = status.waits.iter().map(|wait| self.wait(wait)).collect();
        format!("{} {:?}: {}", status.round, status.step, waits.join("; "))
    }

    fn wait(&self, wait: &Wait) -> String {
        match wait {
            Wait::Work => "work".to_owned(),
            Wait::Proposal { from } => format!("proposal from {from}"),
            Wait::OwnProposal => "own proposal".to_owned(),
            Wait::Polka { round, id } => format!("polka {round} {}", self.name(*id)),
            Wait::Header(id) => format!("header {}", self.name(*id)),
            Wait::Body(id) => format!("body {}", self.name(*id)),
            Wait::Execution(id) => format!("execution {}", self.name(*id)),
            Wait::Prevotes(short) => format!(
                "prevotes {}/{} of {} without {:?}",
                short.power_of_leader, short.power, short.power_of_quorum, short.missing
            ),
            Wait::Precommits(short) => format!(
                "precommits {}/{} of {} without {:?}",
                short.power_of_leader, short.power, short.power_of_quorum, short.missing
            ),
            Wait::NextHeight => "next height".to_owned(),
            Wait::Halted => "a person".to_owned(),
        }
    }

    fn show(&mut self, outputs: Vec<Output>) -> Vec<String> {
        for output in &outputs {
            if let Output::Sign { statement, .. } = output {
                self.asked.push(*statement);
            }
        }
        let lines = outputs.iter().map(|output| self.line(output));
        lines
            .filter(|line| {
                self.show
                    .iter()
                    .any(|kind| line.split(' ').next() == Some(kind))
            })
            .collect()
    }

    fn line(&self, output: &Output) -> String {
        match output {
            Output::Sign {
                statement,
                polka: None,
            } => format!("sign {}", self.say(statement)),
            Output::Sign {
                statement,
                polka: Some(polka),
            } => {
                format!("sign {} with polka {}", self.say(statement), polka.round)
            }
            Output::Publish(message) => format!("publish {}", self.publication(message)),
            Output::Build { round, .. } => format!("build {round}"),
            Output::StartTimer { id, .. } => {
                format!("timer {:?} {}", id.kind, id.round).to_lowercase()
            }
            Output::Fetch { id, part, from } => {
                let part = if *part == BlockPart::Header {
                    "header"
                } else {
                    "body"
                };
                format!("fetch {part} {} from {from:?}", self.name(*id))
            }
            Output::Execute { id } => format!("execute {}", self.name(*id)),
            Output::Discard { id } => format!("discard {}", self.name(*id)),
            Output::PushPolka(polka) => format!("push {}", self.polka(polka)),
            Output::PullVotes(wanted) => format!("pull {}", wanted.round),
            Output::Answer {
                to,
                proposal,
                votes,
                polkas,
            } => {
                let mut text = format!("answer {to}");
                proposal
                    .iter()
                    .for_each(|proposal| write!(text, ", {}", self.publication(proposal)).unwrap());
                let votes = votes.iter().map(|vote| (vote.validator, vote.statement()));
                votes.for_each(|(from, said)| {
                    write!(text, ", {} by {from}", self.say(&said)).unwrap()
                });
                polkas
                    .iter()
                    .for_each(|polka| write!(text, ", polka {}", self.polka(polka)).unwrap());
                text
            }
            Output::SendCertificate { to, height } => format!("send-certificate {to} {height}"),
            Output::Decided(certificate) => format!("decided {}", self.certificate(certificate)),
            Output::Confirmed { id, .. } => format!("confirmed {}", self.name(*id)),
            Output::Evidence(evidence) => self.evidence(evidence),
            Output::Alarm(alarm) => self.alarm(alarm),
            Output::Event(event) => self.event(event),
        }
    }

    fn say(&self, statement: &Statement) -> String {
        let value = match statement {
            Statement::Proposal {
                id, valid_round, ..
            } => self.with_round(*id, *valid_round),
            Statement::Prevote {
                value: Some(value), ..
            } => self.with_round(value.id, value.valid_round),
            Statement::Precommit {
                value: Some(value), ..
            } => self.with_outcome(value),
            Statement::Prevote { value: None, .. } | Statement::Precommit { value: None, .. } => {
                "nil".to_owned()
            }
        };
        format!("{} {} {value}", statement.kind().name(), statement.round())
    }

    fn with_round(&self, id: BlockId, valid_round: Option<Round>) -> String {
        valid_round.map_or(self.name(id), |valid| {
            format!("{} vr {valid}", self.name(id))
        })
    }

    fn with_outcome(&self, value: &PrecommitValue) -> String {
        let mark = if value.outcome == outcome_of(value.id) {
            ""
        } else {
            "!"
        };
        format!("{}{mark}", self.name(value.id))
    }

    fn publication(&self, message: &Publication) -> String {
        match message {
            Publication::Proposal { proposal, polka } => {
                let polka = polka.as_ref().map_or(String::new(), |polka| {
                    format!(" with polka {}", polka.round)
                });
                format!("{}{polka}", self.say(&proposal.statement()))
            }
            Publication::Vote(vote) => self.say(&vote.statement()),
        }
    }

    fn polka(&self, polka: &Polka) -> String {
        let signers: Vec<_> = polka.signers.iter().collect();
        format!(
            "{} {} by {signers:?}",
            polka.round,
            self.with_round(polka.id, polka.valid_round)
        )
    }

    fn certificate(&self, certificate: &CommitCertificate) -> String {
        let value = PrecommitValue {
            id: certificate.id,
            outcome: certificate.outcome,
        };
        let signers: Vec<_> = certificate.signers.iter().collect();
        format!(
            "{} {} by {signers:?}",
            certificate.round,
            self.with_outcome(&value)
        )
    }

    fn evidence(&self, evidence: &Evidence) -> String {
        let key = evidence.key();
        let proven = self.committee.context().evidence(evidence.clone());
        assert!(
            proven.is_ok(),
            "what is given out as evidence proves an offence"
        );
        let (first, second) = evidence.statements();
        format!(
            "evidence {:?} by {}: {} and {}",
            key.kind,
            key.validator,
            self.say(&first),
            self.say(&second)
        )
    }

    fn alarm(&self, alarm: &Alarm) -> String {
        let text = match alarm {
            Alarm::InvalidValueCertified { certificate } => {
                format!("invalid-certified {}", self.name(certificate.id))
            }
            Alarm::ConflictingCertificates { first, second } => {
                format!(
                    "conflict {} and {}",
                    self.certificate(first),
                    self.certificate(second)
                )
            }
            Alarm::GatesLacking { lacking, .. } => format!("gates lacking {lacking:b}"),
            Alarm::OutcomeDiverged { id, .. } => format!("diverged {}", self.name(*id)),
            Alarm::OutcomeSplit {
                round, id, signers, ..
            } => {
                let mut signers: Vec<_> = signers.iter().map(|(_, who)| who).collect();
                signers.sort();
                format!("split {round} {} {signers:?}", self.name(*id))
            }
            Alarm::OutcomeChanged { locked, .. } => {
                format!("outcome-changed {}", self.name(locked.id))
            }
            Alarm::InvalidValuePrevoted { round, id } => {
                format!("invalid-prevoted {round} {}", self.name(*id))
            }
            Alarm::ExecutionFailed { id } => format!("execution-failed {}", self.name(*id)),
            Alarm::BuiltInvalid { id } => format!("built-invalid {}", self.name(*id)),
            Alarm::OwnKeyElsewhere { statement } => {
                format!("own-key-elsewhere {}", self.say(statement))
            }
        };
        format!("alarm {text}")
    }

    fn event(&self, event: &Event) -> String {
        match event {
            Event::RoundStarted {
                round, proposer, ..
            } => format!("round {round} of {proposer}"),
            Event::RoundBegun { .. } => "begun".to_owned(),
            Event::StepChanged { round, step, .. } => format!("step {round} {step:?}"),
            Event::Locked(locked) => format!("locked {} {}", locked.round, self.name(locked.id)),
            Event::ValidValue { round, id } => format!("valid {round} {}", self.name(*id)),
            Event::TimedOut(id) => format!("timed-out {:?} {}", id.kind, id.round),
            Event::SignRefused { statement, .. } => format!("refused {}", self.say(statement)),
            Event::Dropped { statement, reason } => {
                format!("dropped {} {reason:?}", self.say(statement))
            }
        }
    }

    fn name(&self, id: BlockId) -> String {
        self.headers
            .get(&id)
            .map_or_else(|| format!("{id:?}"), |(name, _)| name.clone())
    }
}

pub(super) fn now() -> Now {
    Now {
        mono_ns: 0,
        wall_us: TIME_US + 1,
    }
}

fn round(word: &str) -> Round {
    Round::new(word.parse().unwrap())
}

fn number(word: &str) -> u16 {
    word.parse().unwrap()
}

fn kind(word: &str) -> Kind {
    [Kind::Proposal, Kind::Prevote, Kind::Precommit]
        .into_iter()
        .find(|kind| kind.name() == word)
        .unwrap()
}

fn members(word: &str) -> Vec<ValidatorIndex> {
    word.split(',')
        .map(|member| ValidatorIndex::new(number(member)))
        .collect()
}

fn after<'a>(words: &[&'a str], key: &str) -> Option<&'a str> {
    let position = words.iter().position(|word| *word == key)?;
    words.get(position + 1).copied()
}

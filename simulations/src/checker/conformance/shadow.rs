//! What one node has received and said, height by height.
//!
//! Invariant: only grows, until a height is left far behind; what travels in a certificate counts as the votes it holds.

use std::collections::BTreeMap;
use std::collections::btree_map::Entry;
use std::ops::RangeBounds;

use falaj_consensus::message::{
    CommitCertificate, Header, Kind, Polka, PrecommitValue, PrevoteValue, Proposal, Statement,
    Vote, VoteValue,
};
use falaj_consensus::types::{BlockId, Height, Now, Round};
use falaj_hsm::Place;
use falaj_node::core::{Frame, Message};

use crate::checker::Finding;
use crate::checker::quorum::Voters;
use crate::checker::sets::{Members, Sets};
use crate::types::NodeIndex;

/// The highest number of validators that a bitmap is read for.
const VALIDATORS_MAX: u16 = 128;

/// A proposal that came.
#[derive(Clone, Debug)]
pub(super) struct Proposed {
    pub(super) id: BlockId,
    pub(super) valid_round: Option<Round>,
    pub(super) by: u16,
    pub(super) header: Header,
    /// When it came, on the node's wall clock: its own when that was signed.
    pub(super) came_us: u64,
    is_own: bool,
}

type Tally<V> = BTreeMap<Round, BTreeMap<Option<V>, Voters>>;

/// One height as a node knows it.
#[derive(Clone, Debug, Default)]
pub(super) struct View {
    proposals: BTreeMap<Round, Vec<Proposed>>,
    blocks: BTreeMap<BlockId, Header>,
    prevotes: Tally<PrevoteValue>,
    precommits: Tally<PrecommitValue>,
    said: BTreeMap<(Round, Kind), Statement>,
    /// When the node's own proposals were signed last, on its wall clock.
    signed_us: BTreeMap<Round, u64>,
    /// What the guard recorded, and in which life of the process; it may be said at any time after.
    intended: BTreeMap<(Round, Kind), (Statement, u32)>,
    /// Since when a node may be in each round, on the monotonic clock of its process.
    entered: BTreeMap<Round, u64>,
}

/// One node.
#[derive(Clone, Debug)]
pub(super) struct Shadow {
    views: BTreeMap<Height, View>,
    floor: Height,
    /// The last place that the guard had recorded when the process started.
    recorded: Option<Place>,
    /// How often a process started.
    life: u32,
    /// When the process started, on its wall clock.
    started_us: u64,
}

impl Shadow {
    pub(super) const fn new() -> Self {
        Self {
            views: BTreeMap::new(),
            floor: Height::new(0),
            recorded: None,
            life: 0,
            started_us: 0,
        }
    }

    /// A process begins: its clock begins anew, and it may be wherever the one before it was. Its own votes that the guard had recorded count
    /// among those that it has, also if the process before it ended before it could say them.
    pub(super) fn started(
        &mut self,
        sets: &Sets,
        clock: Now,
        node: NodeIndex,
        height: Height,
        guard: Place,
    ) {
        self.recorded = Some(guard);
        self.life += 1;
        self.started_us = clock.wall_us;
        for (height, view) in &mut self.views {
            view.forget_unsaid_above(*height, guard);
            let entered = view.entered.values_mut();
            entered.for_each(|since| *since = clock.mono_ns);
            view.own_come_again(.., clock.wall_us);
            if let Some(own) = sets.at(*height).index_of(node) {
                view.count_recorded(own);
            }
        }
        for (height, last) in [
            (height.next(), Round::default()),
            (guard.height, guard.round),
        ] {
            if let Some(view) = self.view_mut(height) {
                let rounds = (0..=last.get()).map(Round::new);
                view.entered
                    .extend(rounds.map(|round| (round, clock.mono_ns)));
            }
        }
    }

    /// Places are recorded in order: propose, prevote, precommit, next round. Two statements of one place are a double sign once they leave.
    pub(super) fn intended(&mut self, statement: &Statement) -> Finding {
        let life = self.life;
        let Some(view) = self.view_mut(statement.height()) else {
            return Ok(());
        };
        let place = (statement.round(), statement.kind());
        let last = view.intended.last_key_value().map(|(last, _)| *last);
        match view.intended.entry(place) {
            Entry::Vacant(_) if last.is_some_and(|last| last > place) => {
                return Err(format!("{statement:?} was recorded after {last:?}"));
            }
            Entry::Vacant(entry) => {
                entry.insert((*statement, life));
            }
            Entry::Occupied(_) => {}
        }
        Ok(())
    }

    /// Whether the guard had recorded a statement when the process started; of the last place only the place may be known.
    pub(super) fn had_intended(&self, statement: &Statement) -> bool {
        let view = self.views.get(&statement.height());
        let known = view.and_then(|view| view.intended.get(&(statement.round(), statement.kind())));
        self.recorded == Some(Place::of(statement))
            || known.is_some_and(|(_, life)| *life < self.life)
    }

    pub(super) fn forget_below(&mut self, floor: Height) {
        self.floor = floor.max(self.floor);
        self.views = self.views.split_off(&self.floor);
    }

    /// What is known of a height; `None` if it was left long ago.
    pub(super) fn view(&mut self, height: Height) -> Option<&View> {
        self.view_mut(height).map(|view| &*view)
    }

    fn view_mut(&mut self, height: Height) -> Option<&mut View> {
        (height >= self.floor).then(|| self.views.entry(height).or_default())
    }

    pub(super) fn received(&mut self, sets: &Sets, clock: Now, frame: &Frame) {
        match &frame.message {
            Some(Message::Proposal(bundle)) => {
                self.proposal(&bundle.proposal, clock.wall_us, false);
                let polkas = bundle.polka.iter();
                polkas.for_each(|polka| self.polka(sets, clock, polka));
                let parents = bundle.parent.iter();
                parents.for_each(|parent| self.certificate(sets, clock, parent));
            }
            Some(Message::Votes(votes)) => {
                votes.iter().for_each(|vote| self.vote(sets, clock, vote))
            }
            Some(Message::Polka(polka)) => self.polka(sets, clock, polka),
            Some(Message::Certificate(certificate)) => self.certificate(sets, clock, certificate),
            Some(Message::Block { header, .. }) => self.block(header),
            Some(Message::Blocks(blocks)) => {
                for block in blocks {
                    self.block(&block.header);
                    self.certificate(sets, clock, &block.certificate);
                }
            }
            _ => {}
        }
    }

    /// What a node proposes it has built itself; and what it says is of a height that it has not left long ago.
    /// A block that was built before the process started comes to it when it is proposed.
    pub(super) fn sent(
        &mut self,
        sets: &Sets,
        clock: Now,
        node: NodeIndex,
        frame: &Frame,
    ) -> Finding {
        let is_own = |height: Height, author: u16| sets.at(height).node(author) == Some(node);
        match &frame.message {
            Some(Message::Proposal(bundle))
                if is_own(bundle.proposal.height(), bundle.proposal.proposer.get()) =>
            {
                self.is_recent(bundle.proposal.header.height, "a proposal")?;
                let proposal = &bundle.proposal;
                let signed_us = self
                    .view(proposal.height())
                    .and_then(|view| view.signed_us.get(&proposal.round).copied());
                self.proposal(proposal, signed_us.unwrap_or(clock.wall_us), true);
                let is_older = proposal.header.time_us < self.started_us;
                if is_older || self.had_intended(&proposal.statement()) {
                    self.proposal(proposal, clock.wall_us, true);
                }
                Ok(())
            }
            Some(Message::Votes(votes)) => votes
                .iter()
                .filter(|vote| is_own(vote.height, vote.validator.get()))
                .try_for_each(|vote| self.is_recent(vote.height, "a vote")),
            _ => Ok(()),
        }
    }

    fn is_recent(&self, height: Height, what: &str) -> Finding {
        if height < self.floor {
            Err(format!(
                "{what} of height {height} was sent when that was left long ago"
            ))
        } else {
            Ok(())
        }
    }

    pub(super) fn said(&mut self, sets: &Sets, clock: Now, own: u16, statement: &Statement) {
        let Some(view) = self.view_mut(statement.height()) else {
            return;
        };
        view.said
            .insert((statement.round(), statement.kind()), *statement);
        if let Statement::Proposal { round, .. } = statement {
            view.signed_us.insert(*round, clock.wall_us);
            view.own_come_again(*round..=*round, clock.wall_us);
        }
        view.count(own, statement);
        self.note(sets, clock, statement.height(), statement.round());
    }

    /// Rounds that votes of a round open: itself by a hint, the next and the next height's first by a quorum of precommits.
    fn note(&mut self, sets: &Sets, clock: Now, height: Height, round: Round) {
        let members = sets.at(height);
        let Some(view) = self.view_mut(height) else {
            return;
        };
        if members.is_hint(view.voters(round)) {
            view.enter(clock, round);
        }
        if members.is_quorum(view.precommitters(round)) {
            view.enter(clock, round.next());
            if let Some(view) = self.view_mut(height.next()) {
                view.enter(clock, Round::default());
            }
        }
    }

    fn block(&mut self, header: &Header) {
        if let Some(view) = self.view_mut(header.height) {
            view.blocks.insert(header.id(), header.clone());
        }
    }

    fn proposal(&mut self, proposal: &Proposal, came_us: u64, is_own: bool) {
        let id = proposal.id();
        let Some(view) = self.view_mut(proposal.height()) else {
            return;
        };
        view.blocks
            .entry(id)
            .or_insert_with(|| proposal.header.clone());
        view.proposals
            .entry(proposal.round)
            .or_default()
            .push(Proposed {
                id,
                valid_round: proposal.valid_round,
                by: proposal.proposer.get(),
                header: proposal.header.clone(),
                came_us,
                is_own,
            });
    }

    fn vote(&mut self, sets: &Sets, clock: Now, vote: &Vote) {
        let Some(view) = self.view_mut(vote.height) else {
            return;
        };
        let voter = vote.validator.get();
        match vote.value {
            VoteValue::Prevote(value) => tally(&mut view.prevotes, vote.round, value).add(voter),
            VoteValue::Precommit(value) => {
                tally(&mut view.precommits, vote.round, value).add(voter);
            }
        }
        self.note(sets, clock, vote.height, vote.round);
    }

    fn polka(&mut self, sets: &Sets, clock: Now, polka: &Polka) {
        let voters = Voters::of(&polka.signers, VALIDATORS_MAX).unwrap_or_default();
        let value = PrevoteValue {
            id: polka.id,
            valid_round: polka.valid_round,
        };
        if let Some(view) = self.view_mut(polka.height) {
            let sum = tally(&mut view.prevotes, polka.round, Some(value));
            *sum = sum.with(voters);
        }
        self.note(sets, clock, polka.height, polka.round);
    }

    fn certificate(&mut self, sets: &Sets, clock: Now, certificate: &CommitCertificate) {
        let voters = Voters::of(&certificate.signers, VALIDATORS_MAX).unwrap_or_default();
        let value = PrecommitValue {
            id: certificate.id,
            outcome: certificate.outcome,
        };
        if let Some(view) = self.view_mut(certificate.height) {
            let sum = tally(&mut view.precommits, certificate.round, Some(value));
            *sum = sum.with(voters);
        }
        self.note(sets, clock, certificate.height, certificate.round);
    }
}

impl View {
    /// Counts a vote.
    fn count(&mut self, voter: u16, statement: &Statement) {
        match statement {
            Statement::Proposal { .. } => {}
            Statement::Prevote { round, value, .. } => {
                tally(&mut self.prevotes, *round, *value).add(voter);
            }
            Statement::Precommit { round, value, .. } => {
                tally(&mut self.precommits, *round, *value).add(voter);
            }
        }
    }

    fn count_recorded(&mut self, own: u16) {
        let recorded: Vec<_> = self
            .intended
            .values()
            .map(|(statement, _)| *statement)
            .collect();
        recorded
            .iter()
            .for_each(|statement| self.count(own, statement));
    }

    fn enter(&mut self, clock: Now, round: Round) {
        self.entered.entry(round).or_insert(clock.mono_ns);
    }

    /// Since when the node may be in a round, at the earliest; since its start if nothing is known.
    pub(super) fn entered_ns(&self, round: Round) -> u64 {
        self.entered.get(&round).copied().unwrap_or_default()
    }

    /// The newest round below one in which a block has a polka, of which a node may hold a lock.
    pub(super) fn may_be_locked(&self, round: Round, members: &Members) -> Option<Round> {
        let rounds = self.prevotes.range(..round).rev();
        rounds
            .filter(|(_, values)| {
                let mut blocks = values.iter().filter(|(value, _)| value.is_some());
                blocks.any(|(_, voters)| members.is_quorum(*voters))
            })
            .map(|(round, _)| *round)
            .next()
    }

    /// Whether something of a round was said.
    pub(super) fn has_been_in(&self, round: Round) -> bool {
        let kinds = (round, Kind::Proposal)..=(round, Kind::Precommit);
        self.said.range(kinds).next().is_some()
    }

    pub(super) fn has_intended(&self, statement: &Statement) -> bool {
        let place = (statement.round(), statement.kind());
        let intended = self.intended.get(&place);
        intended.is_some_and(|(intended, _)| intended == statement)
    }

    /// What a power cut took of the guard's log was never said, and may be decided anew.
    fn forget_unsaid_above(&mut self, height: Height, guard: Place) {
        let said = &self.said;
        self.intended.retain(|(round, step), (statement, _)| {
            let (round, step) = (*round, *step);
            let place = Place {
                height,
                round,
                step,
            };
            place <= guard || said.get(&(round, step)) == Some(statement)
        });
    }

    pub(super) fn has_said(&self, statement: &Statement) -> bool {
        self.said.get(&(statement.round(), statement.kind())) == Some(statement)
    }

    /// Round of the newest precommit for a block that was recorded in an earlier round: it binds before it is said.
    pub(super) fn lock_before(&self, round: Round) -> Option<Round> {
        let precommits = self.intended.range(..(round, Kind::Proposal)).rev();
        precommits
            .filter(|((_, kind), (statement, _))| {
                *kind == Kind::Precommit && statement.block().is_some()
            })
            .map(|((round, _), _)| *round)
            .next()
    }

    /// Own proposals of some rounds are counted again, as if they had come now: by a process that starts, those it finds stored; and one that is
    /// signed again.
    fn own_come_again(&mut self, rounds: impl RangeBounds<Round>, wall_us: u64) {
        let again = |own: &Proposed| Proposed {
            came_us: wall_us,
            ..own.clone()
        };
        for (_, proposals) in self.proposals.range_mut(rounds) {
            let own = proposals.iter().filter(|one| one.is_own);
            let own: Vec<_> = own.map(again).collect();
            proposals.extend(own);
        }
    }

    pub(super) fn proposals(&self, round: Round) -> impl Iterator<Item = &Proposed> {
        self.proposals.get(&round).into_iter().flatten()
    }

    /// Whether the node's own proposal of a round is what this prevote answers.
    pub(super) fn has_proposed(&self, round: Round, value: PrevoteValue) -> bool {
        let own = self.said.get(&(round, Kind::Proposal));
        own.is_some_and(|own| {
            matches!(own, Statement::Proposal { id, valid_round, .. }
                if (*id, *valid_round) == (value.id, value.valid_round))
        })
    }

    /// Whether the node has signed a proposal of its own that has not left yet, so that nobody knows its time.
    pub(super) fn own_is_unseen(&self, round: Round) -> bool {
        let has_left = |proposed: &Proposed| proposed.is_own;
        self.said.contains_key(&(round, Kind::Proposal)) && !self.proposals(round).any(has_left)
    }

    /// Whether a block came, or was built here.
    pub(super) fn has_block(&self, id: BlockId) -> bool {
        let own = |statement: &Statement| {
            statement.kind() == Kind::Proposal && statement.block() == Some(id)
        };
        self.blocks.contains_key(&id) || self.said.values().any(own)
    }

    pub(super) fn prevoters(&self, round: Round) -> Voters {
        sum(&self.prevotes, round)
    }

    pub(super) fn precommitters(&self, round: Round) -> Voters {
        sum(&self.precommits, round)
    }

    pub(super) fn voters(&self, round: Round) -> Voters {
        self.prevoters(round).with(self.precommitters(round))
    }

    /// A quorum of equal prevotes: one block, one valid round.
    pub(super) fn has_polka(&self, round: Round, id: BlockId, members: &Members) -> bool {
        let values = self.prevotes.get(&round).into_iter().flatten();
        values
            .filter(|(value, _)| value.is_some_and(|value| value.id == id))
            .any(|(_, voters)| members.is_quorum(*voters))
    }
}

fn tally<V: Ord>(tally: &mut Tally<V>, round: Round, value: Option<V>) -> &mut Voters {
    tally.entry(round).or_default().entry(value).or_default()
}

fn sum<V: Ord>(tally: &Tally<V>, round: Round) -> Voters {
    let values = tally.get(&round).into_iter().flat_map(BTreeMap::values);
    values.fold(Voters::default(), |sum, voters| sum.with(*voters))
}

#[cfg(test)]
mod tests {
    use super::*;
    use falaj_consensus::crypto::Signature;
    use falaj_consensus::types::ValidatorIndex;

    use crate::chance::Chance;
    use crate::economy::Economy;
    use crate::scenario::Scenario;

    const ME: NodeIndex = NodeIndex::new(2);

    fn votes_of(voter: u16, height: u64) -> Frame {
        let (height, round) = (Height::new(height), Round::new(0));
        let statement = Statement::Prevote {
            height,
            round,
            value: None,
        };
        let signature = Signature::new(Vec::new()).expect("it is short");
        let vote = Vote::new(ValidatorIndex::new(voter), statement, signature);
        Frame {
            height,
            acks: Vec::new(),
            message: Some(Message::Votes(vec![vote.expect("it is a vote")])),
        }
    }

    /// Goal: a token that answers late, and a node that passes its answer on although the height is closed.
    #[test]
    fn an_own_vote_of_a_height_left_long_ago_is_found() {
        let economy = Economy::new(&Chance::new(1), &Scenario::calm(4));
        let sets = Sets::new(&economy.genesis.validators, economy.genesis.parameters);
        let mut shadow = Shadow::new();
        shadow.forget_below(Height::new(5));
        assert!(
            shadow
                .sent(&sets, Now::default(), ME, &votes_of(2, 4))
                .is_err()
        );
        assert!(
            shadow
                .sent(&sets, Now::default(), ME, &votes_of(2, 5))
                .is_ok()
        );
        assert!(
            shadow
                .sent(&sets, Now::default(), ME, &votes_of(1, 4))
                .is_ok()
        );
    }
}

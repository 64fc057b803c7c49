//! What a node can have received by now: quorums of what correct validators said and of whatever the faulty ones add.
//!
//! Invariant: a vote of a faulty validator is there for every rule that could use it, so nothing a liar could do is left out;
//! every fact here stays true for the rest of the run.
//! Shapes: power is one each.
//! Source: `docs/spec/consensus.md`, "Words and thresholds", "Tally".

use std::collections::BTreeSet;

use super::Protocol;
use super::mistake::Mistake;
use super::state::{Cast, State};
use super::words::{MEMBERS, Member, Members, Prevote, Round, Value};

/// The votes of a state under the thresholds of a protocol.
#[derive(Clone, Copy, Debug)]
pub struct Tally<'a> {
    protocol: &'a Protocol,
    state: &'a State,
}

impl Protocol {
    /// The votes of a state.
    #[must_use]
    pub const fn tally<'a>(&'a self, state: &'a State) -> Tally<'a> {
        Tally {
            protocol: self,
            state,
        }
    }

    /// 3p > 2N.
    pub(super) fn is_quorum(&self, power: u8) -> bool {
        if self.makes(Mistake::QuorumOfHalf) {
            return 2 * power >= MEMBERS;
        }
        3 * power > 2 * MEMBERS
    }
}

/// 3p > N.
const fn is_hint(power: u8) -> bool {
    3 * power > MEMBERS
}

impl Tally<'_> {
    /// Whether these correct validators and all faulty ones are a quorum.
    pub(super) fn reaches_quorum(self, correct: Members) -> bool {
        self.protocol
            .is_quorum(correct.len() + self.state.faulty.len())
    }

    /// Correct validators whose prevote of a round is exactly this.
    #[must_use]
    pub fn prevoters(self, round: Round, vote: Cast<Prevote>) -> Members {
        self.correct_with(|member| self.state.node(member).prevotes[usize::from(round)] == vote)
    }

    /// Correct validators whose precommit of a round is exactly this.
    #[must_use]
    pub fn precommitters(self, round: Round, vote: Cast<Value>) -> Members {
        self.correct_with(|member| self.state.node(member).precommits[usize::from(round)] == vote)
    }

    /// Every polka of a round that can be put together.
    #[must_use]
    pub fn polkas(self, round: Round) -> BTreeSet<Prevote> {
        let forgotten = self.state.polkas.iter();
        let mut polkas: BTreeSet<Prevote> = forgotten
            .filter(|(of, _)| *of == round)
            .map(|(_, polka)| *polka)
            .collect();
        for (_, node) in self.state.correct_nodes() {
            let vote = node.prevotes.get(usize::from(round)).copied();
            let vote = vote.unwrap_or_default();
            if let Some(prevote) = vote.value()
                && self.reaches_quorum(self.prevoters(round, vote))
            {
                polkas.insert(prevote);
            }
        }
        polkas
    }

    /// 44: nil prevotes.
    pub(super) fn has_nil_polka(self, round: Round) -> bool {
        self.reaches_quorum(self.prevoters(round, Cast::Nil))
    }

    /// 34: prevotes of anything.
    pub(super) fn has_prevotes(self, round: Round) -> bool {
        self.reaches_quorum(self.voters(round, |state, member, round| {
            state.node(member).prevotes[round].is_cast()
        }))
    }

    /// 47: precommits of anything.
    pub(super) fn has_precommits(self, round: Round) -> bool {
        self.reaches_quorum(self.voters(round, |state, member, round| {
            state.node(member).precommits[round].is_cast()
        }))
    }

    /// 55: votes of either kind. A correct precommit follows a prevote, and a polka above holds a hint of prevotes.
    pub(super) fn has_hint(self, round: Round) -> bool {
        let voters = self.voters(round, |state, member, round| {
            state.node(member).prevotes[round].is_cast()
        });
        is_hint(voters.len() + self.state.faulty.len())
    }

    /// Every commit certificate that can be put together.
    #[must_use]
    pub fn certificates(self) -> BTreeSet<(Round, Value)> {
        let mut certificates = BTreeSet::new();
        for (_, node) in self.state.correct_nodes() {
            for (round, vote) in (0..).zip(node.precommits) {
                if let Some(value) = vote.value()
                    && self.reaches_quorum(self.precommitters(round, vote))
                {
                    certificates.insert((round, value));
                }
            }
        }
        certificates
    }

    fn voters(self, round: Round, has: fn(&State, Member, usize) -> bool) -> Members {
        self.correct_with(|member| has(self.state, member, usize::from(round)))
    }

    fn correct_with(self, is_one: impl Fn(Member) -> bool) -> Members {
        let correct = self.state.correct().iter();
        correct.filter(|member| is_one(*member)).collect()
    }
}

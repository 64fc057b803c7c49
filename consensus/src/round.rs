//! The upon-rules of one height as a total table: (step, input) to (state, actions), one arm per line of the paper.
//!
//! Invariant: `locked.round ≤ valid.round ≤ round`; the lock changes in rule 36 alone, the valid value in rule 36 alone;
//! after a decision nothing changes any more. Each rule disables itself, so applying inputs to a fixpoint ends.
//! Inputs are facts that the driver has established (a quorum, a judged value, a timer); this file knows no votes, sets or blocks.
//! Errors: none. [`RoundState::apply`] returns `None` when no rule is enabled by the input.
//! Source: Buchman, Kwon, Milosevic, "The latest gossip on BFT consensus" (arXiv 1807.04938), algorithm 1, with the deviations of
//! `docs/spec/consensus.md`, "Rules" and "Deviations". Numbers are its lines.
//!
//! | step | input | guard | what follows |
//! |---|---|---|---|
//! | any | `StartRound` | later round, or the first | 11: step propose; propose or wait for the proposal |
//! | propose | `Work` | round 0, not begun | 11: the idle wait ends |
//! | propose | `Proposal` | judged, or locked | 22: prevote the id or nil |
//! | propose | `ProposalAndPolka` | valid round below the round; judged, or locked above it | 28: prevote the id or nil |
//! | prevote | `PrevotesAny` | first time | 34: prevote timer |
//! | prevote | `PolkaValue` | first time | 36: lock, precommit, valid value |
//! | precommit | `PolkaValue` | first time | 36: valid value |
//! | prevote | `PolkaNil` | | 44: precommit nil |
//! | any | `PrecommitsAny` | first time | 47: precommit timer |
//! | any | `Certificate` | | 49: decide |
//! | any | `HigherRound` | above the round | 55: start that round |
//! | propose | `TimeoutPropose` | same round | 57: prevote nil |
//! | prevote | `TimeoutPrevote` | same round | 61: precommit nil |
//! | any | `TimeoutPrecommit` | same round | 65: start the next round |

use crate::message::{Kind, PrecommitValue, PrevoteValue};
use crate::types::{BlockId, OutcomeHash, Round};

/// Where in a round a node stands.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord, Hash)]
pub enum Step {
    /// Waiting for the proposal.
    Propose,
    /// The prevote is asked for.
    Prevote,
    /// The precommit is asked for.
    Precommit,
}

impl Step {
    /// What a node says in it.
    #[must_use]
    pub const fn kind(self) -> Kind {
        match self {
            Self::Propose => Kind::Proposal,
            Self::Prevote => Kind::Prevote,
            Self::Precommit => Kind::Precommit,
        }
    }
}

/// What a node is locked on (paper: lockedRound, lockedValue), with the outcome it precommitted.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash)]
pub struct Locked {
    /// Round of the polka.
    pub round: Round,
    /// The block.
    pub id: BlockId,
    /// What executing it gave.
    pub outcome: OutcomeHash,
}

/// The newest value known to have a polka (paper: validRound, validValue).
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash)]
pub struct ValidValue {
    /// Round of the polka.
    pub round: Round,
    /// The block.
    pub id: BlockId,
}

/// What is known of valid(v).
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash)]
pub enum Judgement {
    /// Header, body or a batch is missing.
    Unknown,
    /// It breaks a rule.
    Invalid,
    /// It is there and keeps all rules.
    Valid,
}

/// A timer of a round.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord, Hash)]
pub enum RoundTimer {
    /// Ends the wait for a proposal (57).
    Propose,
    /// Ends the wait for a polka (61).
    Prevote,
    /// Ends the round (65).
    Precommit,
}

/// A fact that may enable a rule.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Input {
    /// 11: enter a round, and whether the turn is ours.
    StartRound {
        /// Round to enter.
        round: Round,
        /// Whether we propose in it.
        proposer: bool,
    },
    /// 11 in round 0: there is something to propose, or somebody has begun.
    Work,
    /// 22: this round's proposer proposed a fresh value.
    Proposal {
        /// The value.
        id: BlockId,
        /// Whether it is valid and in time.
        judgement: Judgement,
    },
    /// 28: this round's proposer proposed a value again, and its polka is there.
    ProposalAndPolka {
        /// The value.
        id: BlockId,
        /// Round of its polka.
        valid_round: Round,
        /// Whether it is valid.
        judgement: Judgement,
    },
    /// 34: prevotes of a quorum in this round, whatever for.
    PrevotesAny,
    /// 36: a polka of this round for a valid value whose execution has finished.
    PolkaValue {
        /// The value.
        id: BlockId,
        /// What executing it gave us.
        outcome: OutcomeHash,
    },
    /// 44: nil prevotes of a quorum in this round.
    PolkaNil,
    /// 47: precommits of a quorum in this round, whatever for.
    PrecommitsAny,
    /// 49: a commit certificate of any round for a valid value.
    Certificate {
        /// The value.
        id: BlockId,
        /// The certified outcome.
        outcome: OutcomeHash,
    },
    /// 55: an honest hint of votes in this one higher round.
    HigherRound(Round),
    /// 57: the propose timer of a round ran out.
    TimeoutPropose(Round),
    /// 61: the prevote timer of a round ran out.
    TimeoutPrevote(Round),
    /// 65: the precommit timer of a round ran out.
    TimeoutPrecommit(Round),
}

/// What a rule asks of the driver.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Action {
    /// Propose: the valid value again, or a fresh one.
    Propose(Option<ValidValue>),
    /// Prevote a value with the valid round it was proposed with, or nil.
    Prevote(Option<PrevoteValue>),
    /// Precommit a value with its outcome, or nil.
    Precommit(Option<PrecommitValue>),
    /// Start a timer of the current round.
    StartTimer(RoundTimer),
    /// Enter a round: comes back as [`Input::StartRound`] before anything else.
    Enter(Round),
    /// The height is decided.
    Decide(BlockId, OutcomeHash),
}

/// The paper's variables of one height, and which of the once-a-round rules have fired.
#[derive(Clone, Debug, PartialEq, Eq, Hash)]
pub struct RoundState {
    round: Round,
    step: Step,
    locked: Option<Locked>,
    valid: Option<ValidValue>,
    proposer: bool,
    entered: bool,
    begun: bool,
    valued: bool,
    prevote_timer: bool,
    precommit_timer: bool,
    decided: bool,
}

impl RoundState {
    /// The state at the start of a height, before round 0 is entered.
    #[must_use]
    pub const fn new() -> Self {
        Self {
            round: Round::new(0),
            step: Step::Propose,
            locked: None,
            valid: None,
            proposer: false,
            entered: false,
            begun: false,
            valued: false,
            prevote_timer: false,
            precommit_timer: false,
            decided: false,
        }
    }

    /// The state after a restart in the middle of a height: the valid value is the lock, and the idle wait is over.
    #[must_use]
    pub fn resumed(round: Round, step: Step, proposer: bool, locked: Option<Locked>) -> Self {
        Self {
            round,
            step,
            locked,
            valid: locked.map(|lock| ValidValue {
                round: lock.round,
                id: lock.id,
            }),
            proposer,
            entered: true,
            begun: true,
            valued: locked.is_some_and(|lock| lock.round == round),
            ..Self::new()
        }
    }

    /// The round (paper: round).
    #[must_use]
    pub const fn round(&self) -> Round {
        self.round
    }

    /// The step (paper: step).
    #[must_use]
    pub const fn step(&self) -> Step {
        self.step
    }

    /// The lock, if there is one.
    #[must_use]
    pub const fn locked(&self) -> Option<Locked> {
        self.locked
    }

    /// The valid value, if there is one.
    #[must_use]
    pub const fn valid(&self) -> Option<ValidValue> {
        self.valid
    }

    /// Whether this round's turn is ours.
    #[must_use]
    pub const fn is_proposer(&self) -> bool {
        self.proposer
    }

    /// Whether the idle wait of round 0 is over; true in every later round.
    #[must_use]
    pub const fn has_begun(&self) -> bool {
        self.begun
    }

    /// Whether rule 36 has fired in this round.
    #[must_use]
    pub const fn has_value(&self) -> bool {
        self.valued
    }

    /// Whether rule 49 has fired.
    #[must_use]
    pub const fn is_decided(&self) -> bool {
        self.decided
    }

    /// Applies the rule that the input enables; `None` if there is none and nothing changed.
    /// Before the first round is entered, and after the decision, no rule is.
    pub fn apply(&mut self, input: Input) -> Option<Vec<Action>> {
        use Step::{Precommit, Prevote, Propose};
        let is_open = self.entered || matches!(input, Input::StartRound { .. });
        if self.decided || !is_open {
            return None;
        }
        match (self.step, input) {
            (_, Input::StartRound { round, proposer }) => self.line_11(round, proposer),
            (Propose, Input::Work) => self.line_11_work(),
            (Propose, Input::Proposal { id, judgement }) => self.line_22(id, judgement),
            (
                Propose,
                Input::ProposalAndPolka {
                    id,
                    valid_round,
                    judgement,
                },
            ) => self.line_28(id, valid_round, judgement),
            (Prevote, Input::PrevotesAny) => self.line_34(),
            (Prevote, Input::PolkaValue { id, outcome }) => self.line_36_lock(id, outcome),
            (Precommit, Input::PolkaValue { id, .. }) => self.line_36_valid(id),
            (Prevote, Input::PolkaNil) => Some(self.precommit(None)),
            (_, Input::PrecommitsAny) => self.line_47(),
            (_, Input::Certificate { id, outcome }) => Some(self.line_49(id, outcome)),
            (_, Input::HigherRound(round)) if round > self.round => {
                Some(vec![Action::Enter(round)])
            }
            (Propose, Input::TimeoutPropose(round)) if round == self.round => {
                Some(self.prevote(None))
            }
            (Prevote, Input::TimeoutPrevote(round)) if round == self.round => {
                Some(self.precommit(None))
            }
            (_, Input::TimeoutPrecommit(round))
                if round == self.round || mutated!(LatePrecommitTimerActs) =>
            {
                Some(vec![Action::Enter(self.round.next())])
            }
            (
                Prevote | Precommit,
                Input::Work | Input::Proposal { .. } | Input::ProposalAndPolka { .. },
            )
            | (Propose | Precommit, Input::PrevotesAny | Input::PolkaNil)
            | (Propose, Input::PolkaValue { .. })
            | (
                _,
                Input::HigherRound(_)
                | Input::TimeoutPropose(_)
                | Input::TimeoutPrevote(_)
                | Input::TimeoutPrecommit(_),
            ) => None,
        }
    }

    /// 11–21: enter a round; round 0 waits until there is work.
    fn line_11(&mut self, round: Round, proposer: bool) -> Option<Vec<Action>> {
        if self.entered && round <= self.round {
            return None;
        }
        *self = Self {
            round,
            proposer,
            entered: true,
            locked: self.locked,
            valid: self.valid,
            ..Self::new()
        };
        if round == Round::new(0) {
            Some(Vec::new())
        } else {
            self.line_11_work()
        }
    }

    /// 14–21: propose the valid value or a fresh one; everybody, the proposer too, bounds the wait for the proposal.
    fn line_11_work(&mut self) -> Option<Vec<Action>> {
        if self.begun {
            return None;
        }
        self.begun = true;
        let mut actions = Vec::new();
        if self.proposer {
            let valid = self.valid.filter(|_| !mutated!(ProposeFreshOverValid));
            actions.push(Action::Propose(valid));
        }
        if !mutated!(NoProposeTimer) {
            actions.push(Action::StartTimer(RoundTimer::Propose));
        }
        Some(actions)
    }

    /// 22–27, narrower than the paper: a locked node prevotes nil on every fresh proposal, of the same value too.
    fn line_22(&mut self, id: BlockId, judgement: Judgement) -> Option<Vec<Action>> {
        let may_accept = self.locked.is_none() || mutated!(PrevoteFreshUnderLock);
        self.answer(id, None, may_accept, judgement)
    }

    /// 28–33, narrower than the paper: the lock must be no newer than the polka, of the same value too.
    fn line_28(
        &mut self,
        id: BlockId,
        valid_round: Round,
        judgement: Judgement,
    ) -> Option<Vec<Action>> {
        if valid_round >= self.round {
            return None;
        }
        let may_accept = self.locked.is_none_or(|lock| lock.round <= valid_round);
        self.answer(id, Some(valid_round), may_accept, judgement)
    }

    /// The common end of 22 and 28: an answer that no judgement can change is given at once.
    fn answer(
        &mut self,
        id: BlockId,
        valid_round: Option<Round>,
        may_accept: bool,
        judgement: Judgement,
    ) -> Option<Vec<Action>> {
        match (may_accept, judgement) {
            (true, Judgement::Valid) => Some(self.prevote(Some(PrevoteValue { id, valid_round }))),
            (true, Judgement::Unknown) => None,
            (true, Judgement::Invalid) | (false, _) => Some(self.prevote(None)),
        }
    }

    /// 34–35.
    fn line_34(&mut self) -> Option<Vec<Action>> {
        if std::mem::replace(&mut self.prevote_timer, true) || mutated!(NoPrevoteTimer) {
            return None;
        }
        Some(vec![Action::StartTimer(RoundTimer::Prevote)])
    }

    /// 36–43 in step prevote.
    fn line_36_lock(&mut self, id: BlockId, outcome: OutcomeHash) -> Option<Vec<Action>> {
        self.line_36_valid(id)?;
        self.locked = Some(Locked {
            round: self.round,
            id,
            outcome,
        });
        if mutated!(PrecommitWithoutLock) {
            self.locked = None;
        }
        Some(self.precommit(Some(PrecommitValue { id, outcome })))
    }

    /// 36, 42–43 in step precommit.
    fn line_36_valid(&mut self, id: BlockId) -> Option<Vec<Action>> {
        if std::mem::replace(&mut self.valued, true) {
            return None;
        }
        self.valid = Some(ValidValue {
            round: self.round,
            id,
        });
        Some(Vec::new())
    }

    /// 47–48.
    fn line_47(&mut self) -> Option<Vec<Action>> {
        if std::mem::replace(&mut self.precommit_timer, true) || mutated!(NoPrecommitTimer) {
            return None;
        }
        Some(vec![Action::StartTimer(RoundTimer::Precommit)])
    }

    /// 49–54: lock and valid value are void from here on.
    fn line_49(&mut self, id: BlockId, outcome: OutcomeHash) -> Vec<Action> {
        self.decided = true;
        self.locked = None;
        self.valid = None;
        vec![Action::Decide(id, outcome)]
    }

    /// 24, 26, 30, 32, 59.
    fn prevote(&mut self, value: Option<PrevoteValue>) -> Vec<Action> {
        self.step = Step::Prevote;
        vec![Action::Prevote(value)]
    }

    /// 40, 45, 63.
    fn precommit(&mut self, value: Option<PrecommitValue>) -> Vec<Action> {
        self.step = Step::Precommit;
        vec![Action::Precommit(value)]
    }
}

impl Default for RoundState {
    fn default() -> Self {
        Self::new()
    }
}

#[cfg(test)]
mod tests;

//! Validators, rounds, values and the statements of the model.
//!
//! Shapes: validator `i` of four has bit `i`; whose turn it is goes round with the round, as at a height that four divides.
//! Source: `docs/spec/consensus.md`, "Words and thresholds".

/// How many validators there are.
pub const MEMBERS: Member = 4;

/// The most rounds in which validators act one by one.
pub const ROUNDS_MAX: usize = 4;

/// A validator by its index.
pub type Member = u8;

/// A round.
pub type Round = u8;

/// A set of validators.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq, PartialOrd, Ord, Hash)]
pub struct Members(u8);

impl Members {
    /// Every set of so many.
    #[must_use]
    pub fn of_size(size: u8) -> Vec<Self> {
        Self::all()
            .subsets()
            .filter(|set| set.len() == size)
            .collect()
    }

    /// All four.
    #[must_use]
    pub const fn all() -> Self {
        Self((1 << MEMBERS) - 1)
    }

    /// How many.
    #[must_use]
    pub fn len(self) -> u8 {
        (0..MEMBERS).map(|member| (self.0 >> member) & 1).sum()
    }

    /// Whether there is none.
    #[must_use]
    pub const fn is_empty(self) -> bool {
        self.0 == 0
    }

    /// Whether this one is among them.
    #[must_use]
    pub const fn contains(self, member: Member) -> bool {
        (self.0 >> member) & 1 == 1
    }

    /// With one more.
    #[must_use]
    pub const fn with(self, member: Member) -> Self {
        Self(self.0 | (1 << member))
    }

    /// All of both.
    #[must_use]
    pub const fn and(self, others: Self) -> Self {
        Self(self.0 | others.0)
    }

    /// Everybody else.
    #[must_use]
    pub const fn others(self) -> Self {
        Self(!self.0 & Self::all().0)
    }

    /// In order of index.
    pub fn iter(self) -> impl Iterator<Item = Member> {
        (0..MEMBERS).filter(move |member| self.contains(*member))
    }

    /// Every part of it, the empty one and itself included.
    pub fn subsets(self) -> impl Iterator<Item = Self> {
        (0..1 << MEMBERS)
            .map(Self)
            .filter(move |part| part.0 & !self.0 == 0)
    }
}

impl FromIterator<Member> for Members {
    fn from_iter<T: IntoIterator<Item = Member>>(members: T) -> Self {
        members.into_iter().fold(Self::default(), Self::with)
    }
}

/// Whose turn a round is.
pub(super) const fn proposer(round: Round) -> Member {
    round % MEMBERS
}

/// A valid block: the round in its header, and which of two it is. Blocks that are not valid get nil prevotes, as a late proposal does.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord, Hash)]
pub struct Value {
    /// Round of the first proposal.
    pub round: Round,
    /// `a` or `b`; a correct proposer makes an `a`.
    pub letter: char,
}

impl Value {
    /// A fresh one.
    #[must_use]
    pub const fn fresh(round: Round) -> Self {
        Self { round, letter: 'a' }
    }
}

/// What a prevote says unless it is nil: a value, and the valid round of the proposal that it answers.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord, Hash)]
pub struct Prevote {
    /// The value.
    pub value: Value,
    /// Round of the polka that the proposal named.
    pub valid_round: Option<Round>,
}

/// What a proposal says.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord, Hash)]
pub struct Proposal {
    /// The value.
    pub value: Value,
    /// Round of its polka; none if it is fresh.
    pub valid_round: Option<Round>,
}

impl Proposal {
    /// The prevote that accepts it.
    #[must_use]
    pub const fn accepted(self) -> Prevote {
        Prevote {
            value: self.value,
            valid_round: self.valid_round,
        }
    }
}

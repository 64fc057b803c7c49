//! Scenarios by number and by name.
//!
//! The proposers. In any four rounds of a height the protocol gives each validator one turn, and no replica takes a proposal of anybody
//! else, so the proposers of up to four rounds are four different validators in some order. Validators have equal power and differ
//! in nothing but their name; calling them by their turns, `a` for the proposer of round 0, `b` for that of round 1, every order
//! of proposers is a scenario in which one of the four places is twinned. Each such scenario stands for [`NAMINGS`]: as many as
//! there are ways to name the three that have no twin.
//!
//! Shape: `ab-cCd.abcC-d`: for each round the groups, each instance once; the capital is the second instance of the twinned validator.

use std::fmt;
use std::str::FromStr;

/// How many instances there are.
pub const INSTANCES: usize = 5;

/// How many ways there are to name the correct validators: none of them shows in a run.
pub const NAMINGS: u64 = 6;

/// Where the second instance of the twinned validator sits.
const TWIN: usize = 4;
const LETTERS: [char; TWIN] = ['a', 'b', 'c', 'd'];
/// Splits of five instances into at most two groups: who of the other four is with the first.
const SPLITS: u8 = 1 << TWIN;

/// An instance: the four validators in the order of their turns, then the twin.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord, Hash)]
pub struct Seat(usize);

impl Seat {
    /// Every seat, in order.
    pub const ALL: [Self; INSTANCES] = [Self(0), Self(1), Self(2), Self(3), Self(TWIN)];

    /// Its place in the order.
    #[must_use]
    pub const fn position(self) -> usize {
        self.0
    }
}

/// Which instances hear one another: at most two groups.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord, Hash)]
pub struct Split(u8);

impl Split {
    /// Nobody is apart.
    pub const WHOLE: Self = Self(SPLITS - 1);

    /// Every split.
    pub fn all() -> impl Iterator<Item = Self> {
        (0..SPLITS).map(Self)
    }

    /// Whether two instances hear one another.
    #[must_use]
    pub const fn joins(self, one: Seat, other: Seat) -> bool {
        self.is_with_first(one) == self.is_with_first(other)
    }

    const fn is_with_first(self, seat: Seat) -> bool {
        match seat.0.checked_sub(1) {
            None => true,
            Some(bit) => self.0 >> bit & 1 == 1,
        }
    }
}

/// Which validator is two, and how the network is split in each round.
#[derive(Clone, Debug, PartialEq, Eq, PartialOrd, Ord, Hash)]
pub struct Scenario {
    /// The seat of the twinned validator, below [`INSTANCES`] − 1.
    pub twinned: Seat,
    /// The splits, from round 0.
    pub splits: Vec<Split>,
}

impl Scenario {
    /// Every scenario of so many rounds, in order: by twinned validator, then by splits.
    pub fn all(rounds: u32) -> impl Iterator<Item = Self> {
        let of_each = u64::from(SPLITS).pow(rounds);
        let seats = Seat::ALL.into_iter().take(TWIN);
        seats.flat_map(move |twinned| {
            (0..of_each).map(move |number| Self::of(twinned, rounds, number))
        })
    }

    /// How many there are.
    #[must_use]
    pub const fn count(rounds: u32) -> u64 {
        TWIN as u64 * (SPLITS as u64).pow(rounds)
    }

    fn of(twinned: Seat, rounds: u32, number: u64) -> Self {
        let base = u64::from(SPLITS);
        let split = |round| {
            let digit = number / base.pow(rounds - 1 - round) % base;
            Split(u8::try_from(digit).expect("a digit is below the base"))
        };
        let splits = (0..rounds).map(split).collect();
        Self { twinned, splits }
    }

    /// The same, with one round more.
    #[must_use]
    pub fn then(&self, split: Split) -> Self {
        let splits = self.splits.iter().copied().chain([split]).collect();
        Self {
            twinned: self.twinned,
            splits,
        }
    }

    /// Which validator an instance belongs to, as a place in the order of turns.
    #[must_use]
    pub const fn place(&self, seat: Seat) -> usize {
        if seat.0 == TWIN {
            self.twinned.0
        } else {
            seat.0
        }
    }

    /// Whether an instance belongs to a validator that has only this one.
    #[must_use]
    pub const fn is_correct(&self, seat: Seat) -> bool {
        self.place(seat) != self.twinned.0
    }

    /// The letter of an instance.
    #[must_use]
    pub const fn letter(&self, seat: Seat) -> char {
        let letter = LETTERS[self.place(seat)];
        if seat.0 == TWIN {
            letter.to_ascii_uppercase()
        } else {
            letter
        }
    }

    /// A split in letters.
    #[must_use]
    pub fn groups(&self, split: Split) -> String {
        let mut seats = Seat::ALL;
        seats.sort_by_key(|seat| (self.place(*seat), *seat));
        let (first, second): (Vec<Seat>, Vec<Seat>) =
            seats.iter().partition(|seat| split.is_with_first(**seat));
        let letters =
            |group: Vec<Seat>| -> String { group.iter().map(|seat| self.letter(*seat)).collect() };
        let (first, second) = (letters(first), letters(second));
        if second.is_empty() {
            first
        } else {
            format!("{first}-{second}")
        }
    }
}

impl fmt::Display for Scenario {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        for (round, split) in self.splits.iter().enumerate() {
            let point = if round == 0 { "" } else { "." };
            write!(f, "{point}{}", self.groups(*split))?;
        }
        Ok(())
    }
}

/// Why a text is no scenario.
#[derive(Clone, Debug, PartialEq, Eq, thiserror::Error)]
pub enum ScenarioError {
    /// The instances of a round are not the five.
    #[error(
        "{round} is no split of a, b, c, d and the capital of one of them: each once, in at most two groups"
    )]
    Split {
        /// The text of the round.
        round: String,
    },
    /// Rounds that do not double the same validator.
    #[error("{round} has another capital than the rounds before it")]
    OtherTwin {
        /// The text of the round.
        round: String,
    },
}

impl FromStr for Scenario {
    type Err = ScenarioError;

    fn from_str(text: &str) -> Result<Self, Self::Err> {
        let mut scenario: Option<Self> = None;
        for round in text.split('.') {
            let (twinned, split) = read_round(round).ok_or_else(|| ScenarioError::Split {
                round: round.to_owned(),
            })?;
            let so_far = scenario.take().unwrap_or(Self {
                twinned,
                splits: Vec::new(),
            });
            if so_far.twinned != twinned {
                let round = round.to_owned();
                return Err(ScenarioError::OtherTwin { round });
            }
            scenario = Some(so_far.then(split));
        }
        scenario.ok_or_else(|| ScenarioError::Split {
            round: text.to_owned(),
        })
    }
}

/// The twinned validator and the split of one round.
fn read_round(text: &str) -> Option<(Seat, Split)> {
    let groups: Vec<&str> = text.split('-').collect();
    let mut group_of = [None; INSTANCES];
    let mut twinned = None;
    for (group, letters) in groups.iter().enumerate() {
        for letter in letters.chars() {
            let place = LETTERS
                .iter()
                .position(|known| letter.eq_ignore_ascii_case(known))?;
            let seat = if letter.is_ascii_uppercase() {
                twinned = Some(Seat(place));
                TWIN
            } else {
                place
            };
            if group_of[seat].replace(group).is_some() {
                return None;
            }
        }
    }
    let whole = groups.len() <= 2 && groups.iter().all(|group| !group.is_empty());
    if !whole || group_of.contains(&None) {
        return None;
    }
    let with_first = (1..INSTANCES).filter(|seat| group_of[*seat] == group_of[0]);
    let split = with_first.fold(0, |bits, seat| bits | 1 << (seat - 1));
    Some((twinned?, Split(split)))
}

//! What a scenario file may not say: numbers out of bounds, more faulty validators than there are, and contradictions.
//!
//! Invariant: a file that passes gives a scenario for every seed, whatever its dials draw.
//! Shape: numbers first, then who is faulty, then what excludes what; the first refusal is the one that is told.

use std::collections::BTreeSet;
use std::fmt;

use falaj_consensus::params::ParameterError;

use super::dial::{Dial, DialError, Ms, Unit};
use super::read::FileError;
use super::{File, VALIDATORS_MAX, Who};
use crate::scenario::swarm::Class;

mod numbers;
mod singles;

/// Two things that exclude each other.
#[derive(Clone, Debug, PartialEq, Eq, thiserror::Error)]
pub enum Contradiction {
    /// A validator would lie and be lost.
    #[error("node {0} is named twice among byzantine and lost")]
    TwiceFaulty(u16),
    /// A fault befalls what is lost for good.
    #[error("node {node} is lost for good, and [[{entry}]] needs it")]
    Lost {
        /// Who.
        node: u16,
        /// The entry that names it.
        entry: &'static str,
    },
    /// Faulty validators are both drawn and named.
    #[error(
        "drawn holds \"faulty\", and [[byzantine]] or [[lost]] name faulty validators too: together they could exceed any budget"
    )]
    FaultyTwice,
    /// The end of one cut would heal another.
    #[error(
        "[[{first}]] and [[{second}]] overlap, and the end of one would heal the other: write them without for_ms and say when to [[heal]]"
    )]
    Overlap {
        /// The earlier.
        first: &'static str,
        /// The later.
        second: &'static str,
    },
    /// A side without an outside.
    #[error("[[{0}]] has a side that holds nobody or everybody")]
    NoOtherSide(&'static str),
    /// The greatest is below the least.
    #[error("{most} is below {least}")]
    Reversed {
        /// The key of the least.
        least: &'static str,
        /// The key of the greatest.
        most: &'static str,
    },
    /// Something begins when everything has ended.
    #[error("[[{entry}]] begins at {at}, when the network has stabilised at {horizon}")]
    TooLate {
        /// Which entry.
        entry: &'static str,
        /// When it begins at the earliest.
        at: Ms,
        /// When all trouble has ended at the latest.
        horizon: Ms,
    },
    /// Timers that do not fit each other.
    #[error("{0}")]
    Timers(ParameterError),
    /// Who chooses when messages arrive counts voters, and knows no other set than the first.
    #[error(
        "[[worst_schedule]] counts validators of equal power that stay, and powers, [[leave]], [[join]], [[reweigh]] or [[rotate]] say something else"
    )]
    Counted,
    /// A liar without a lie.
    #[error("[[byzantine]] names no behaviour")]
    NoLie,
}

/// The latest end of trouble when nobody says and the class is drawn.
const DRAWN_HORIZON: Ms = Ms::new(20_000);
pub(super) const CALM_HORIZON: Ms = Ms::new(5_000);

pub(super) fn check(file: &File) -> Result<(), FileError> {
    let facts = Facts::of(file)?;
    numbers::check(file, &facts)?;
    singles::check(file, &facts)?;
    facts.faulty(file)?;
    facts.lost(file).map_err(FileError::Contradiction)?;
    facts.cuts(file).map_err(FileError::Contradiction)?;
    facts.times(file).map_err(FileError::Contradiction)?;
    let is_unequal = file.powers.iter().any(|power| *power != 1);
    let changes = file.fault.iter().any(|single| single.what.is_set_change())
        || !file.leave.is_empty()
        || !file.reweigh.is_empty()
        || !file.rotate.is_empty()
        || !file.join.is_empty();
    if (is_unequal || changes) && !file.worst_schedule.is_empty() {
        return Err(FileError::Contradiction(Contradiction::Counted));
    }
    if let Some((key, _)) = file.sweep.iter().find(|(_, values)| values.is_empty()) {
        return Err(FileError::Undrawable {
            key: format!("sweep.{key}"),
            source: DialError::Empty,
        });
    }
    if file
        .byzantine
        .iter()
        .any(|entry| entry.behaviours.is_empty())
    {
        return Err(FileError::Contradiction(Contradiction::NoLie));
    }
    Ok(())
}

/// A number within its bounds, with its ends.
fn within<T: Unit>(key: &str, dial: &Dial<T>, min: T, max: T) -> Result<(T, T), FileError> {
    let ends = dial.check().map_err(|source| FileError::Undrawable {
        key: key.to_owned(),
        source,
    })?;
    let (low, high) = ends;
    let wrong = if low < min {
        Some(low)
    } else {
        (high > max).then_some(high)
    };
    match wrong {
        None => Ok(ends),
        Some(value) => Err(impossible(key, &value, &min, &max)),
    }
}

fn impossible(
    key: &str,
    value: &impl fmt::Display,
    min: &impl fmt::Display,
    max: &impl fmt::Display,
) -> FileError {
    FileError::Impossible {
        key: key.to_owned(),
        value: value.to_string(),
        min: min.to_string(),
        max: max.to_string(),
    }
}

/// What all entries are held against.
struct Facts {
    validators: (u64, u64),
    horizon: Ms,
    /// Nodes that are lost and named.
    lost: BTreeSet<u16>,
}

impl Facts {
    fn of(file: &File) -> Result<Self, FileError> {
        let classes = file.drawn.classes();
        let validators = match &file.validators {
            Some(dial) => within("validators", dial, 1, VALIDATORS_MAX)?,
            None if classes.contains(&Class::Validators) => {
                (4, u64::from(crate::scenario::VALIDATORS_MAX))
            }
            None => (4, 4),
        };
        let horizon = match &file.horizon_ms {
            Some(dial) => within("horizon_ms", dial, Ms::new(1), Ms::new(3_600_000))?.1,
            None if classes.contains(&Class::Horizon) => DRAWN_HORIZON,
            None => CALM_HORIZON,
        };
        let named = lost_for_good(file).flat_map(these);
        Ok(Self {
            validators,
            horizon,
            lost: named.collect(),
        })
    }

    /// At least one validator is correct, whatever is drawn.
    fn faulty(&self, file: &File) -> Result<(), FileError> {
        let byzantine = file.byzantine.iter().map(|entry| &entry.nodes);
        let entries = byzantine.chain(lost_for_good(file));
        let faulty: u64 = entries
            .clone()
            .filter_map(|who| Some(who.counts(self.validators)?.1))
            .fold(0, u64::saturating_add);
        let validators = self.validators.0;
        if faulty >= validators {
            return Err(FileError::TooManyFaulty { faulty, validators });
        }
        let mut named = BTreeSet::new();
        for node in entries.flat_map(these) {
            if !named.insert(node) {
                return Err(FileError::Contradiction(Contradiction::TwiceFaulty(node)));
            }
        }
        if faulty > 0 && file.drawn.classes().contains(&Class::Faulty) {
            return Err(FileError::Contradiction(Contradiction::FaultyTwice));
        }
        Ok(())
    }

    /// Nothing befalls who is lost for good.
    fn lost(&self, file: &File) -> Result<(), Contradiction> {
        macro_rules! named {
            ($($entry:ident)*) => {
                [$((stringify!($entry), file.$entry.iter().map(|entry| &entry.nodes).collect::<Vec<_>>()),)*]
            };
        }
        let named = named!(
            crash power_cut restart token_gone token_back token pin_locked key_missing full_disk failing_disk pause kill
        );
        for (entry, who) in named {
            if let Some(node) = who
                .into_iter()
                .flat_map(these)
                .find(|node| self.lost.contains(node))
            {
                return Err(Contradiction::Lost { node, entry });
            }
        }
        Ok(())
    }

    /// Each cut has two sides, and ends no other.
    fn cuts(&self, file: &File) -> Result<(), Contradiction> {
        let partitions = file
            .partition
            .iter()
            .map(|cut| Cut::of("partition", &cut.side, &cut.at_ms, cut.for_ms.as_ref()));
        let mutes = file
            .mute
            .iter()
            .map(|cut| Cut::of("mute", &cut.side, &cut.at_ms, cut.for_ms.as_ref()));
        let eclipses = file
            .eclipse
            .iter()
            .map(|cut| Cut::of("eclipse", &cut.nodes, &cut.at_ms, cut.for_ms.as_ref()));
        let mut cuts: Vec<Cut<'_>> = partitions.chain(mutes).chain(eclipses).collect();
        if let Some(cut) = cuts.iter().find(|cut| !self.has_two_sides(cut.side)) {
            return Err(Contradiction::NoOtherSide(cut.entry));
        }
        cuts.sort_by_key(|cut| cut.begins);
        for pair in cuts.windows(2) {
            if let [first, second] = pair
                && first
                    .ends
                    .is_some_and(|ends| second.begins.is_some_and(|begins| begins < ends))
            {
                return Err(Contradiction::Overlap {
                    first: first.entry,
                    second: second.entry,
                });
            }
        }
        Ok(())
    }

    fn has_two_sides(&self, side: &Who) -> bool {
        let counts = side.counts(self.validators);
        counts.is_some_and(|(least, most)| least > 0 && most < self.validators.0)
    }

    /// Everything begins before it ends.
    fn times(&self, file: &File) -> Result<(), Contradiction> {
        macro_rules! begins {
            ($($entry:ident)*) => {
                [$((stringify!($entry), file.$entry.iter().map(|entry| &entry.at_ms).collect::<Vec<_>>()),)*]
            };
        }
        let entries = begins!(
            lost diverging bad_sector shared_key failover partition mute heal crash power_cut restart token_gone token_back
            token pin_locked key_missing slow_disk full_disk failing_disk pause clock_leap
            kill reset eclipse swizzle rot old_image lying_disk misdirected_write worst_schedule timers
            mismatched_genesis leave reweigh rotate join tune
        );
        for (entry, times) in entries {
            let begins = times.into_iter().filter_map(Dial::ends).map(|(at, _)| at);
            if let Some(at) = begins.into_iter().find(|at| *at >= self.horizon) {
                let horizon = self.horizon;
                return Err(Contradiction::TooLate { entry, at, horizon });
            }
        }
        Ok(())
    }
}

/// A cut of links, as far as it is certain when.
struct Cut<'a> {
    entry: &'static str,
    side: &'a Who,
    begins: Option<Ms>,
    ends: Option<Ms>,
}

impl<'a> Cut<'a> {
    fn of(entry: &'static str, side: &'a Who, at: &Dial<Ms>, lasts: Option<&Dial<Ms>>) -> Self {
        let fixed = |dial: &Dial<Ms>| match dial {
            Dial::Fixed(time) => Some(*time),
            Dial::Drawn(_) => None,
        };
        let begins = fixed(at);
        let lasts = lasts.and_then(fixed);
        let ends = begins.zip(lasts);
        Self {
            entry,
            side,
            begins,
            ends: ends.map(|(at, lasts)| Ms::of_ns(at.ns().saturating_add(lasts.ns()))),
        }
    }
}

/// Who is down, spoilt or unsound for good.
fn lost_for_good(file: &File) -> impl Iterator<Item = &Who> + Clone {
    let lost = file.lost.iter().map(|entry| &entry.nodes);
    let diverging = file.diverging.iter().map(|entry| &entry.nodes);
    let spoilt = file.bad_sector.iter().map(|entry| &entry.nodes);
    let rotten = file.rot.iter().map(|entry| &entry.nodes);
    let old = file.old_image.iter().map(|entry| &entry.nodes);
    let lying = file.lying_disk.iter().map(|entry| &entry.nodes);
    let astray = file.misdirected_write.iter().map(|entry| &entry.nodes);
    let spoilt = spoilt.chain(rotten).chain(old).chain(lying).chain(astray);
    let shared = file.shared_key.iter().map(|entry| &entry.nodes);
    let failed_over = file.failover.iter().map(|entry| &entry.nodes);
    let elsewhere = file.mismatched_genesis.iter().map(|entry| &entry.nodes);
    let unsound = diverging.chain(shared).chain(failed_over).chain(elsewhere);
    lost.chain(unsound).chain(spoilt)
}

/// Nodes that are named.
fn these(who: &Who) -> Vec<u16> {
    match who {
        Who::These(nodes) => nodes.clone(),
        Who::All(_) | Who::Any(_) => Vec::new(),
    }
}

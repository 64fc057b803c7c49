//! Which part of a run a picture shows.
//!
//! Invariant: what is left out is counted. Without a wish it is the end of the run, where what went wrong is, as far back as few enough
//! messages allow, from the beginning of a height where one begins there.
//! Errors: [`EmptyWindow`], for a wish that nothing of the run fits.

use std::ops::Range;

use falaj_consensus::types::Height;

use crate::history::{Fate, History, Message, Topic, What, When};

/// Messages that a picture of few validators shows if nobody says what it is to show.
const MESSAGES: usize = 320;
/// Messages for each pair of validators: about what a height takes.
const MESSAGES_A_PAIR: usize = 4;
/// Messages that it shows at most.
pub(super) const MESSAGES_MAX: usize = 4_000;

/// What is to be shown.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub enum Choice {
    /// The end of the run, as much as is readable.
    #[default]
    End,
    /// From the first round of a height to the last decision before another.
    Heights(Range<u64>),
    /// From an event to before another.
    Events(Range<u64>),
}

/// A choice that nothing fits.
#[derive(Clone, Copy, Debug, PartialEq, Eq, thiserror::Error)]
#[error("nothing of the run is in that window: it has {events} events and ends at height {height}")]
pub struct EmptyWindow {
    /// Events of the run.
    pub events: u64,
    /// Its last decided height.
    pub height: u64,
}

/// The part that is shown.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) struct Window {
    /// Its beginning.
    pub(super) from: When,
    /// Its end, which is in it.
    pub(super) to: When,
    /// Messages in it that a picture draws.
    pub(super) messages: usize,
    /// Messages before and after it.
    pub(super) left_out: usize,
    /// Messages in it that say nothing new, and are not drawn.
    pub(super) silent: usize,
}

impl Window {
    /// The part of a history that a choice means.
    pub(super) fn of(history: &History, choice: &Choice, validators: u16) -> Option<Self> {
        let pairs = usize::from(validators).pow(2);
        let wanted = (pairs * MESSAGES_A_PAIR).clamp(MESSAGES, MESSAGES_MAX);
        let all = moments(history);
        let (first, last) = (*all.first()?, *all.last()?);
        let (from, to) = match choice {
            Choice::End => (from_the_end(history, first, wanted), last),
            Choice::Heights(heights) => of_heights(history, heights)?,
            Choice::Events(events) => of_events(&all, events)?,
        };
        let mut window = Self {
            from,
            to,
            messages: 0,
            left_out: 0,
            silent: 0,
        };
        for message in &history.messages {
            let count = match (window.holds(message.sent), message.content.topic) {
                (false, _) => &mut window.left_out,
                (true, Topic::Nothing) => &mut window.silent,
                (true, _) => &mut window.messages,
            };
            *count += 1;
        }
        Some(window)
    }

    /// Whether something happened in it.
    pub(super) fn holds(&self, when: When) -> bool {
        (self.from..=self.to).contains(&when)
    }

    /// The messages that are drawn.
    pub(super) fn drawn<'a>(&self, history: &'a History) -> impl Iterator<Item = &'a Message> {
        let window = *self;
        let sent = history.messages.iter();
        sent.filter(move |message| window.holds(message.sent) && says_something(message))
            .take(MESSAGES_MAX)
    }
}

fn says_something(message: &Message) -> bool {
    message.content.topic != Topic::Nothing
}

/// Every moment of the run, in order.
fn moments(history: &History) -> Vec<When> {
    let sent = history.messages.iter().map(|message| message.sent);
    let done = history.deeds.iter().map(|deed| deed.when);
    let troubles = history.troubles.iter().map(|trouble| trouble.when);
    let mut all: Vec<When> = sent.chain(done).chain(troubles).collect();
    all.sort();
    all
}

fn from_the_end(history: &History, first: When, wanted: usize) -> When {
    let mut latest = history
        .messages
        .iter()
        .rev()
        .filter(|message| says_something(message));
    let Some(oldest) = latest.nth(wanted).map(|message| message.sent) else {
        return first;
    };
    // The beginning of a height that nobody had begun before.
    let mut highest = Height::new(0);
    for deed in &history.deeds {
        let What::Round { height, .. } = deed.what else {
            continue;
        };
        if height > highest && deed.when >= oldest {
            return deed.when;
        }
        highest = highest.max(height);
    }
    oldest
}

fn of_heights(history: &History, heights: &Range<u64>) -> Option<(When, When)> {
    let deeds = history.deeds.iter();
    let of_them = deeds
        .filter(|deed| height_of(&deed.what).is_some_and(|height| heights.contains(&height.get())));
    let moments: Vec<When> = of_them.map(|deed| deed.when).collect();
    Some((*moments.first()?, *moments.last()?))
}

const fn height_of(what: &What) -> Option<Height> {
    match what {
        What::Round { height, .. }
        | What::TimedOut { height, .. }
        | What::Polka { height, .. }
        | What::Locked { height, .. }
        | What::Decided { height, .. } => Some(*height),
        What::Signed(said) => Some(said.height),
        What::Started { .. } | What::Ended | What::Proven { .. } => None,
    }
}

fn of_events(all: &[When], events: &Range<u64>) -> Option<(When, When)> {
    let inside = all.iter().filter(|when| events.contains(&when.event));
    let inside: Vec<When> = inside.copied().collect();
    Some((*inside.first()?, *inside.last()?))
}

/// When a message comes to its end, if it does.
pub(super) const fn end_of(message: &Message) -> Option<crate::types::SimTime> {
    match message.fate {
        Fate::Arrives(at) | Fate::Missed(at) => Some(at),
        Fate::Lost => None,
    }
}

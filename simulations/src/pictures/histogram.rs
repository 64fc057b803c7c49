//! How values are spread: bars over their range, with median, 99th percentile and greatest in words.
//!
//! Units: nanoseconds are drawn as milliseconds, numbers as they are.

use super::figure::Figure;
use super::palette;
use super::plot::{self, Axis, Shape, short, whole};
use super::words;
use crate::spread::Spread;

/// How many bars a histogram has.
const BARS: u16 = 24;

/// What is counted.
#[derive(Clone, Copy)]
pub(super) enum Unit {
    /// Virtual nanoseconds.
    Time,
    /// Things, which have this name.
    Number(&'static str),
}

/// What a histogram is called.
pub(super) struct Words {
    /// The name of its file.
    pub(super) name: &'static str,
    /// What it shows, in a few words.
    pub(super) title: &'static str,
    /// What a value is.
    pub(super) about: &'static str,
    /// Its unit.
    pub(super) unit: Unit,
}

/// Draws a histogram; none of no values.
pub(super) fn draw(of: &Words, values: &[u64]) -> Option<Figure> {
    let Spread { p50, p99, most } = Spread::of(values)?;
    let top = (of.unit.on_axis(most) * 1.02).max(0.001);
    let wide = top / f64::from(BARS);
    let mut counts = vec![0_u32; usize::from(BARS)];
    for value in values {
        let value = of.unit.on_axis(*value);
        let bar = (0..BARS).rev().find(|bar| value >= wide * f64::from(*bar));
        counts[usize::from(bar.unwrap_or_default())] += 1;
    }
    let bars = (0..BARS).zip(&counts).map(|(bar, count)| {
        let left = wide * f64::from(bar);
        let corners = [(left, 0.0), (left + wide * 0.92, f64::from(*count))];
        Shape::Box(&palette::PROPOSAL, 1.0, corners)
    });
    let x = Axis {
        name: of.unit.name(),
        range: 0.0..top,
        written: &short,
    };
    let y = counted(counts.iter().copied().max().unwrap_or_default());
    let svg = plot::draw(&x, &y, &bars.collect::<Vec<_>>());
    let [median, late, most] = [p50, p99, most].map(|value| of.unit.in_words(value));
    Some(Figure {
        name: of.name.to_owned(),
        title: of.title.to_owned(),
        about: format!(
            "{}: {} values, half of them up to {median}, 99 of 100 up to {late}, the {} {most}.",
            of.about,
            values.len(),
            of.unit.greatest(),
        ),
        svg,
    })
}

/// The axis of how many there are of each.
pub(super) fn counted(most: u32) -> Axis<'static> {
    Axis {
        name: "how many",
        range: 0.0..f64::from(most) * 1.08,
        written: &whole,
    }
}

impl Unit {
    const fn name(self) -> &'static str {
        match self {
            Self::Time => "ms",
            Self::Number(name) => name,
        }
    }

    const fn greatest(self) -> &'static str {
        match self {
            Self::Time => "longest",
            Self::Number(_) => "greatest",
        }
    }

    fn on_axis(self, value: u64) -> f64 {
        match self {
            Self::Time => value as f64 / 1e6,
            Self::Number(_) => value as f64,
        }
    }

    fn in_words(self, value: u64) -> String {
        match self {
            Self::Time => words::duration(value),
            Self::Number(_) => value.to_string(),
        }
    }
}

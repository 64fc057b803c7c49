//! What a sweep shows at a glance: heat maps over two parameters, plots over one.
//!
//! Shape: with more than two parameters there is a map for each of the values of the others, as many as a reader can take in. A cell
//! says how many of its runs failed, and between which two probabilities a run of it fails.

use std::collections::BTreeMap;
use std::ops::Range;

use maud::{Markup, html};
use toml::Value;

use super::figure::Figure;
use super::plot::{Axis, Shape, draw, power, short};
use super::{palette, words};
use crate::run::Verdict;
use crate::spread::Spread;
use crate::sweep::PointSummary;

/// How many maps there are at most.
const MAPS: usize = 12;
/// A cell, and the room for names at its left and above it.
const CELL: (f64, f64) = (104.0, 54.0);
const LEFT: f64 = 130.0;
const TOP: f64 = 48.0;

/// What decides how strong the colour of a cell is, and the two lines in it.
type Cell = (f64, [String; 2]);

/// What a cell shows.
struct Measure {
    name: &'static str,
    title: &'static str,
    about: &'static str,
    colour: &'static palette::Colour,
    /// The cell; none without anything to measure.
    cell: fn(&PointSummary) -> Option<Cell>,
    /// What is as strong as it can be; the greatest of all points if not said.
    most: Option<f64>,
}

const MEASURES: [Measure; 4] = [
    Measure {
        name: "failures",
        title: "Failing runs.",
        about: "The redder, the more of them; the second line is where the probability of a failure lies, at 95 %.",
        colour: &palette::BAD,
        cell: failing,
        most: Some(1.0),
    },
    Measure {
        name: "pace",
        title: "Virtual time a height took.",
        about: "Over all runs of a point, waiting for work included; the darker, the longer.",
        colour: &palette::PRECOMMIT,
        cell: pace,
        most: None,
    },
    Measure {
        name: "finality",
        title: "Finality of payments.",
        about: "From a client's first request to its receipt: the median, and below it what 99 of 100 did not exceed; the darker, the longer.",
        colour: &palette::PROPOSAL,
        cell: finality,
        most: None,
    },
    Measure {
        name: "traffic",
        title: "Bytes sent for a height.",
        about: "By all nodes together; below it how many heights that was measured over; the darker, the more.",
        colour: &palette::CERTIFICATE,
        cell: traffic,
        most: None,
    },
];

/// Every figure of a sweep; none if nothing was varied.
pub(super) fn figures(points: &[PointSummary]) -> Vec<Figure> {
    let names = varied(points);
    match names.as_slice() {
        [] => Vec::new(),
        [name] => over(name, points),
        [across, down, others @ ..] => maps(across, down, others, points),
    }
}

/// The parameters that have more than one value.
fn varied(points: &[PointSummary]) -> Vec<String> {
    let mut values: BTreeMap<&String, Vec<&Value>> = BTreeMap::new();
    for (name, value) in points.iter().flat_map(|point| &point.values) {
        let known = values.entry(name).or_default();
        if !known.contains(&value) {
            known.push(value);
        }
    }
    let several = values.into_iter().filter(|(_, values)| values.len() > 1);
    several.map(|(name, _)| name.clone()).collect()
}

/// The values of a parameter in the order of points.
fn values_of<'a>(name: &str, points: &[&'a PointSummary]) -> Vec<&'a Value> {
    let mut values = Vec::new();
    for value in points.iter().filter_map(|point| point.values.get(name)) {
        if !values.contains(&value) {
            values.push(value);
        }
    }
    values
}

fn maps(across: &str, down: &str, others: &[String], points: &[PointSummary]) -> Vec<Figure> {
    let mut groups: BTreeMap<String, Vec<&PointSummary>> = BTreeMap::new();
    for point in points {
        let fixed: Vec<String> = others
            .iter()
            .filter_map(|name| Some(format!("{name} = {}", point.values.get(name)?)))
            .collect();
        groups.entry(fixed.join(", ")).or_default().push(point);
    }
    let left_out = (groups.len() * MEASURES.len()).saturating_sub(MAPS);
    let mut figures = Vec::new();
    for measure in &MEASURES {
        let most = measure.most.unwrap_or_else(|| strongest(measure, points));
        for (place, (fixed, group)) in groups.iter().enumerate() {
            let number = if groups.len() > 1 {
                format!("-{place}")
            } else {
                String::new()
            };
            let at = if fixed.is_empty() {
                String::new()
            } else {
                format!(" At {fixed}.")
            };
            figures.push(Figure {
                name: format!("{}{number}", measure.name),
                title: measure.title.to_owned(),
                about: format!("{}{at}", measure.about),
                svg: map(measure, (across, down), group, most),
            });
        }
    }
    figures.truncate(MAPS);
    if let Some(last) = figures.last_mut().filter(|_| left_out > 0) {
        last.about += &format!(" Left out: {left_out} more maps; the table below has every point.");
    }
    figures
}

fn map(
    measure: &Measure,
    (across, down): (&str, &str),
    points: &[&PointSummary],
    most: f64,
) -> String {
    let (columns, rows) = (values_of(across, points), values_of(down, points));
    let (width, height) = (
        LEFT + CELL.0 * columns.len() as f64 + 10.0,
        TOP + CELL.1 * rows.len() as f64 + 10.0,
    );
    let ink = |colour: &palette::Colour| colour.hex();
    let cells: Vec<Markup> = points
        .iter()
        .filter_map(|point| {
            let column = place(&columns, point.values.get(across)?)?;
            let row = place(&rows, point.values.get(down)?)?;
            let corner = (LEFT + CELL.0 * column, TOP + CELL.1 * row);
            Some(cell(measure, point, corner, most))
        })
        .collect();
    html! {
        svg xmlns="http://www.w3.org/2000/svg" role="img" aria-label=(measure.title)
            width=(format!("{width:.0}")) height=(format!("{height:.0}")) viewBox=(format!("0 0 {width:.0} {height:.0}"))
            font-family="sans-serif" font-size="13" {
            rect width="100%" height="100%" fill=(ink(&palette::PAPER)) {}
            text x=(LEFT) y="16" fill=(ink(&palette::MUTED)) { (across) " →" }
            text x="4" y=(TOP - 8.0) fill=(ink(&palette::MUTED)) { (down) " ↓" }
            @for (place, value) in (0_u32..).zip(&columns) {
                text x=(LEFT + CELL.0 * (f64::from(place) + 0.5)) y=(TOP - 8.0) text-anchor="middle" fill=(ink(&palette::INK)) { (plain(value)) }
            }
            @for (place, value) in (0_u32..).zip(&rows) {
                text x=(LEFT - 10.0) y=(TOP + CELL.1 * (f64::from(place) + 0.5) + 5.0) text-anchor="end" fill=(ink(&palette::INK)) { (plain(value)) }
            }
            @for cell in cells { (cell) }
        }
    }
    .into_string()
}

/// The greatest that any point comes to.
fn strongest(measure: &Measure, points: &[PointSummary]) -> f64 {
    let all = points.iter().filter_map(measure.cell);
    all.map(|(value, _)| value).fold(0.0, f64::max)
}

fn cell(measure: &Measure, point: &PointSummary, (x, y): (f64, f64), most: f64) -> Markup {
    let nothing = || (0.0, ["nothing".to_owned(), String::new()]);
    let (value, [first, second]) = (measure.cell)(point).unwrap_or_else(nothing);
    let strength = if most > 0.0 { value / most } else { 0.0 };
    let middle = x + CELL.0 / 2.0;
    html! {
        rect x=(x) y=(y) width=(CELL.0 - 2.0) height=(CELL.1 - 2.0) rx="4" fill=(palette::CARD.hex()) stroke=(palette::LINE.hex()) {}
        rect x=(x) y=(y) width=(CELL.0 - 2.0) height=(CELL.1 - 2.0) rx="4" fill=(measure.colour.hex()) fill-opacity=(format!("{:.2}", strength * 0.6)) {}
        text x=(middle) y=(y + 23.0) text-anchor="middle" font-weight="600" fill=(palette::INK.hex()) { (first) }
        text x=(middle) y=(y + 41.0) text-anchor="middle" font-size="11.5" fill=(palette::INK.hex()) { (second) }
    }
}

fn failing(point: &PointSummary) -> Option<Cell> {
    let failed = failed(point);
    let share = f64::from(failed) / f64::from(point.runs.max(1));
    let (low, high) = (point.failure.low, point.failure.high);
    let interval = if failed == 0 {
        format!("up to {}", words::percent(high))
    } else {
        format!("{} to {}", words::percent(low), words::percent(high))
    };
    Some((share, [format!("{failed} of {}", point.runs), interval]))
}

fn pace(point: &PointSummary) -> Option<Cell> {
    let ns = a_height_ns(point)?;
    Some((ns as f64, [words::duration(ns), heights(point)]))
}

fn finality(point: &PointSummary) -> Option<Cell> {
    let Spread { p50, p99, .. } = point.finality_ns?;
    Some((p50 as f64, [p50, p99].map(words::duration)))
}

fn traffic(point: &PointSummary) -> Option<Cell> {
    let bytes = a_height_bytes(point)?;
    Some((bytes as f64, [words::bytes(bytes), heights(point)]))
}

fn heights(point: &PointSummary) -> String {
    format!("{} heights", point.heights)
}

const fn a_height_ns(point: &PointSummary) -> Option<u64> {
    point.sim_ns.checked_div(point.heights)
}

const fn a_height_bytes(point: &PointSummary) -> Option<u64> {
    point.sent_bytes.checked_div(point.heights)
}

fn failed(point: &PointSummary) -> u32 {
    let good = point.verdicts.get(&Verdict::SafeLive).copied();
    point.runs - good.unwrap_or_default()
}

fn place(values: &[&Value], value: &Value) -> Option<f64> {
    let mut numbered = (0_u32..).zip(values);
    numbered
        .find(|(_, known)| **known == value)
        .map(|(place, _)| f64::from(place))
}

/// A value without the quotes of a text.
fn plain(value: &Value) -> String {
    value
        .as_str()
        .map_or_else(|| value.to_string(), str::to_owned)
}

/// One parameter: how often a run fails at each of its values, in their order, how long payments take, and how much is sent.
fn over(name: &str, points: &[PointSummary]) -> Vec<Figure> {
    let values = points.iter().map(|point| point.values.get(name));
    let values: Vec<String> = values
        .map(|value| value.map(plain).unwrap_or_default())
        .collect();
    let failures = points.iter().map(|point| {
        let share = f64::from(failed(point)) / f64::from(point.runs.max(1));
        Some((share, point.failure.low..point.failure.high))
    });
    let finality = points.iter().map(|point| {
        let Spread { p50, p99, .. } = point.finality_ns?;
        let [p50, p99] = [p50, p99].map(|ns| ns as f64 / 1e6);
        Some((p50, p50..p99))
    });
    let traffic = points.iter().map(|point| {
        let kib = a_height_bytes(point)? as f64 / 1024.0;
        Some((kib, kib..kib))
    });
    let all = [
        Curve {
            name: "failures",
            title: format!("Failing runs over {name}."),
            about: "A point is the share that failed, the line where the probability lies at 95 %.",
            y: "probability of a failure",
            top: Some(1.0),
            colour: &palette::BAD,
        }
        .draw((name, &values), failures),
        Curve {
            name: "finality",
            title: format!("Finality of payments over {name}."),
            about: "From a client's first request to its receipt: a point is the median, the line goes up to what 99 of 100 did not exceed.",
            y: "ms",
            top: None,
            colour: &palette::PROPOSAL,
        }
        .draw((name, &values), finality),
        Curve {
            name: "traffic",
            title: format!("Bytes sent for a height over {name}."),
            about: "By all nodes together.",
            y: "KiB",
            top: None,
            colour: &palette::CERTIFICATE,
        }
        .draw((name, &values), traffic),
    ];
    all.into_iter().flatten().collect()
}

/// From how many times the least value on the greatest is drawn by its logarithm.
const DECADES_FROM: f64 = 100.0;

/// A value with the interval it lies in, for each point that has one.
struct Curve {
    name: &'static str,
    title: String,
    about: &'static str,
    y: &'static str,
    top: Option<f64>,
    colour: &'static palette::Colour,
}

impl Curve {
    /// Draws it over a parameter and its values; none if no point has a value.
    fn draw(
        self,
        (x, named): (&str, &[String]),
        values: impl Iterator<Item = Option<(f64, Range<f64>)>>,
    ) -> Option<Figure> {
        let values: Vec<_> = values.collect();
        let known = || values.iter().flatten().map(|(_, interval)| interval);
        let greatest = known().map(|interval| interval.end).reduce(f64::max)?;
        let least = known().map(|interval| interval.start).reduce(f64::min)?;
        let by_decades = least > 0.0 && greatest >= least * DECADES_FROM;
        let drawn = |value: f64| if by_decades { value.log10() } else { value };
        let end = values.len() as f64 + 0.6;
        let shapes: Vec<Shape<'_>> = (1_u32..)
            .zip(&values)
            .filter_map(|(place, value)| {
                let (value, Range { start, end }) = value.clone()?;
                let interval = drawn(start)..drawn(end);
                let place = f64::from(place);
                Some(Shape::Interval(self.colour, place, drawn(value), interval))
            })
            .collect();
        let name_at = |at: &f64| {
            let mut named = (1_u32..).zip(named);
            let here = named.find(|(place, _)| f64::from(*place) == *at);
            here.map(|(_, name)| name.clone()).unwrap_or_default()
        };
        let x = Axis {
            name: x,
            range: 0.4..end,
            written: &name_at,
        };
        let y = Axis {
            name: self.y,
            range: if by_decades {
                least.log10().floor()..greatest.log10().ceil()
            } else {
                0.0..self.top.unwrap_or(greatest * 1.08)
            },
            written: if by_decades { &power } else { &short },
        };
        Some(Figure {
            name: self.name.to_owned(),
            title: self.title,
            about: self.about.to_owned(),
            svg: draw(&x, &y, &shapes),
        })
    }
}

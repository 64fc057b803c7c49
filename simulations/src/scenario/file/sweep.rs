//! The points of a sweep: the product of the values that a file gives some of its keys.
//!
//! Invariant: points come in the order of the keys' names and of their values; each is a file of its own, read and checked as if its
//! values had been written there.
//! Shape: a key is written with its section, `"network.delay_ms"`, or without it, `delay_ms`, which is as clear.

use std::collections::BTreeMap;

use toml::{Table, Value};

use super::File;
use super::check;
use super::read::{FileError, explain, line_of, unknown_word};
use crate::scenario::Plan;

/// The keys that can be swept, with their sections; names are unique.
const KEYS: [(&str, &str); 27] = [
    ("", "validators"),
    ("", "horizon_ms"),
    ("", "heights"),
    ("", "signatures"),
    ("timeouts", "propose_ms"),
    ("timeouts", "prevote_ms"),
    ("timeouts", "precommit_ms"),
    ("timeouts", "growth_ms"),
    ("timeouts", "growth_rounds_max"),
    ("timeouts", "tick_ms"),
    ("timeouts", "heartbeat_ms"),
    ("network", "loss_ppm"),
    ("network", "duplicate_ppm"),
    ("network", "reorder_ppm"),
    ("network", "delay_ms"),
    ("network", "delay_cap_ms"),
    ("network", "stretch_percent"),
    ("network", "damage_ppm"),
    ("network", "bandwidth_kib"),
    ("network", "queue_kib"),
    ("disk", "sync_min_ms"),
    ("disk", "sync_cap_ms"),
    ("clients", "gap_min_ms"),
    ("clients", "gap_cap_ms"),
    ("clients", "patience_ms"),
    ("clients", "burst"),
    ("clients", "hot_ppm"),
];

/// One point of a sweep.
#[derive(Clone, Debug, PartialEq)]
pub struct Point {
    /// What is its own: key and value.
    pub values: BTreeMap<String, Value>,
    /// The file with these values in their places, or the random scenarios.
    pub plan: Plan,
}

impl Point {
    /// The one point of a campaign of random scenarios, of which nothing is varied but the seed.
    #[must_use]
    pub const fn random() -> Self {
        Self {
            values: BTreeMap::new(),
            plan: Plan::Swarm,
        }
    }
}

/// The points of a file's text; one without values if it has no sweep.
pub(super) fn points(text: &str) -> Result<Vec<Point>, FileError> {
    let whole = File::parse(text)?;
    let mut table: Table = toml::from_str(text).map_err(|error| explain(text, &error))?;
    table.remove("sweep");
    if let Some(key) = whole.sweep.keys().find(|key| section_of(key).is_none()) {
        let known: Vec<&str> = KEYS.iter().map(|(_, name)| *name).collect();
        let line = line_of(text, text.find(key.as_str()).unwrap_or(0));
        return Err(unknown_word(line, "key of sweep", key, &known));
    }
    let mut points = vec![BTreeMap::new()];
    for (key, values) in &whole.sweep {
        let longer = |point: &BTreeMap<String, Value>| {
            let point = point.clone();
            values.iter().map(move |value| {
                let mut point = point.clone();
                point.insert(key.clone(), value.clone());
                point
            })
        };
        points = points.iter().flat_map(longer).collect();
    }
    points
        .into_iter()
        .map(|values| point(&table, values))
        .collect()
}

fn point(table: &Table, values: BTreeMap<String, Value>) -> Result<Point, FileError> {
    let mut table = table.clone();
    for (key, value) in &values {
        place(&mut table, key, value.clone());
    }
    let wrong = |error: toml::de::Error| FileError::Point {
        point: words(&values),
        message: error.message().to_owned(),
    };
    let file: File = Value::Table(table).try_into().map_err(wrong)?;
    check::check(&file)?;
    let plan = Plan::File(Box::new(file));
    Ok(Point { values, plan })
}

fn place(table: &mut Table, key: &str, value: Value) {
    let (section, name) = section_of(key).unwrap_or(("", key));
    if section.is_empty() {
        table.insert(name.to_owned(), value);
        return;
    }
    let section = table
        .entry(section)
        .or_insert_with(|| Value::Table(Table::new()));
    if let Value::Table(section) = section {
        section.insert(name.to_owned(), value);
    }
}

/// The section of a key that can be swept, and its name there.
fn section_of(key: &str) -> Option<(&'static str, &'static str)> {
    let fits = |known: &(&str, &str)| {
        let (section, name) = *known;
        let inside = key
            .strip_prefix(section)
            .and_then(|rest| rest.strip_prefix('.'));
        name == key || (!section.is_empty() && inside == Some(name))
    };
    KEYS.into_iter().find(fits)
}

/// A point in words: `delay_ms = 20, validators = 4`; `all seeds` where nothing else is varied.
#[must_use]
pub fn words(values: &BTreeMap<String, Value>) -> String {
    if values.is_empty() {
        return "all seeds".to_owned();
    }
    let words: Vec<_> = values
        .iter()
        .map(|(key, value)| format!("{key} = {value}"))
        .collect();
    words.join(", ")
}

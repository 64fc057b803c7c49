//! A scenario file as text for people.
//!
//! Invariant: the text reads as the same file.
//! Shape: keys in the order in which the guide explains them, then a paragraph for each section and each entry; what belongs to a key
//! stands on its line.

use toml::{Table, Value};

use super::File;

/// What comes first, in this order; all else follows in order of name, and what it is for at the end.
const FIRST: [&str; 11] = [
    "about",
    "seed",
    "drawn",
    "validators",
    "horizon_ms",
    "heights",
    "signatures",
    "timeouts",
    "network",
    "disk",
    "clients",
];
const LAST: [&str; 2] = ["regression", "expect"];

pub(super) fn text(file: &File) -> String {
    let mut table = Table::try_from(file).expect("a file is a table with keys that are texts");
    let last: Vec<_> = LAST
        .iter()
        .filter_map(|key| table.remove_entry(*key))
        .collect();
    let mut keys: Vec<(String, Value)> = FIRST
        .iter()
        .filter_map(|key| table.remove_entry(*key))
        .collect();
    keys.extend(table);
    keys.extend(last);
    let (sections, lines): (Vec<_>, Vec<_>) =
        keys.into_iter().partition(|(_, value)| is_section(value));
    let mut text = String::new();
    lines
        .iter()
        .for_each(|(key, value)| line(&mut text, key, value));
    sections
        .iter()
        .for_each(|(key, value)| section(&mut text, key, value));
    text
}

fn is_section(value: &Value) -> bool {
    let is_list = |values: &Vec<Value>| !values.is_empty() && values.iter().all(Value::is_table);
    value.is_table() && !is_drawn(value) || value.as_array().is_some_and(is_list)
}

/// A number that is drawn is a table of one key.
fn is_drawn(value: &Value) -> bool {
    let drawn = ["uniform", "log_uniform", "one_of"];
    drawn.iter().any(|key| value.get(key).is_some())
}

fn section(text: &mut String, key: &str, value: &Value) {
    let Some(entries) = value.as_array() else {
        return paragraph(text, &format!("[{key}]"), value);
    };
    for entry in entries {
        paragraph(text, &format!("[[{key}]]"), entry);
    }
}

fn paragraph(text: &mut String, head: &str, entry: &Value) {
    text.push_str(&format!("\n{head}\n"));
    for (key, value) in entry.as_table().into_iter().flatten() {
        line(text, key, value);
    }
}

fn line(text: &mut String, key: &str, value: &Value) {
    text.push_str(&format!("{key} = {value}\n"));
}

//! Unknown keys of a configuration: which one, where, and the known key that looks most like it.
//!
//! Shape: a key is written with its sections, `api.listen`; likeness is the number of letters to insert, delete or replace.

use figment::Error;
use figment::error::Kind;

use super::ConfigError;

impl ConfigError {
    /// What the schema's reader found, an unknown key in words of its own.
    pub(super) fn of(error: Error) -> Self {
        let Kind::UnknownField(field, known) = &error.kind else {
            return Self::Invalid(Box::new(error));
        };
        let mut sections = error.path.clone();
        if sections
            .last()
            .is_some_and(|last| last.eq_ignore_ascii_case(field))
        {
            sections.pop();
        }
        let full = |key: &str| {
            let mut parts = sections.clone();
            parts.push(key.to_owned());
            parts.join(".")
        };
        let place = error
            .metadata
            .as_ref()
            .map_or_else(String::new, |metadata| {
                let source = metadata.source.as_ref();
                let source = source.map_or_else(|| metadata.name.to_string(), ToString::to_string);
                format!(" ({source})")
            });
        Self::UnknownKey {
            key: full(field),
            place,
            nearest: nearest(field, known).map_or_else(String::new, full),
            known: known
                .iter()
                .map(|key| full(key))
                .collect::<Vec<_>>()
                .join(", "),
        }
    }
}

/// The known key that the fewest changes make of this one; the first of equals.
fn nearest<'a>(key: &str, known: &[&'a str]) -> Option<&'a str> {
    let key = key.to_ascii_lowercase();
    known
        .iter()
        .copied()
        .min_by_key(|known| distance(&key, known))
}

/// Levenshtein's distance, in characters.
fn distance(from: &str, to: &str) -> usize {
    let mut row: Vec<usize> = (0..=to.chars().count()).collect();
    for (above, letter) in from.chars().enumerate() {
        let mut diagonal = above;
        let mut left = above.saturating_add(1);
        if let Some(first) = row.first_mut() {
            *first = left;
        }
        for (place, other) in row.iter_mut().skip(1).zip(to.chars()) {
            let replaced = diagonal.saturating_add(usize::from(letter != other));
            diagonal = *place;
            left = replaced
                .min(diagonal.saturating_add(1))
                .min(left.saturating_add(1));
            *place = left;
        }
    }
    row.last().copied().unwrap_or_default()
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn the_distance_counts_changes() {
        for (from, to, changes) in [
            ("", "", 0),
            ("", "abc", 3),
            ("abc", "", 3),
            ("kitten", "sitting", 3),
            ("listn", "listen", 1),
            ("same", "same", 0),
        ] {
            assert_eq!(distance(from, to), changes, "{from} {to}");
        }
    }

    #[test]
    fn the_nearest_key_is_named() {
        let known = ["paths", "validator", "network", "api", "log", "mempool"];
        assert_eq!(nearest("nettwork", &known), Some("network"));
        assert_eq!(nearest("MEMPOL", &known), Some("mempool"));
        assert_eq!(nearest("x", &[]), None);
    }
}

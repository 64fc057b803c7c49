//! The scenarios that ship with the program, by name.
//!
//! Invariant: they are the files of `simulations/scenarios/` as they were when the program was built.
//! Source: `docs/guide/scenarios.md`, "The scenarios that ship".

use super::file::File;

/// Name and text of each, in order of name.
pub const SHIPPED: &[(&str, &str)] = include!(concat!(env!("OUT_DIR"), "/shipped.rs"));

/// The text of a scenario that ships.
#[must_use]
pub fn text_of(name: &str) -> Option<&'static str> {
    let (_, text) = SHIPPED.iter().find(|(shipped, _)| *shipped == name)?;
    Some(text)
}

/// The name of the scenario that ships and says the same as a file.
#[must_use]
pub fn name_of(file: &File) -> Option<&'static str> {
    let same = |text: &str| File::parse(text).is_ok_and(|shipped| shipped == *file);
    let (name, _) = SHIPPED.iter().find(|(_, text)| same(text))?;
    Some(name)
}

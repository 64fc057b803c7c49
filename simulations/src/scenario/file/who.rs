//! Which nodes an entry of a scenario file is about: all, these, or so many that chance picks for each seed.
//!
//! Invariant: what is picked are so many different nodes of those that are asked about.
//! Shape: `"all"`, `[0, 2]`, `{ any = 2 }`; the number may be drawn too.

use std::fmt;

use schemars::JsonSchema;
use serde::de::value::{MapAccessDeserializer, SeqAccessDeserializer};
use serde::de::{Error, MapAccess, SeqAccess, Visitor};
use serde::{Deserialize, Deserializer, Serialize};

use super::dial::Dial;
use crate::chance::Draws;
use crate::types::NodeIndex;

/// Some nodes.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, JsonSchema)]
#[serde(untagged)]
pub enum Who {
    /// Every node.
    All(All),
    /// These.
    These(Vec<u16>),
    /// As many as that, picked for each seed.
    Any(Any),
}

/// The word for every node.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Serialize, Deserialize, JsonSchema)]
#[serde(rename_all = "snake_case")]
pub enum All {
    /// Every node.
    All,
}

/// How many nodes.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize, JsonSchema)]
#[serde(deny_unknown_fields)]
pub struct Any {
    /// How many.
    pub any: Dial<u64>,
}

impl Who {
    /// The least and the greatest number of nodes, of so many validators; `None` when the dial has no ends.
    #[must_use]
    pub fn counts(&self, validators: (u64, u64)) -> Option<(u64, u64)> {
        match self {
            Self::All(All::All) => Some(validators),
            Self::These(nodes) => Some((nodes.len() as u64, nodes.len() as u64)),
            Self::Any(any) => any.any.ends(),
        }
    }

    /// The nodes that these draws pick among the candidates, which chance alone may not leave.
    #[must_use]
    pub fn pick(&self, draws: &Draws, candidates: &[NodeIndex]) -> Vec<NodeIndex> {
        match self {
            Self::All(All::All) => candidates.to_vec(),
            Self::These(nodes) => nodes.iter().copied().map(NodeIndex::new).collect(),
            Self::Any(any) => {
                let count = any.any.value(draws.at(0).word(0));
                picked(draws, candidates, count)
            }
        }
    }
}

fn picked(draws: &Draws, candidates: &[NodeIndex], count: u64) -> Vec<NodeIndex> {
    let mut left = candidates.to_vec();
    let mut nodes: Vec<NodeIndex> = (1..=count)
        .map_while(|number| {
            let place = draws.at(number).word(0).below(left.len() as u64);
            let place = usize::try_from(place).ok()?;
            (place < left.len()).then(|| left.remove(place))
        })
        .collect();
    nodes.sort_unstable();
    nodes
}

impl<'de> Deserialize<'de> for Who {
    fn deserialize<D: Deserializer<'de>>(deserializer: D) -> Result<Self, D::Error> {
        deserializer.deserialize_any(WhoVisitor)
    }
}

struct WhoVisitor;

impl<'de> Visitor<'de> for WhoVisitor {
    type Value = Who;

    fn expecting(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str("\"all\", a list of nodes such as [0, 2], or { any = 2 }")
    }

    fn visit_str<E: Error>(self, text: &str) -> Result<Who, E> {
        if text == "all" {
            Ok(Who::All(All::All))
        } else {
            Err(E::unknown_variant(text, &["all"]))
        }
    }

    fn visit_seq<A: SeqAccess<'de>>(self, nodes: A) -> Result<Who, A::Error> {
        Vec::deserialize(SeqAccessDeserializer::new(nodes)).map(Who::These)
    }

    fn visit_map<A: MapAccess<'de>>(self, map: A) -> Result<Who, A::Error> {
        Any::deserialize(MapAccessDeserializer::new(map)).map(Who::Any)
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::chance::{Chance, Site};

    #[derive(Deserialize)]
    struct Held {
        who: Who,
    }

    fn picks(text: &str, seed: u64) -> Vec<u16> {
        let held: Held = toml::from_str(&format!("who = {text}")).unwrap();
        let all: Vec<_> = (0..7).map(NodeIndex::new).collect();
        let draws = Chance::new(seed).draws(Site::new("test/who"), 0);
        let nodes = held.who.pick(&draws, &all);
        nodes.into_iter().map(NodeIndex::get).collect()
    }

    /// Goal: each form picks what it says; chance picks different nodes, others for other seeds.
    #[test]
    fn each_form_picks_what_it_says() {
        assert_eq!(picks("\"all\"", 1).len(), 7);
        assert_eq!(picks("[5, 2]", 1), [5, 2]);
        let three = picks("{ any = 3 }", 1);
        assert_eq!(three.len(), 3);
        assert!(three.windows(2).all(|pair| pair[0] < pair[1]));
        assert!((2..20).any(|seed| picks("{ any = 3 }", seed) != three));
    }
}

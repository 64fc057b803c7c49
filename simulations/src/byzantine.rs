//! Validators that break the protocol: a shipped replica whose words are changed on their way out.
//!
//! Invariant: a lie is signed with the liar's own key, past its guard; nobody else's signature is ever made.
//! Shape: one file a behaviour; behaviours compose, and all liars of a run share one plot: the twin blocks they made.
//! Who calls it: the world, for each frame that leaves a lying node.
//! Source: `docs/simulation.md`, "Scenarios".

mod double_voter;
mod equivocator;
mod plot;

use falaj_consensus::crypto::Signature;
use falaj_consensus::message::Statement;
use falaj_consensus::types::{Height, Round};
use falaj_ledger::state::State;
use falaj_node::core::Frame;
use schemars::JsonSchema;
use serde::{Deserialize, Serialize};

pub use plot::{Plot, Twin};

use crate::chance::{Chance, Site};
use crate::types::NodeIndex;

const SPLIT: Site = Site::new("byzantine/split");

/// A way to break the protocol.
#[derive(
    Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord, Serialize, Deserialize, JsonSchema,
)]
#[serde(rename_all = "snake_case")]
pub enum Behaviour {
    /// Proposes two blocks in one round, each to some of the others.
    Equivocate,
    /// Votes for two values in one round, each to some of the others.
    VoteTwice,
}

/// A frame for some nodes.
#[derive(Clone, Debug)]
pub struct Lie {
    /// To whom.
    pub to: Vec<NodeIndex>,
    /// What.
    pub frame: Frame,
}

/// What a liar can do and knows when a frame is about to leave it.
pub struct Liar<'a> {
    /// The liar's own state, after its last decided height.
    pub state: &'a State,
    /// What all liars know.
    pub plot: &'a mut Plot,
    /// Chance: all liars split the others of a round in the same way.
    pub chance: &'a Chance,
    /// Signs anything with the liar's key.
    pub sign: &'a mut dyn FnMut(&Statement) -> Signature,
}

impl Behaviour {
    /// What leaves instead of `frame`.
    pub fn rewrite(self, liar: &mut Liar<'_>, to: Vec<NodeIndex>, frame: Frame) -> Vec<Lie> {
        match self {
            Self::Equivocate => equivocator::rewrite(liar, to, frame),
            Self::VoteTwice => double_voter::rewrite(liar, to, frame),
        }
    }
}

/// Each part of the recipients hears something else in a round.
fn tell_apart(
    liar: &Liar<'_>,
    place: (Height, Round),
    to: &[NodeIndex],
    frames: [Frame; 2],
) -> Vec<Lie> {
    let (first, second) = split(liar, place, to);
    let lies = [first, second].into_iter().zip(frames);
    lies.map(|(to, frame)| Lie { to, frame }).collect()
}

/// Two parts of the recipients, by chance for each node and round; a quarter of them is in both, and can prove the lie.
fn split(
    liar: &Liar<'_>,
    (height, round): (Height, Round),
    to: &[NodeIndex],
) -> (Vec<NodeIndex>, Vec<NodeIndex>) {
    let place = height.get() << 16 | u64::from(round.get());
    let draw = liar.chance.draws(SPLIT, place).next();
    let bit = |word: usize, node: &NodeIndex| draw.word(word).get() >> node.get() & 1 == 1;
    let both = |node: &NodeIndex| bit(1, node) && bit(2, node);
    let part = |chosen: bool| {
        to.iter()
            .copied()
            .filter(|node| both(node) || bit(0, node) == chosen)
            .collect()
    };
    (part(true), part(false))
}

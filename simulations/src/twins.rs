//! Twins: every scenario in which one of four validators is two, and a network that is split anew in each round.
//!
//! One validator has two instances with one key; each follows the protocol, and neither knows of the other. Together they equivocate,
//! forget and hide as their network lets them, which is how most attacks on BFT protocols can be told.
//! Invariant: a scenario has one run, in every process; what a search comes to does not depend on the number of threads.
//! Shape: a scenario is the place of the twinned validator in the order of turns and, for each round, a split of the five instances
//! into at most two groups. The proposers are those of the protocol's own rule, see [`Scenario`].
//! Who calls it: `falaj-sim twins`.
//! Source: Bano, Sonnino, Chursin, Perelman, Li, Ching, Malkhi, "Twins: BFT Systems Made Robust" (2021);
//! `docs/guide/exhaustive.md`.

mod network;
mod scenario;
mod search;

pub use network::Network;
pub use scenario::{INSTANCES, NAMINGS, Scenario, ScenarioError, Seat, Split};
pub use search::{Failure, Search, Tally, replay};

#[cfg(test)]
mod tests;

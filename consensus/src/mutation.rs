//! Known-bad variants of the protocol, one at a time, so that the simulator can prove that its oracles see.
//!
//! Invariant: without the feature `mutations`, which is off by default, [`mutated!`](crate::mutated) is the word `false` and nothing
//! of this is compiled; with it nothing is broken until a thread chooses, and only for that thread.
//! Shape: a site asks `if mutated!(Name)` in one line beside the rule that it breaks; some need a second site, where another layer
//! would hide the first. `simulations/src/selfcheck/table.rs` says which oracle has to see each, and under which scenarios.
//! Who calls it: `simulations::selfcheck` alone chooses. A shell with this feature does not compile in release builds.
//! Errors: none.
//! Source: `docs/guide/selfcheck.md`.

#[cfg(feature = "mutations")]
mod chosen;
#[cfg(feature = "mutations")]
mod list;

#[cfg(feature = "mutations")]
pub use chosen::{Chosen, is_chosen, turn};
#[cfg(feature = "mutations")]
pub use list::Mutation;

/// Whether the rule at this place is broken on this thread: never, without the feature `mutations`.
#[cfg(not(feature = "mutations"))]
#[macro_export]
macro_rules! mutated {
    ($($name:ident)|+) => {
        false
    };
}

/// Whether the rule at this place is broken on this thread.
#[cfg(feature = "mutations")]
#[macro_export]
macro_rules! mutated {
    ($($name:ident)|+) => {
        [$($crate::mutation::Mutation::$name),+]
            .into_iter()
            .any($crate::mutation::is_chosen)
    };
}

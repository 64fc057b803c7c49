//! One rule broken, to see that the property it holds up falls.
//!
//! Invariant: each is used at one place; without one, the model is the specification.

/// What is wrong.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord, Hash)]
pub enum Mistake {
    /// Two of four are a quorum.
    QuorumOfHalf,
    /// 22 and 28 accept whatever the lock is.
    LockForgotten,
    /// 28 takes a re-proposal without its polka.
    PolkaNotAsked,
    /// 28 also accepts the locked value at any valid round, as in the paper.
    SameValueDespiteLock,
    /// 28 refuses everything while there is a lock.
    LockForEver,
    /// 15: a proposer with a valid value proposes a fresh one.
    FreshOverValid,
    /// Culprits are sought without the evidence of amnesia.
    AmnesiaOverlooked,
}

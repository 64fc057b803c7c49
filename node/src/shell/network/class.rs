//! The four classes of messages, in their order of priority.
//!
//! Invariant: the discriminant is the priority, 0 first, and the index of the class in every [`PerClass`].
//! Each class has one stream per direction; nothing of one class ever travels on the stream of another.
//! Source: `docs/spec/wire.md`, section Transport.

use std::fmt;

/// What a message is, and so which stream it takes and what it has to wait for.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Hash)]
pub enum Class {
    /// Prevotes, precommits and what rides on them: small, never behind anything else.
    Votes,
    /// Proposals: headers, batch references and the inline tail.
    Proposals,
    /// Batches of transactions, pushed by their authors.
    Batches,
    /// Blocks, batches and certificates that were asked for.
    Sync,
}

impl Class {
    /// Every class, the most urgent first.
    pub const ALL: [Self; 4] = [Self::Votes, Self::Proposals, Self::Batches, Self::Sync];

    /// The name used in stream protocols, metrics and status.
    #[must_use]
    pub const fn name(self) -> &'static str {
        match self {
            Self::Votes => "votes",
            Self::Proposals => "proposals",
            Self::Batches => "batches",
            Self::Sync => "sync",
        }
    }

    /// Whether bulk has to wait while a message of this class does.
    ///
    /// It also decides what a full queue does: an urgent class drops its oldest message, for the newest says more;
    /// a bulk class refuses the newest, for its sender can wait.
    #[must_use]
    pub const fn is_urgent(self) -> bool {
        matches!(self, Self::Votes | Self::Proposals)
    }
}

impl fmt::Display for Class {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(self.name())
    }
}

/// One value for each class.
#[derive(Debug, Clone, Copy, Default, PartialEq, Eq)]
pub struct PerClass<T> {
    /// Of [`Class::Votes`].
    pub votes: T,
    /// Of [`Class::Proposals`].
    pub proposals: T,
    /// Of [`Class::Batches`].
    pub batches: T,
    /// Of [`Class::Sync`].
    pub sync: T,
}

impl<T> PerClass<T> {
    /// Makes the four values from their classes.
    pub fn from_fn(mut make: impl FnMut(Class) -> T) -> Self {
        Self {
            votes: make(Class::Votes),
            proposals: make(Class::Proposals),
            batches: make(Class::Batches),
            sync: make(Class::Sync),
        }
    }

    /// The value of one class.
    pub const fn get(&self, class: Class) -> &T {
        match class {
            Class::Votes => &self.votes,
            Class::Proposals => &self.proposals,
            Class::Batches => &self.batches,
            Class::Sync => &self.sync,
        }
    }

    /// The value of one class, to be changed.
    pub const fn get_mut(&mut self, class: Class) -> &mut T {
        match class {
            Class::Votes => &mut self.votes,
            Class::Proposals => &mut self.proposals,
            Class::Batches => &mut self.batches,
            Class::Sync => &mut self.sync,
        }
    }
}

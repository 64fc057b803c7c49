//! Which mutation a thread runs under.
//!
//! Invariant: none, but while a [`Chosen`] of that thread lives.

use std::cell::Cell;
use std::marker::PhantomData;

use super::Mutation;

thread_local! {
    static CHOSEN: Cell<Option<Mutation>> = const { Cell::new(None) };
    static TURN: Cell<u64> = const { Cell::new(0) };
}

/// As long as it lives, its thread runs the protocol with one rule broken.
#[derive(Debug)]
#[must_use = "the mutation ends with it"]
pub struct Chosen(PhantomData<*const ()>);

impl Mutation {
    /// Breaks this rule on this thread, and no other.
    pub fn choose(self) -> Chosen {
        CHOSEN.set(Some(self));
        TURN.set(0);
        Chosen(PhantomData)
    }
}

impl Drop for Chosen {
    fn drop(&mut self) {
        CHOSEN.set(None);
    }
}

/// Whether this thread runs under that mutation.
#[must_use]
pub fn is_chosen(mutation: Mutation) -> bool {
    CHOSEN.get() == Some(mutation)
}

/// How often this was asked under the mutation chosen: something that differs between nodes, which nothing that is decided may depend on.
#[must_use]
pub fn turn() -> u64 {
    TURN.set(TURN.get().wrapping_add(1));
    TURN.get()
}

#[cfg(test)]
mod tests {
    use super::*;

    /// Goal: nothing is broken unless it was chosen, one rule at a time, on one thread, and not for longer than asked for.
    #[test]
    fn a_mutation_is_chosen_for_one_thread_and_ends() {
        let broken = || Mutation::ALL.iter().filter(|one| is_chosen(**one)).count();
        assert_eq!(broken(), 0);
        let chosen = Mutation::ALL[3].choose();
        assert_eq!(broken(), 1);
        assert!(is_chosen(Mutation::ALL[3]));
        assert_eq!(std::thread::spawn(broken_elsewhere).join().unwrap(), 0);
        drop(chosen);
        assert_eq!(broken(), 0);
    }

    fn broken_elsewhere() -> usize {
        Mutation::ALL.iter().filter(|one| is_chosen(**one)).count()
    }
}

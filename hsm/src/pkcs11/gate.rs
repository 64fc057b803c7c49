//! Counts the calls that are inside the vendor library, so that it is finalised only while there are none.
//!
//! Invariant: while an [`Alone`] lives no [`Pass`] does. `C_Finalize` under a running call crashes SoftHSM.
//! Units: a [`Generation`] is one initialisation of the library; handles of another generation mean nothing, or worse, something else.
//! Errors: [`InFlight`] when calls did not return in time.
//! Source: PKCS #11 v3.0 §5.4, `C_Finalize`; `docs/spec/hsm.md`, "Escalation".

use std::sync::{Condvar, Mutex, MutexGuard, PoisonError};
use std::time::{Duration, Instant};

/// Which initialisation of the library a handle belongs to.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord)]
pub(crate) struct Generation(u64);

/// Calls that have not returned.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) struct InFlight(pub(crate) u32);

#[derive(Debug)]
struct State {
    in_flight: u32,
    closed: bool,
    generation: u64,
}

/// The gate itself.
#[derive(Debug)]
pub(crate) struct Gate {
    state: Mutex<State>,
    changed: Condvar,
}

/// One call is inside.
#[must_use]
pub(crate) struct Pass<'a> {
    gate: &'a Gate,
    generation: Generation,
}

/// Nobody is inside, and nobody gets in.
#[must_use]
pub(crate) struct Alone<'a> {
    gate: &'a Gate,
}

impl Gate {
    pub(crate) const fn new() -> Self {
        let state = State {
            in_flight: 0,
            closed: false,
            generation: 1,
        };
        Self {
            state: Mutex::new(state),
            changed: Condvar::new(),
        }
    }

    // The state is three numbers that no panic can leave half changed.
    fn lock(&self) -> MutexGuard<'_, State> {
        self.state.lock().unwrap_or_else(PoisonError::into_inner)
    }

    /// The present initialisation.
    pub(crate) fn generation(&self) -> Generation {
        Generation(self.lock().generation)
    }

    /// Enters; waits for as long as somebody is alone inside.
    pub(crate) fn enter(&self) -> Pass<'_> {
        let mut state = self
            .changed
            .wait_while(self.lock(), |state| state.closed)
            .unwrap_or_else(PoisonError::into_inner);
        state.in_flight = state.in_flight.saturating_add(1);
        Pass {
            gate: self,
            generation: Generation(state.generation),
        }
    }

    /// Closes the gate and waits, at most `patience`, until everybody is out.
    pub(crate) fn alone(&self, patience: Duration) -> Result<Alone<'_>, InFlight> {
        let end = Instant::now() + patience;
        let mut state = self
            .changed
            .wait_while(self.lock(), |state| state.closed)
            .unwrap_or_else(PoisonError::into_inner);
        state.closed = true;
        let alone = Alone { gate: self };
        while state.in_flight > 0 {
            let left = end.saturating_duration_since(Instant::now());
            if left.is_zero() {
                let in_flight = InFlight(state.in_flight);
                drop(state);
                drop(alone);
                return Err(in_flight);
            }
            state = self
                .changed
                .wait_timeout(state, left)
                .unwrap_or_else(PoisonError::into_inner)
                .0;
        }
        drop(state);
        Ok(alone)
    }
}

impl Pass<'_> {
    /// The initialisation this call runs in.
    pub(crate) const fn generation(&self) -> Generation {
        self.generation
    }
}

impl Drop for Pass<'_> {
    fn drop(&mut self) {
        let mut state = self.gate.lock();
        state.in_flight = state.in_flight.saturating_sub(1);
        drop(state);
        self.gate.changed.notify_all();
    }
}

impl Alone<'_> {
    /// The present initialisation.
    pub(crate) fn generation(&self) -> Generation {
        self.gate.generation()
    }

    /// Says that the library was initialised again: all handles handed out so far are dead.
    pub(crate) fn next_generation(&self) {
        let mut state = self.gate.lock();
        state.generation = state.generation.saturating_add(1);
    }
}

impl Drop for Alone<'_> {
    fn drop(&mut self) {
        self.gate.lock().closed = false;
        self.gate.changed.notify_all();
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use std::sync::mpsc;
    use std::thread;

    // A call that does not return keeps the library from being finalised, and the gate opens again for the others.
    #[test]
    fn nobody_is_alone_while_a_call_is_in_flight() {
        let gate = Gate::new();
        let call = gate.enter();
        assert_eq!(
            gate.alone(Duration::from_millis(1)).err(),
            Some(InFlight(1))
        );
        let second = gate.enter();
        drop((call, second));
        assert!(gate.alone(Duration::ZERO).is_ok());
    }

    // A call that arrives while somebody is alone waits and then runs in the next generation.
    #[test]
    fn a_call_waits_and_runs_in_the_next_generation() {
        let gate = Gate::new();
        let before = gate.generation();
        let alone = gate.alone(Duration::ZERO).ok().unwrap();
        thread::scope(|scope| {
            let (entered, seen) = mpsc::channel();
            let gate = &gate;
            scope.spawn(move || entered.send(gate.enter().generation()).unwrap());
            assert!(seen.try_recv().is_err());
            alone.next_generation();
            drop(alone);
            assert!(seen.recv().unwrap() > before);
        });
    }
}

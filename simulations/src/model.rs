//! The rule table of consensus as a model for the Stateright model checker: every message a faulty validator could send, every order.
//!
//! Invariant: written from `docs/spec/consensus.md`, "Rules", line by line; it names nothing of the engine, so that both can be wrong
//! only apart. Nothing here runs in a node or in a simulated world.
//! Shapes: four validators of equal power, one height, rounds `0..rounds`; a value is a letter and the round of its header.
//! Messages of correct validators form a set that only grows, of which a node may have received any part (the rules read nothing else);
//! faulty ones have said whatever a rule needs of them.
//! Who calls it: the tests in `simulations/tests/model`, and `make model`.
//! Source: `docs/guide/model.md`.

mod actions;
mod calm;
mod culprits;
mod effects;
mod mistake;
mod order;
mod properties;
mod state;
mod summary;
mod tally;
mod words;

pub use actions::{Action, CalmRound};
pub use culprits::culprits;
pub use mistake::Mistake;
pub use order::{Order, Stage};
pub use properties::{ACCOUNTABILITY, AGREEMENT, CORNERS, FORK, FRAMING, LIVENESS, is_hidden};
pub use state::{Calm, Cast, Held, Node, State, Step};
pub use summary::Summary;
pub use tally::Tally;
pub use words::{MEMBERS, Member, Members, Prevote, Proposal, ROUNDS_MAX, Round, Value};

use stateright::{Model, Property};

/// What is explored.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Protocol {
    /// Rounds in which validators act one by one, at most [`ROUNDS_MAX`].
    pub rounds: Round,
    /// Each set of faulty validators that is tried.
    pub faulty: Vec<Members>,
    /// Which orders of the same events are told apart.
    pub order: Order,
    /// Whether votes are dropped that no rule can read any more.
    pub forgets: bool,
    /// Whether 49 is an event; agreement is judged without it.
    pub decides: bool,
    /// Whether the network may become synchronous.
    pub synchrony: bool,
    /// The rule that is broken.
    pub mistake: Option<Mistake>,
}

impl Protocol {
    /// One faulty validator, in each place, and the network synchronous from any moment on.
    #[must_use]
    pub fn tolerated(rounds: Round) -> Self {
        Self {
            rounds,
            faulty: Members::of_size(1),
            order: Order::Lockstep,
            forgets: true,
            decides: false,
            synchrony: true,
            mistake: None,
        }
    }

    /// Two faulty validators, in each pair of places: more than are tolerated, so there are forks.
    #[must_use]
    pub fn forking(rounds: Round) -> Self {
        Self {
            faulty: Members::of_size(2),
            forgets: false,
            synchrony: false,
            ..Self::tolerated(rounds)
        }
    }

    /// The same with one rule broken.
    #[must_use]
    pub fn with(self, mistake: Mistake) -> Self {
        Self {
            mistake: Some(mistake),
            ..self
        }
    }

    fn makes(&self, mistake: Mistake) -> bool {
        self.mistake == Some(mistake)
    }
}

impl Model for Protocol {
    type State = State;
    type Action = Action;

    fn init_states(&self) -> Vec<State> {
        let faulty = self.faulty.iter();
        faulty.map(|faulty| State::opened(*faulty)).collect()
    }

    fn actions(&self, state: &State, actions: &mut Vec<Action>) {
        actions.extend(self.enabled(state));
    }

    fn next_state(&self, state: &State, action: Action) -> Option<State> {
        Some(self.after(state, action))
    }

    fn properties(&self) -> Vec<Property<Self>> {
        properties::of(self)
    }
}

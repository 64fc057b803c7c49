//! What a token does with a call: how long it takes, and whether an answer comes.
//!
//! Invariant: the fate of the n-th call depends on (seed, token, n) and the dials alone.
//! Units: nanoseconds.

use falaj_consensus::crypto::Signature;
use falaj_hsm::{BackendError, BackendWork, Fault};
use schemars::JsonSchema;
use serde::{Deserialize, Serialize};

use super::{KeyIndex, Order, Registry, Unfit};
use crate::chance::{Chance, Draws, Site};
use crate::types::{NodeIndex, Ppm, SimTime};

const CALL: Site = Site::new("hsm/call");

/// How bad a token is.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Serialize, Deserialize, JsonSchema)]
#[serde(deny_unknown_fields)]
pub struct TokenDials {
    /// The fastest signature.
    pub latency_min_ns: u64,
    /// The slowest; between the two the tail is heavy.
    pub latency_cap_ns: u64,
    /// Calls that fail before anything is signed.
    #[serde(
        rename = "session_loss_ppm",
        default,
        skip_serializing_if = "Ppm::is_never"
    )]
    pub session_loss: Ppm,
    /// Calls that sign and then fail to answer: the signature exists and nobody has it.
    #[serde(
        rename = "lost_answer_ppm",
        default,
        skip_serializing_if = "Ppm::is_never"
    )]
    pub lost_answer: Ppm,
    /// Calls whose answer is not the signature.
    #[serde(
        rename = "wrong_answer_ppm",
        default,
        skip_serializing_if = "Ppm::is_never"
    )]
    pub wrong_answer: Ppm,
}

impl TokenDials {
    /// A token on a good day: 200 µs to 3 ms, every call answered.
    pub const CALM: Self = Self {
        latency_min_ns: 200_000,
        latency_cap_ns: 3_000_000,
        session_loss: Ppm::NEVER,
        lost_answer: Ppm::NEVER,
        wrong_answer: Ppm::NEVER,
    };
}

/// What becomes of one call.
#[derive(Debug)]
pub struct Answer {
    /// How long it takes until the caller has the result.
    pub after_ns: u64,
    /// The signature, or the kind of failure that a real backend would report.
    pub result: Result<Signature, BackendError>,
}

impl Answer {
    /// What a backend says that asks its token no more.
    #[must_use]
    pub const fn refused(fault: Fault) -> Self {
        Self {
            after_ns: 0,
            result: Err(BackendError::new(fault)),
        }
    }
}

/// One token in its slot.
#[derive(Debug)]
pub struct Token {
    dials: TokenDials,
    calls: Draws,
    present: bool,
    /// Why it signs nothing until a person has come.
    unfit: Option<Unfit>,
    /// How many answers were not the signature.
    wrong: u64,
}

impl Token {
    /// A token that is present; `place` sets its draws apart from those of all others.
    #[must_use]
    pub fn new(chance: &Chance, place: u64, dials: TokenDials) -> Self {
        Self {
            dials,
            calls: chance.draws(CALL, place),
            present: true,
            unfit: None,
            wrong: 0,
        }
    }

    /// Turns the dials.
    pub const fn set_dials(&mut self, dials: TokenDials) {
        self.dials = dials;
    }

    /// Takes the token out of its slot, or puts it back.
    pub const fn set_present(&mut self, present: bool) {
        self.present = present;
    }

    /// Lets something befall it that only a person can put right, or puts it right.
    pub const fn set_unfit(&mut self, unfit: Option<Unfit>) {
        self.unfit = unfit;
    }

    /// Whether it signs whatever it is asked for, in its ordinary time.
    #[must_use]
    pub fn is_well(&self) -> bool {
        self.present && self.unfit.is_none() && self.dials == TokenDials::CALM
    }

    /// Whether an answer of this token was ever something else than the signature.
    #[must_use]
    pub const fn has_lied(&self) -> bool {
        self.wrong > 0
    }

    /// Performs the work of a signer's call for `node` with `key`, at once in the registry, later for the caller.
    pub fn perform(
        &mut self,
        registry: &mut Registry,
        at: SimTime,
        node: NodeIndex,
        key: KeyIndex,
        work: &BackendWork,
    ) -> Answer {
        let draw = self.calls.next();
        let after_ns = draw
            .word(0)
            .heavy_tail(self.dials.latency_min_ns, self.dials.latency_cap_ns);
        let order = Order {
            node,
            key,
            purpose: work.purpose(),
            message: work.as_slice().to_vec(),
        };
        let result = if !self.present {
            Err(Fault::Token)
        } else if let Some(unfit) = self.unfit {
            Err(unfit.fault())
        } else if draw.word(1).happens(self.dials.session_loss) {
            Err(Fault::Session)
        } else if draw.word(2).happens(self.dials.lost_answer) {
            registry.sign(at, order);
            Err(Fault::Timeout)
        } else {
            let signature = registry.sign(at, order);
            let wrong = draw.word(3).happens(self.dials.wrong_answer);
            self.wrong += u64::from(wrong);
            Ok(if wrong { spoilt(&signature) } else { signature })
        };
        Answer {
            after_ns,
            result: result.map_err(BackendError::new),
        }
    }
}

/// Something of the length of a signature that is none.
fn spoilt(signature: &Signature) -> Signature {
    let mut bytes = signature.bytes().to_vec();
    if let Some(byte) = bytes.last_mut() {
        *byte ^= 1;
    }
    Signature::new(bytes).expect("it is as long as the signature was")
}

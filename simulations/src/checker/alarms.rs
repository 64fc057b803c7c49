//! Within the fault budget no correct node ever has to call for people, but to name one that computes something else, and none is said
//! to have broken the protocol.
//!
//! Nor does one ever ask its guard for what the guard must refuse: the guard keeps the same rules a second time.
//!
//! Source: `docs/spec/consensus.md`, "Equivocation"; "Accountability"; "Lock, guard and restart".

use falaj_consensus::engine::{Alarm, Event as Consensus};
use falaj_consensus::types::{Height, OutcomeHash, SignRefusal, ValidatorIndex};
use falaj_node::core::{Event, Peer};

use super::sets::{Members, Sets};
use super::{Facts, Finding, Observation};
use crate::economy::node_of;
use crate::types::NodeIndex;

pub(super) fn observe(facts: &Facts, sets: &Sets, seen: &Observation<'_>) -> Finding {
    let Observation::Reported(event) = seen else {
        return Ok(());
    };
    match event {
        // A round may lack a quorum for one outcome because of a node that computes another, and people are told who it is.
        Event::Alarm(Alarm::OutcomeSplit {
            height, signers, ..
        }) if correct_agree(facts, sets.at(*height), signers) => Ok(()),
        // Whether it is right to stand there is judged by the oracle of upgrades.
        Event::Alarm(Alarm::GatesLacking { .. }) | Event::GatesLacking(_) => Ok(()),
        Event::Alarm(alarm) => Err(format!("a correct node raised {alarm:?}")),
        Event::Diverged(divergence) => Err(format!("a correct node diverged: {divergence}")),
        Event::Evidence(evidence) => {
            let key = evidence.key();
            match sets.at(key.height).node(key.validator.get()) {
                Some(offender) => accuse(facts, offender, || format!("evidence {key:?}")),
                None => Err(format!("nobody was accused of evidence {key:?}")),
            }
        }
        Event::PeerFault { peer, fault, .. } => match node(*peer) {
            Some(offender) => accuse(facts, offender, || format!("a wrong {}", fault.code())),
            None => Ok(()),
        },
        Event::Consensus(Consensus::SignRefused { statement, reason }) if is_forbidden(*reason) => {
            Err(format!(
                "a correct node asked for {statement:?}, which its guard refused: {reason:?}"
            ))
        }
        Event::PeerLimited { .. }
        | Event::StoreBehind { .. }
        | Event::Consensus(_)
        | Event::Voted(_) => Ok(()),
    }
}

/// The height of which a correct node says that it has seen it decided twice.
pub(super) fn fork(seen: &Observation<'_>) -> Option<Height> {
    let Observation::Reported(Event::Alarm(Alarm::ConflictingCertificates { first, .. })) = seen
    else {
        return None;
    };
    Some(first.height)
}

/// Whether a replica that keeps the rules never asks for what is refused so: its guard only repeats them.
const fn is_forbidden(reason: SignRefusal) -> bool {
    match reason {
        SignRefusal::DoubleSign | SignRefusal::Lock | SignRefusal::Outcome => true,
        SignRefusal::Latched
        | SignRefusal::HeightJump
        | SignRefusal::Regression
        | SignRefusal::Unavailable => false,
    }
}

/// Whether the correct ones of those who signed outcomes signed the same, beside another that somebody else signed.
fn correct_agree(
    facts: &Facts,
    members: &Members,
    signers: &[(OutcomeHash, Vec<ValidatorIndex>)],
) -> bool {
    let is_correct = |index: &ValidatorIndex| {
        let node = members.node(index.get());
        node.is_some_and(|node| !facts.byzantine.contains(&node))
    };
    let of_correct = signers
        .iter()
        .filter(|(_, signers)| signers.iter().any(is_correct));
    of_correct.count() <= 1
}

fn node(peer: Peer) -> Option<NodeIndex> {
    peer.validator().and_then(node_of)
}

fn accuse(facts: &Facts, offender: NodeIndex, of: impl FnOnce() -> String) -> Finding {
    if facts.byzantine.contains(&offender) {
        Ok(())
    } else {
        Err(format!("{offender} is correct and was accused of {}", of()))
    }
}

//! What was seen of a run, as data to draw and to count.
//!
//! Invariant: writing it down changes nothing: no event, no chance, no hash of the trace. It holds what the oracles were shown, and of
//! liars what left them, not what they would have sent.
//! Shapes and units: all in the order in which it happened, each with its event as traces count them; virtual time.
//! Who calls it: [`crate::world`] writes it, [`crate::pictures`] and programs of researchers read it.

mod content;

use std::collections::BTreeMap;
use std::sync::Arc;

use falaj_consensus::engine::TimerKind;
use falaj_consensus::message::CommitCertificate;
use falaj_consensus::types::{BlockId, Height, OutcomeHash, Round, ValidatorIndex};

use crate::fault::Fault;
use crate::types::{NodeIndex, SimTime};

pub use content::{Content, Said, Topic};

/// Everything that was seen of a run.
#[derive(Clone, Debug, Default)]
pub struct History {
    /// What was sent: an entry for each receiver and copy.
    pub messages: Vec<Message>,
    /// What nodes did.
    pub deeds: Vec<Deed>,
    /// Faults as they began or ended.
    pub troubles: Vec<Trouble>,
    /// Blocks that became final, at each node.
    pub decisions: Vec<Decision>,
    /// Certificates that a node held against one of its own, and called for people.
    pub contradictions: Vec<Contradiction>,
    /// What was owed after stabilisation.
    pub duties: Vec<Duty>,
    /// From a client's first request to the first node that let its payment out as final, for each payment.
    pub finality_ns: Vec<u64>,
}

/// When something happened.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord)]
pub struct When {
    /// The time.
    pub at: SimTime,
    /// The event of the trace that it belongs to.
    pub event: u64,
}

/// A message to one receiver.
#[derive(Clone, Debug)]
pub struct Message {
    /// When it was sent.
    pub sent: When,
    /// By whom.
    pub from: NodeIndex,
    /// To whom.
    pub to: NodeIndex,
    /// What it says.
    pub content: Arc<Content>,
    /// What became of it.
    pub fate: Fate,
}

/// What became of a message.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Fate {
    /// It arrives then, if the run goes on so long.
    Arrives(SimTime),
    /// It came to a link that was cut meanwhile or to a node that was down, or was damaged on its way.
    Missed(SimTime),
    /// The network lost it, or the link was cut.
    Lost,
}

/// Something that a node did.
#[derive(Clone, Debug)]
pub struct Deed {
    /// When.
    pub when: When,
    /// Who.
    pub node: NodeIndex,
    /// What.
    pub what: What,
}

/// What a node can do that is worth a sign in a picture.
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum What {
    /// It started.
    Started {
        /// The height that its logs and store hold.
        height: Height,
    },
    /// Its process ended.
    Ended,
    /// It entered a round.
    Round {
        /// The height.
        height: Height,
        /// The round.
        round: Round,
        /// Whose turn it is.
        proposer: ValidatorIndex,
    },
    /// A timer of a step acted.
    TimedOut {
        /// The height.
        height: Height,
        /// The round.
        round: Round,
        /// Which timer.
        timer: TimerKind,
    },
    /// It saw more than two thirds prevote for a block.
    Polka {
        /// The height.
        height: Height,
        /// The round of the prevotes.
        round: Round,
        /// The block.
        block: BlockId,
    },
    /// It locked.
    Locked {
        /// The height.
        height: Height,
        /// The round of the polka.
        round: Round,
        /// The block.
        block: BlockId,
    },
    /// Its signer let a signature out.
    Signed(Said),
    /// It let a block out as final.
    Decided {
        /// The height.
        height: Height,
        /// The round of the certificate.
        round: Round,
        /// The block.
        block: BlockId,
    },
    /// It holds proof that a validator broke the protocol.
    Proven {
        /// Who broke it.
        culprit: ValidatorIndex,
    },
}

/// A fault that began or ended.
#[derive(Clone, Debug)]
pub struct Trouble {
    /// When.
    pub when: When,
    /// Which; none is the stabilisation of the network, which ends them all.
    pub fault: Option<Fault>,
}

/// A block that became final at a node.
#[derive(Clone, Debug)]
pub struct Decision {
    /// When.
    pub when: When,
    /// Where.
    pub node: NodeIndex,
    /// What the node holds as proof.
    pub certificate: CommitCertificate,
    /// How many transactions it has.
    pub transactions: usize,
}

/// Two certificates that contradict each other, as a node saw them.
#[derive(Clone, Debug)]
pub struct Contradiction {
    /// When.
    pub when: When,
    /// Where.
    pub node: NodeIndex,
    /// The one that came first, and the other.
    pub certificates: [CommitCertificate; 2],
}

/// A certificate as it was first seen.
#[derive(Clone, Copy, Debug)]
pub struct Seen<'a> {
    /// When.
    pub when: When,
    /// Where.
    pub node: NodeIndex,
    /// The certificate.
    pub certificate: &'a CommitCertificate,
}

/// Something that was owed within a bound.
#[derive(Clone, Debug)]
pub struct Duty {
    /// What.
    pub what: String,
    /// From when.
    pub since: SimTime,
    /// How long it may take.
    pub within_ns: u64,
    /// When it was done, or when the wait for it ended.
    pub ended: SimTime,
    /// Whether it was done.
    pub kept: bool,
}

impl Duty {
    /// How long it took, or was waited for.
    #[must_use]
    pub const fn took_ns(&self) -> u64 {
        self.ended.get().saturating_sub(self.since.get())
    }
}

impl History {
    /// A message left; no arrival means that it was lost.
    pub(crate) fn sent(
        &mut self,
        sent: When,
        (from, to): (NodeIndex, NodeIndex),
        content: &Arc<Content>,
        arrivals: &[SimTime],
    ) {
        let mut write = |fate| {
            self.messages.push(Message {
                sent,
                from,
                to,
                content: Arc::clone(content),
                fate,
            });
        };
        if arrivals.is_empty() {
            write(Fate::Lost);
        }
        arrivals.iter().for_each(|at| write(Fate::Arrives(*at)));
    }

    /// A message that was to arrive now found nobody.
    pub(crate) fn missed(&mut self, at: SimTime, from: NodeIndex, to: NodeIndex) {
        let mut latest_first = self.messages.iter_mut().rev();
        let it = latest_first.find(|message| {
            (message.from, message.to, message.fate) == (from, to, Fate::Arrives(at))
        });
        if let Some(message) = it {
            message.fate = Fate::Missed(at);
        }
    }

    /// A node did something.
    pub(crate) fn did(&mut self, when: When, node: NodeIndex, what: What) {
        self.deeds.push(Deed { when, node, what });
    }

    /// The first two certificates of one height that contradict each other, of the first such height: of two decisions, or seen by one node.
    #[must_use]
    pub fn fork(&self) -> Option<(Seen<'_>, Seen<'_>)> {
        let mut firsts: BTreeMap<Height, Seen<'_>> = BTreeMap::new();
        let mut forks: BTreeMap<Height, (Seen<'_>, Seen<'_>)> = BTreeMap::new();
        for seen in self.certificates() {
            let height = seen.certificate.height;
            let first = *firsts.entry(height).or_insert(seen);
            if says(first.certificate) != says(seen.certificate) {
                forks.entry(height).or_insert((first, seen));
            }
        }
        forks.into_values().next()
    }

    /// Every commit certificate that a node acted on: those of decisions first.
    fn certificates(&self) -> impl Iterator<Item = Seen<'_>> {
        let decided = self.decisions.iter().map(|decision| Seen {
            when: decision.when,
            node: decision.node,
            certificate: &decision.certificate,
        });
        let held = self.contradictions.iter().flat_map(|held| {
            held.certificates.iter().map(|certificate| Seen {
                when: held.when,
                node: held.node,
                certificate,
            })
        });
        decided.chain(held)
    }
}

/// What a commit certificate proves of its height.
pub(crate) const fn says(certificate: &CommitCertificate) -> (BlockId, OutcomeHash) {
    (certificate.id, certificate.outcome)
}

#[cfg(test)]
mod tests;

//! Evidence: an offence that a correct node has seen both halves of is told by it, at once, once, and with a proof that holds; its own next
//! block carries it, and the ledger records it once.
//!
//! Shape: by node, since its process started. A node has seen a vote once it heard it under its author's signature and says that it checked it.
//! Seen at the open height, the second half is told with the offence, in one step; at the next height, the offence is told when that
//! height opens. Proposals are not told one by one: of those that are kept two in one round are an offence that was told.
//! Judged is what the specification promises: within the bounds of what is kept of one sender, and of votes one by one. Who sends too much is
//! told apart, and nothing is missed of it; nor is of members of certificates. What blocks carry is judged in `carried`.
//! Source: `docs/spec/consensus.md`, "Evidence" and "Bounds"; `docs/spec/dissemination.md`, "Evidence".

mod carried;
mod heard;

use std::collections::BTreeSet;

use falaj_consensus::crypto::Signature;
use falaj_consensus::engine::Event as Consensus;
use falaj_consensus::message::{Evidence as Proof, EvidenceKind, Statement};
use falaj_consensus::types::{ChainContext, Height, Round, ValidatorIndex};
use falaj_node::core::{Committed, Event, Frame, Holdings, Message, Peer, VoteSeen};

use super::accountability::words::Words;
use super::sets::Sets;
use super::{Facts, Finding, Observation, UnderWay};
use crate::economy::node_of;
use crate::hsm::Registry;
use crate::types::{NodeIndex, SimTime};
use carried::Carried;
use heard::Heard;

/// In rounds beyond this one, votes of the first are forgotten.
const ROUNDS_KEPT: u32 = 32;
/// Pieces of its own that a process holds, of all its peers, and of one.
const OWN_MAX: usize = 512;
const TOLD_MAX: usize = 512;
const OF_PEER_MAX: usize = 64;

type Key = (Height, ValidatorIndex, EvidenceKind);

/// What a process has seen and told.
#[derive(Clone, Debug, Default)]
struct Node {
    /// The height that it decides, by what it has let out.
    open: Height,
    /// The highest round of it.
    round: Round,
    heard: Heard,
    told: BTreeSet<Key>,
    /// What it has to tell before time goes on.
    due: Option<(SimTime, Key)>,
}

#[derive(Debug)]
pub(super) struct Evidence {
    byzantine: BTreeSet<NodeIndex>,
    chain: ChainContext,
    nodes: Vec<Node>,
    carried: Carried,
}

impl Evidence {
    pub(super) fn new(facts: &Facts) -> Self {
        Self {
            byzantine: facts.byzantine.clone(),
            chain: facts.economy.genesis.chain(),
            nodes: vec![Node::default(); facts.validators.into()],
            carried: Carried::new(facts.economy.genesis.parameters, facts.validators.into()),
        }
    }

    pub(super) fn observe(
        &mut self,
        (sets, registry): (&Sets, &Registry),
        at: SimTime,
        node: NodeIndex,
        seen: &Observation<'_>,
    ) -> Finding {
        if let Some(block) = seen.decided() {
            self.decided((sets, registry), block)?;
        }
        let state = &mut self.nodes[node.position()];
        state.keep_time(at)?;
        match seen {
            Observation::Started { height, .. } => {
                *state = Node::at(height.next());
                self.carried.started(node);
                Ok(())
            }
            Observation::Committed(block) => {
                state.open(at, block.header.height.next());
                Ok(())
            }
            Observation::Sent(frame) => {
                if let Some(Message::Evidence(proof)) = &frame.message {
                    self.carried.holds(node, state.open, proof);
                }
                Ok(())
            }
            Observation::Received(frame) => {
                // Nothing can be proven where nobody lies.
                if !self.byzantine.is_empty() {
                    self.hear((sets, registry), node, frame);
                }
                Ok(())
            }
            Observation::Reported(Event::Voted(vote)) => {
                state.checked(sets, at, node, vote);
                Ok(())
            }
            Observation::Reported(Event::Consensus(Consensus::RoundStarted {
                height,
                round,
                ..
            })) => {
                state.enter(*height, *round);
                Ok(())
            }
            Observation::Reported(Event::Evidence(proof)) => {
                self.told((sets, registry), node, proof)
            }
            Observation::Held {
                holdings,
                under_way,
            } => {
                bounded(&holdings.evidence)?;
                state.compare(holdings, *under_way)
            }
            Observation::Replayed(_)
            | Observation::Intended(_)
            | Observation::Released { .. }
            | Observation::Appended { .. }
            | Observation::Durable { .. }
            | Observation::Reported(_) => Ok(()),
        }
    }

    fn hear(&mut self, known: (&Sets, &Registry), node: NodeIndex, frame: &Frame) {
        let chain = &self.chain;
        let is_of = |author: ValidatorIndex, said: &Statement, signature: &Signature| {
            is_of(known, chain, author, said, signature)
        };
        self.nodes[node.position()].heard.frame(frame, is_of);
    }

    fn decided(&mut self, known: (&Sets, &Registry), block: &Committed) -> Finding {
        let proves = |proof: &Proof| proves(known, &self.chain, proof);
        let is_correct = |node: NodeIndex| !self.byzantine.contains(&node);
        self.carried.decided(known.0, block, proves, is_correct)
    }

    /// A proof is told once, and proves an offence of whom it names.
    fn told(&mut self, known: (&Sets, &Registry), node: NodeIndex, proof: &Proof) -> Finding {
        let key = proof.key();
        let place = (key.height, key.validator, key.kind);
        let state = &mut self.nodes[node.position()];
        if state.due.is_some_and(|(_, due)| due == place) {
            state.due = None;
        }
        if !state.told.insert(place) {
            return Err(format!("{key:?} was told before"));
        }
        self.carried.holds(node, state.open, proof);
        if proves(known, &self.chain, proof) {
            Ok(())
        } else {
            Err(format!("{key:?} is not proven by {:?}", proof.statements()))
        }
    }
}

impl Node {
    fn at(open: Height) -> Self {
        Self {
            open,
            heard: Heard::above(open),
            ..Self::default()
        }
    }

    /// What is due is told at the time at which the proof was seen.
    fn keep_time(&mut self, at: SimTime) -> Finding {
        match self.due.take_if(|(since, _)| *since < at) {
            Some((since, (height, author, kind))) => Err(format!(
                "{kind:?} of validator {author} at height {height} was seen at {since}, and not told"
            )),
            None => Ok(()),
        }
    }

    fn open(&mut self, at: SimTime, height: Height) {
        self.open = height;
        self.round = Round::new(0);
        self.heard.forget_below(height);
        self.told.retain(|(of, ..)| *of >= height);
        for author in self.heard.authors(height) {
            self.look_at(at, author);
        }
    }

    fn enter(&mut self, height: Height, round: Round) {
        if height == self.open {
            self.round = self.round.max(round);
        }
    }

    fn checked(&mut self, sets: &Sets, at: SimTime, node: NodeIndex, vote: &VoteSeen) {
        let Some(author) = node_of(vote.validator).filter(|author| *author != node) else {
            return;
        };
        let Some(author) = sets.at(vote.height).index_of(author) else {
            return;
        };
        let author = ValidatorIndex::new(author);
        self.heard.checked(author, vote);
        if vote.height == self.open {
            self.look_at(at, author);
        }
    }

    /// Whether both halves of an offence were seen that was not told.
    fn look_at(&mut self, at: SimTime, author: ValidatorIndex) {
        if self.round > Round::new(ROUNDS_KEPT) {
            return;
        }
        let proven = self.heard.offences(self.open, author).into_iter();
        let mut keys = proven.map(|kind| (self.open, author, kind));
        if let Some(key) = keys.find(|key| !self.told.contains(key)) {
            self.due.get_or_insert((at, key));
        }
    }

    /// Two proposals of a round were told; and of what was given out as proven, all.
    fn compare(&self, held: &Holdings, under_way: UnderWay) -> Finding {
        let consensus = &held.consensus;
        if under_way.outputs > 0 || consensus.height != self.open {
            return Ok(());
        }
        let mut places = BTreeSet::new();
        for (round, author) in &consensus.proposals {
            let key = (self.open, *author, EvidenceKind::DoubleProposal);
            if !places.insert(round) && !self.told.contains(&key) {
                return Err(format!(
                    "two proposals of validator {author} in round {round} are kept, and the offence was not told"
                ));
            }
        }
        let told = self.told.iter().filter(|(height, ..)| *height == self.open);
        let (told, proven) = (told.count(), consensus.offences);
        if told == proven {
            Ok(())
        } else {
            Err(format!(
                "{proven} offences are proven, and {told} were told"
            ))
        }
    }
}

/// No peer takes more than its room, nor all together, nor we ourselves.
fn bounded(held: &[(Option<Peer>, usize)]) -> Finding {
    let (own, told): (Vec<_>, Vec<_>) = held.iter().partition(|(giver, _)| giver.is_none());
    let sum = |held: &[&(Option<Peer>, usize)]| held.iter().map(|(_, count)| count).sum::<usize>();
    let is_bounded = sum(&own) <= OWN_MAX
        && sum(&told) <= TOLD_MAX
        && told.iter().all(|(_, count)| *count <= OF_PEER_MAX);
    if is_bounded {
        Ok(())
    } else {
        Err(format!("{held:?} pieces are held"))
    }
}

/// Whether two statements of one author, under its signatures, are an offence of that kind.
fn proves(known: (&Sets, &Registry), chain: &ChainContext, proof: &Proof) -> bool {
    let (first, second) = match proof {
        Proof::DoubleProposal(one, other) => (
            (one.proposer, one.statement(), &one.signature),
            (other.proposer, other.statement(), &other.signature),
        ),
        Proof::DoublePrevote(one, other)
        | Proof::DoublePrecommit(one, other)
        | Proof::Amnesia(one, other) => (
            (one.validator, one.statement(), &one.signature),
            (other.validator, other.statement(), &other.signature),
        ),
    };
    let mut words = Words::default();
    words.add(&first.1);
    words.add(&second.1);
    let of_author = [&first, &second]
        .iter()
        .all(|(author, said, signature)| is_of(known, chain, *author, said, signature));
    first.0 == second.0 && first.1.height() == second.1.height() && words.is_offence() && of_author
}

fn is_of(
    (sets, registry): (&Sets, &Registry),
    chain: &ChainContext,
    author: ValidatorIndex,
    said: &Statement,
    signature: &Signature,
) -> bool {
    let members = sets.at(said.height());
    registry.find(signature).is_some_and(|signed| {
        members.has_key(author.get(), registry.keys().public(signed.order.key))
            && signed.order.message == said.sign_bytes(chain).as_slice()
    })
}

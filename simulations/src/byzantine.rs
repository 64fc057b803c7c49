//! Validators that break the protocol: a shipped replica whose words are changed on their way out.
//!
//! Invariant: a lie is signed with the liar's own key, past its guard; nobody else's signature is ever made.
//! Shape: one file a behaviour; behaviours compose, and all liars of a run share one plot: the twin blocks they made, what each has
//! said of late, and what they have heard of everybody.
//! Who calls it: the world, for each frame that leaves a lying node.
//! Source: `docs/simulation.md`, "Scenarios".

mod amnesiac;
mod double_voter;
mod equivocator;
mod false_valid_round;
mod far_voter;
mod flood_batches;
mod flood_proposals;
mod flood_requests;
mod forger;
mod framer;
mod garbler;
mod hider;
mod invalid_block;
mod plot;
mod relabeller;
mod replayer;
mod silent;
mod sync_liar;
mod withholder;

use falaj_consensus::crypto::Signature;
use falaj_consensus::message::{Statement, Vote};
use falaj_consensus::types::{Height, Round, ValidatorIndex};
use falaj_consensus::validator_set::ValidatorSet;
use falaj_ledger::state::State;
use falaj_node::core::{Class, Frame, Message, ProposalBundle};
use schemars::JsonSchema;
use serde::{Deserialize, Serialize};

pub use plot::{Plot, Twin};

use crate::chance::{Chance, Draw, Site};
use crate::economy::validator_of;
use crate::marks::{Mark, Marks};
use crate::types::NodeIndex;

const SPLIT: Site = Site::new("byzantine/split");
/// The index of whoever is no validator.
const NOBODY: ValidatorIndex = ValidatorIndex::new(u16::MAX);
/// How many frames a flood sends instead of one.
const FLOOD: u64 = 12;

/// A way to break the protocol.
#[derive(
    Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord, Serialize, Deserialize, JsonSchema,
)]
#[serde(rename_all = "snake_case")]
pub enum Behaviour {
    /// Proposes two blocks in one round, each to some of the others.
    Equivocate,
    /// Votes for two values in one round, each to some of the others.
    VoteTwice,
    /// Votes for rounds and heights that are far away, without end.
    VoteFar,
    /// Passes votes on under another validator's name.
    RelabelVotes,
    /// Sends certificates and polkas of its own making beside the right ones.
    ForgeCertificates,
    /// Proposes blocks without end, for its round and for later ones.
    FloodProposals,
    /// Asks for blocks, batches and votes without end.
    FloodRequests,
    /// Sends batches without end, under numbers far apart, and some that hold no transactions.
    FloodBatches,
    /// Gives its batches to one other alone, and to nobody who asks.
    WithholdBatches,
    /// Answers whoever is behind with blocks and batches that are not those asked for.
    LieInSync,
    /// Says nothing to some of the others, to others of them at each height.
    KeepSilent,
    /// Sends again what it has said before.
    Replay,
    /// Sends bytes that are cut, changed, longer, on another stream, or no frame at all.
    Garble,
    /// Prevotes for what is proposed, whatever it is locked on.
    ForgetLocks,
    /// Shows each of its prevotes to one other alone, and to the rest in a later round.
    HidePrevotes,
    /// Claims a valid round that it has not seen.
    ClaimValidRound,
    /// Proposes blocks that no correct validator may prevote.
    ProposeInvalid,
    /// Accuses others, in its blocks, of votes that they never signed.
    Frame,
}

impl Behaviour {
    /// Every behaviour.
    pub const ALL: [Self; 18] = [
        Self::Equivocate,
        Self::VoteTwice,
        Self::VoteFar,
        Self::RelabelVotes,
        Self::ForgeCertificates,
        Self::FloodProposals,
        Self::FloodRequests,
        Self::FloodBatches,
        Self::WithholdBatches,
        Self::LieInSync,
        Self::KeepSilent,
        Self::Replay,
        Self::Garble,
        Self::ForgetLocks,
        Self::HidePrevotes,
        Self::ClaimValidRound,
        Self::ProposeInvalid,
        Self::Frame,
    ];

    /// What leaves instead of `frame`.
    pub fn rewrite(self, liar: &mut Liar<'_>, to: Vec<NodeIndex>, frame: Frame) -> Vec<Lie> {
        match self {
            Self::Equivocate => equivocator::rewrite(liar, to, frame),
            Self::VoteTwice => double_voter::rewrite(liar, to, frame),
            Self::VoteFar => far_voter::rewrite(liar, to, frame),
            Self::RelabelVotes => relabeller::rewrite(liar, to, frame),
            Self::ForgeCertificates => forger::rewrite(liar, to, frame),
            Self::FloodProposals => flood_proposals::rewrite(liar, to, frame),
            Self::FloodRequests => flood_requests::rewrite(liar, to, frame),
            Self::FloodBatches => flood_batches::rewrite(liar, to, frame),
            Self::WithholdBatches => withholder::rewrite(liar, to, frame),
            Self::LieInSync => sync_liar::rewrite(liar, to, frame),
            Self::KeepSilent => silent::rewrite(liar, to, frame),
            Self::Replay => replayer::rewrite(liar, to, frame),
            Self::Garble => garbler::rewrite(liar, to, frame),
            Self::ForgetLocks => amnesiac::rewrite(liar, to, frame),
            Self::HidePrevotes => hider::rewrite(liar, to, frame),
            Self::ClaimValidRound => false_valid_round::rewrite(liar, to, frame),
            Self::ProposeInvalid => invalid_block::rewrite(liar, to, frame),
            Self::Frame => framer::rewrite(liar, to, frame),
        }
    }
}

/// What a liar sends to some nodes.
#[derive(Clone, Debug)]
pub struct Lie {
    /// To whom.
    pub to: Vec<NodeIndex>,
    /// What.
    pub words: Words,
}

/// What a liar says.
#[derive(Clone, Debug)]
pub enum Words {
    /// A frame.
    Frame(Frame),
    /// Bytes on a stream, whatever they are.
    Bytes(Class, Vec<u8>),
}

impl Lie {
    /// A frame for some nodes.
    #[must_use]
    pub const fn frame(to: Vec<NodeIndex>, frame: Frame) -> Self {
        Self {
            to,
            words: Words::Frame(frame),
        }
    }
}

/// What a liar can do and knows when a frame is about to leave it.
pub struct Liar<'a> {
    /// Which node it is.
    pub place: NodeIndex,
    /// How many frames it has sent before this one.
    pub number: u64,
    /// The liar's own state, after its last decided height.
    pub state: &'a State,
    /// Who is worth a lie: liars do not trouble each other.
    pub victims: &'a [NodeIndex],
    /// What all liars know.
    pub plot: &'a mut Plot,
    /// Chance: all liars split the others of a round in the same way.
    pub chance: &'a Chance,
    /// What the run has reached.
    pub marks: &'a mut Marks,
    /// Signs anything with the liar's key.
    pub sign: &'a mut dyn FnMut(&Statement) -> Signature,
}

impl Liar<'_> {
    /// Chance for this frame, as one behaviour has it.
    fn draw(&self, site: Site) -> Draw {
        let draws = self.chance.draws(site, u64::from(self.place.get()));
        draws.at(self.number)
    }

    /// Whether a behaviour acts on this frame: on one of so many.
    fn acts(&self, site: Site, one_of: u64) -> Option<Draw> {
        let draw = self.draw(site);
        (draw.word(0).below(one_of) == 0).then_some(draw)
    }

    /// Its own index at a height, as far as it knows that height's set; one that nobody has if it is no member.
    fn index_at(&self, height: Height) -> ValidatorIndex {
        let own = self.set_at(height).index_of(validator_of(self.place));
        own.unwrap_or(NOBODY)
    }

    /// Its index at the height that it decides.
    fn index(&self) -> ValidatorIndex {
        self.index_at(self.open())
    }

    /// Whether it is a validator at the height that it decides.
    fn is_member(&self) -> bool {
        self.index() != NOBODY
    }

    /// How many validators there are at the height that it decides.
    fn validators(&self) -> u16 {
        u16::try_from(self.set_at(self.open()).len()).expect("a simulation has few validators")
    }

    /// The set of a height, or the last that it knows.
    fn set_at(&self, height: Height) -> &ValidatorSet {
        let sets = self.state.validator_sets();
        let begun = sets.take_while(|(from, _)| *from <= height.max(Height::new(1)));
        let (_, set) = begun.last().expect("genesis has a set");
        set
    }

    /// The height that the liar decides.
    fn open(&self) -> Height {
        self.state.height().next()
    }

    /// A frame of its own making, with a message.
    fn says(&self, message: Message) -> Frame {
        Frame {
            height: self.state.height(),
            acks: Vec::new(),
            message: Some(message),
        }
    }
}

/// A vote of the liar's own that its replica has just made: votes that are said again for who asked are several, or others'.
fn fresh_vote<'a>(liar: &Liar<'_>, frame: &'a Frame) -> Option<&'a Vote> {
    let Some(Message::Votes(votes)) = &frame.message else {
        return None;
    };
    let [vote] = &votes[..] else {
        return None;
    };
    (vote.validator == liar.index_at(vote.height)).then_some(vote)
}

/// A proposal of the liar's own for the height that it decides, with a block that is new.
fn own_fresh_proposal<'a>(liar: &Liar<'_>, frame: &'a Frame) -> Option<&'a ProposalBundle> {
    let Some(Message::Proposal(bundle)) = &frame.message else {
        return None;
    };
    let proposal = &bundle.proposal;
    let is_own = proposal.proposer == liar.index() && proposal.height() == liar.open();
    (is_own && proposal.valid_round.is_none()).then_some(bundle)
}

/// The truth, and lies beside it to those of the same nodes that do not lie themselves: two liars that answered each other's floods
/// with floods would be busy with nothing else.
fn beside(
    liar: &mut Liar<'_>,
    mark: Mark,
    (to, truth): (Vec<NodeIndex>, Frame),
    lies: Vec<Frame>,
) -> Vec<Lie> {
    let is_victim = |node: &&NodeIndex| liar.victims.contains(node);
    let victims: Vec<_> = to.iter().filter(is_victim).copied().collect();
    liar.marks
        .hit_if(!lies.is_empty() && !victims.is_empty(), mark);
    let lies = lies
        .into_iter()
        .map(|frame| Lie::frame(victims.clone(), frame));
    std::iter::once(Lie::frame(to, truth)).chain(lies).collect()
}

/// Each part of the recipients hears something else in a round.
fn tell_apart(
    liar: &Liar<'_>,
    place: (Height, Round),
    to: &[NodeIndex],
    frames: [Frame; 2],
) -> Vec<Lie> {
    let (first, second) = split(liar, place, to);
    let lies = [first, second].into_iter().zip(frames);
    lies.map(|(to, frame)| Lie::frame(to, frame)).collect()
}

/// Two parts of the recipients, by chance for each node and round; a quarter of them is in both, and can prove the lie.
fn split(
    liar: &Liar<'_>,
    (height, round): (Height, Round),
    to: &[NodeIndex],
) -> (Vec<NodeIndex>, Vec<NodeIndex>) {
    let place = height.get() << 16 | u64::from(round.get());
    let draw = liar.chance.draws(SPLIT, place).next();
    let bit = |word: usize, node: &NodeIndex| draw.bit(word, node.get());
    let both = |node: &NodeIndex| bit(1, node) && bit(2, node);
    let part = |chosen: bool| {
        to.iter()
            .copied()
            .filter(|node| both(node) || bit(0, node) == chosen)
            .collect()
    };
    (part(true), part(false))
}

//! What a process has heard of every author, and which of it it is sure to have checked.
//!
//! Shape: by height, author, kind and round. A report of a checked vote says whether it was nil and not for which block, and comes after
//! the vote was heard: so a vote is sure to have been checked once there are more such reports than copies of all others like it.
//! Source: `docs/spec/consensus.md`, "Evidence" and "Bounds".

use std::collections::{BTreeMap, BTreeSet};

use falaj_consensus::crypto::Signature;
use falaj_consensus::message::{EvidenceKind, Kind, Statement};
use falaj_consensus::types::{Height, Round, ValidatorIndex};
use falaj_consensus::validator_set::Bitmap;
use falaj_node::core::{Frame, Message, VoteSeen};

use super::super::accountability::words::forgets;

/// Rounds of one sender of which all votes are kept, however it is ordered: the bound of the next height.
const ROUNDS_MAX: usize = 4;

/// Heights beyond the one that a process has let out last of which anything is remembered.
const HEIGHTS_AHEAD: u64 = 64;

/// The votes of one author, kind and round.
#[derive(Clone, Debug, Default)]
struct Votes {
    /// How often each was heard.
    copies: BTreeMap<Statement, u64>,
    /// How often a vote for a block was checked, and a nil vote.
    checked: u64,
    checked_nil: u64,
    /// What members of certificates have said here.
    certified: BTreeSet<Statement>,
}

impl Votes {
    /// Those that are sure to have been checked.
    fn seen(&self) -> impl Iterator<Item = &Statement> {
        let of_blocks = self.copies.iter().filter(|(said, _)| !is_nil(said));
        let all: u64 = of_blocks.map(|(_, copies)| copies).sum();
        let is_seen = move |(said, copies): &(&Statement, &u64)| {
            if is_nil(said) {
                self.checked_nil > 0
            } else {
                self.checked > all - **copies
            }
        };
        self.copies.iter().filter(is_seen).map(|(said, _)| said)
    }

    /// The only thing that was said here, if it was checked.
    fn alone(&self) -> Option<&Statement> {
        let said: BTreeSet<_> = self.copies.keys().chain(&self.certified).collect();
        self.seen().next().filter(|_| said.len() == 1)
    }
}

type OfAuthor = BTreeMap<(Kind, Round), Votes>;

/// Everything that was heard at the heights that are not decided.
#[derive(Clone, Debug, Default)]
pub(super) struct Heard {
    below: Height,
    heights: BTreeMap<Height, BTreeMap<ValidatorIndex, OfAuthor>>,
}

impl Heard {
    /// Nothing yet, of a process that decides this height.
    pub(super) fn above(height: Height) -> Self {
        Self {
            below: height,
            ..Self::default()
        }
    }

    /// Takes in what a frame says, as far as it is its authors' own.
    pub(super) fn frame(
        &mut self,
        frame: &Frame,
        is_of: impl Fn(ValidatorIndex, &Statement, &Signature) -> bool,
    ) {
        match &frame.message {
            Some(Message::Votes(votes)) => {
                for vote in votes {
                    let (author, said) = (vote.validator, vote.statement());
                    if is_of(author, &said, &vote.signature)
                        && let Some(votes) = self.place(author, &said)
                    {
                        *votes.copies.entry(said).or_default() += 1;
                    }
                }
            }
            Some(Message::Polka(polka)) => self.members(&polka.statement(), &polka.signers),
            Some(Message::Certificate(certificate)) => {
                self.members(&certificate.statement(), &certificate.signers);
            }
            Some(Message::Proposal(bundle)) => {
                if let Some(polka) = &bundle.polka {
                    self.members(&polka.statement(), &polka.signers);
                }
                if let Some(parent) = &bundle.parent {
                    self.members(&parent.statement(), &parent.signers);
                }
            }
            Some(Message::Blocks(blocks)) => {
                for block in blocks {
                    let certificate = &block.certificate;
                    self.members(&certificate.statement(), &certificate.signers);
                }
            }
            _ => {}
        }
    }

    /// A vote of somebody else was checked.
    pub(super) fn checked(&mut self, author: ValidatorIndex, vote: &VoteSeen) {
        let votes = self.votes(vote.height, author, (vote.kind, vote.round));
        if let Some(votes) = votes {
            let count = if vote.is_nil {
                &mut votes.checked_nil
            } else {
                &mut votes.checked
            };
            *count += 1;
        }
    }

    /// The offences of an author of which both halves are sure to have been checked, unless it is heard in too many rounds.
    pub(super) fn offences(&self, height: Height, author: ValidatorIndex) -> Vec<EvidenceKind> {
        let authors = self.heights.get(&height);
        let Some(of_author) = authors.and_then(|authors| authors.get(&author)) else {
            return Vec::new();
        };
        // Two kinds of votes a round: whoever has more places than that has too many rounds, and they are not counted one by one.
        if of_author.len() > 2 * ROUNDS_MAX {
            return Vec::new();
        }
        let rounds: BTreeSet<_> = of_author.keys().map(|(_, round)| round).collect();
        if rounds.len() > ROUNDS_MAX {
            return Vec::new();
        }
        let mut proven: Vec<_> = of_author
            .iter()
            .filter(|(_, votes)| votes.seen().count() > 1)
            .map(|((kind, _), _)| double(*kind))
            .collect();
        if is_amnesiac(of_author) {
            proven.push(EvidenceKind::Amnesia);
        }
        proven
    }

    pub(super) fn authors(&self, height: Height) -> Vec<ValidatorIndex> {
        let authors = self.heights.get(&height).into_iter().flatten();
        authors.map(|(author, _)| *author).collect()
    }

    pub(super) fn forget_below(&mut self, height: Height) {
        self.below = height;
        self.heights = self.heights.split_off(&height);
    }

    fn members(&mut self, said: &Statement, signers: &Bitmap) {
        for author in signers.iter() {
            if let Some(votes) = self.place(author, said) {
                votes.certified.insert(*said);
            }
        }
    }

    fn place(&mut self, author: ValidatorIndex, said: &Statement) -> Option<&mut Votes> {
        self.votes(said.height(), author, (said.kind(), said.round()))
    }

    fn votes(
        &mut self,
        height: Height,
        author: ValidatorIndex,
        place: (Kind, Round),
    ) -> Option<&mut Votes> {
        // What it has let out may lag behind what it has decided.
        let ahead = height.get().checked_sub(self.below.get())?;
        (ahead <= HEIGHTS_AHEAD).then(|| {
            let authors = self.heights.entry(height).or_default();
            let of_author = authors.entry(author).or_default();
            of_author.entry(place).or_default()
        })
    }
}

const fn double(kind: Kind) -> EvidenceKind {
    match kind {
        Kind::Proposal => EvidenceKind::DoubleProposal,
        Kind::Prevote => EvidenceKind::DoublePrevote,
        Kind::Precommit => EvidenceKind::DoublePrecommit,
    }
}

/// Whether a precommit and a later prevote contradict each other, each the only one of its round.
fn is_amnesiac(of_author: &OfAuthor) -> bool {
    let alone = |of: Kind| {
        let of_kind = of_author.iter().filter(move |((kind, _), _)| *kind == of);
        of_kind.filter_map(|(_, votes)| votes.alone())
    };
    alone(Kind::Precommit).any(|lock| alone(Kind::Prevote).any(|prevote| forgets(lock, prevote)))
}

const fn is_nil(said: &Statement) -> bool {
    matches!(
        said,
        Statement::Prevote { value: None, .. } | Statement::Precommit { value: None, .. }
    )
}

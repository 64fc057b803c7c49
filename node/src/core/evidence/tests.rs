//! What is kept, and how much of whom.

use super::*;
use falaj_consensus::crypto::Signature;
use falaj_consensus::evidence::double_vote;
use falaj_consensus::message::{PrevoteValue, Statement, Vote};
use falaj_consensus::types::{BlockId, Height, Round, ValidatorId, ValidatorIndex};

fn piece(height: u64, validator: u16) -> Evidence {
    let vote = |value| {
        let statement = Statement::Prevote {
            height: Height::new(height),
            round: Round::new(0),
            value,
        };
        let signature = Signature::new(vec![1; 64]).unwrap();
        Vote::new(ValidatorIndex::new(validator), statement, signature).unwrap()
    };
    let some = PrevoteValue {
        id: BlockId::default(),
        valid_round: None,
    };
    double_vote(&vote(None), &vote(Some(some))).unwrap()
}

fn peer(number: u32) -> Option<Peer> {
    Peer::of(ValidatorId::new(number))
}

// docs/spec/dissemination.md, "Evidence": one piece a height, validator and kind, the first; in the order of a block.
#[test]
fn one_piece_is_kept_of_an_offence() {
    let mut pool = EvidencePool::default();
    assert!(pool.insert(piece(2, 1), None));
    assert!(!pool.insert(piece(2, 1), peer(1)));
    assert!(pool.insert(piece(1, 3), peer(1)) && pool.insert(piece(1, 2), peer(2)));
    let keys: Vec<_> = pool.iter().map(Evidence::key).collect();
    assert_eq!(
        keys,
        [(1, 2), (1, 3), (2, 1)].map(|(h, v)| piece(h, v).key())
    );
    let low: Vec<_> = pool.takable(|key| key.height == Height::new(1)).collect();
    assert_eq!(low.len(), 2);
    pool.retain(|key| key.height > Height::new(1));
    assert_eq!(pool.holdings().into_iter().collect::<Vec<_>>(), [(None, 1)]);
}

// docs/spec/dissemination.md, "Bounds": a peer's pieces are bounded, all peers' together too, and neither takes the room of our own.
#[test]
fn pieces_are_bounded_by_giver_and_in_all() {
    let mut pool = EvidencePool::default();
    let mut heights = 1..;
    let mut fill = |pool: &mut EvidencePool, giver| {
        let taken = heights
            .by_ref()
            .take_while(|height| pool.insert(piece(*height, 0), giver));
        taken.count()
    };
    let peers = u32::try_from(TOLD_MAX / OF_PEER_MAX).unwrap();
    for number in 0..peers {
        assert_eq!(fill(&mut pool, peer(number)), OF_PEER_MAX);
    }
    assert_eq!(fill(&mut pool, peer(peers)), 0);
    assert_eq!(fill(&mut pool, None), OWN_MAX);
}

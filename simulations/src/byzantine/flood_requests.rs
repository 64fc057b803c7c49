//! A flood of requests: for old blocks as many at a time as may be, for batches and blocks that nobody has, for all votes of a round.

use falaj_consensus::types::{BatchDigest, BlockId, Hash32, Height, Round};
use falaj_consensus::validator_set::Bitmap;
use falaj_node::core::{Frame, Message};

use super::{FLOOD, Liar, Lie, beside};
use crate::chance::{Draw, Site};
use crate::marks::Mark;
use crate::types::NodeIndex;

const REQUESTS: Site = Site::new("byzantine/flood-requests");
/// As many as one request may name.
const BLOCKS: u16 = 32;
const BATCHES: u8 = 64;

pub(super) fn rewrite(liar: &mut Liar<'_>, to: Vec<NodeIndex>, frame: Frame) -> Vec<Lie> {
    let Some(draw) = liar.acts(REQUESTS, 2) else {
        return vec![Lie::frame(to, frame)];
    };
    let lies = (0..FLOOD)
        .map(|number| liar.says(request(liar, &draw, number)))
        .collect();
    beside(liar, Mark::FloodOfRequests, (to, frame), lies)
}

fn request(liar: &Liar<'_>, draw: &Draw, number: u64) -> Message {
    let height = liar.open();
    let nobody = Hash32::new([u8::try_from(number).unwrap_or_default(); 32]);
    match number % 4 {
        0 => Message::GetBlocks {
            from: Height::new(1 + draw.word(1).below(height.get())),
            count: BLOCKS,
        },
        1 => Message::GetBatches {
            height,
            digests: (0..BATCHES)
                .map(|byte| BatchDigest::new(Hash32::new([byte; 32])))
                .collect(),
        },
        2 => Message::GetBlock {
            height,
            id: BlockId::new(nobody),
        },
        _ => Message::PullVotes {
            height,
            round: Round::new(0),
            proposal: false,
            prevotes: Bitmap::none(usize::from(liar.validators())),
            precommits: Bitmap::none(usize::from(liar.validators())),
        },
    }
}

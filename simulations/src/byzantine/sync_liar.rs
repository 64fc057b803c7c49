//! A sync liar: what it sends to those who are behind is not what they asked for.

use falaj_consensus::message::Body;
use falaj_consensus::types::{Hash32, Height, OutcomeHash};
use falaj_node::core::{DecidedBlock, Frame, Message, SnapshotAnswer, SnapshotName};

use super::{Liar, Lie};
use crate::chance::{Draw, Site};
use crate::marks::Mark;
use crate::types::NodeIndex;

const SYNC: Site = Site::new("byzantine/sync");

pub(super) fn rewrite(liar: &mut Liar<'_>, to: Vec<NodeIndex>, mut frame: Frame) -> Vec<Lie> {
    let draw = liar.draw(SYNC);
    let lied = match &mut frame.message {
        Some(Message::Blocks(blocks)) if !blocks.is_empty() => {
            spoil_blocks(&draw, blocks);
            true
        }
        Some(Message::Block { body, .. }) => {
            body.inline.push(vec![0xa5; 100]);
            true
        }
        // One that goes to one node was asked for.
        Some(Message::Batch(bytes)) if to.len() == 1 => {
            if let Some(byte) = bytes.last_mut() {
                *byte ^= 1;
            }
            true
        }
        Some(Message::Snapshot(answer)) => {
            spoil_snapshot(&draw, answer);
            true
        }
        _ => false,
    };
    liar.marks.hit_if(lied, Mark::LieInSync);
    vec![Lie::frame(to, frame)]
}

fn spoil_blocks(draw: &Draw, blocks: &mut Vec<DecidedBlock>) {
    let place = draw.word(1).below(blocks.len() as u64);
    let place = usize::try_from(place).expect("it is below a length");
    let block = &mut blocks[place];
    match draw.word(0).below(5) {
        0 => block.header.time_us += 1,
        1 => block.body = Body::default(),
        2 => block.certificate.outcome = OutcomeHash::new(Hash32::new([7; 32])),
        3 => block.certificate.signatures.truncate(1),
        _ => {
            blocks.remove(place);
        }
    }
}

/// A snapshot that nobody has, or another byte.
fn spoil_snapshot(draw: &Draw, answer: &mut SnapshotAnswer) {
    match answer {
        SnapshotAnswer::Newest(newest) if draw.word(0).below(2) == 0 => {
            let (height, cut) = (Height::new(1 << 40), Hash32::ZERO);
            *newest = Some(SnapshotName { height, cut });
        }
        SnapshotAnswer::Newest(_) => {}
        SnapshotAnswer::Manifest { bytes, .. } | SnapshotAnswer::Chunk { bytes, .. } => {
            let place = draw.word(1).below(bytes.len().max(1) as u64);
            let place = usize::try_from(place).expect("it is below a length");
            if let Some(byte) = bytes.get_mut(place) {
                *byte ^= 1;
            }
        }
    }
}

//! A flood of batches: its last one again under other numbers, far apart, and some that hold nothing of meaning.

use falaj_consensus::hash::encode;
use falaj_consensus::message::{BATCH_BYTES_MAX, Batch, decode};
use falaj_node::core::{Frame, Message};

use super::{FLOOD, Liar, Lie, beside};
use crate::chance::Site;
use crate::economy::validator_of;
use crate::marks::Mark;
use crate::types::NodeIndex;

const BATCHES: Site = Site::new("byzantine/flood-batches");
/// How far apart numbers are at the most.
const NUMBERS_MAX: u64 = 1 << 20;
const NONSENSE_BYTES: usize = 200;

pub(super) fn rewrite(liar: &mut Liar<'_>, to: Vec<NodeIndex>, frame: Frame) -> Vec<Lie> {
    let own = validator_of(liar.place);
    let last = liar.plot.last(liar.place, |message| {
        let Message::Batch(bytes) = message else {
            return None;
        };
        let batch: Option<Batch> = decode("batch", bytes, BATCH_BYTES_MAX).ok();
        batch.filter(|batch| batch.author == own)
    });
    let (Some(draw), Some(last)) = (liar.acts(BATCHES, 4), last) else {
        return vec![Lie::frame(to, frame)];
    };
    let apart = draw.word(1).log_uniform(1, NUMBERS_MAX);
    let lies = (1..=FLOOD)
        .map(|number| {
            let mut batch = last.clone();
            batch.seq = batch.seq.saturating_add(number.saturating_mul(apart));
            if number == FLOOD {
                batch.transactions = vec![vec![0xa5; NONSENSE_BYTES]];
            }
            liar.says(Message::Batch(encode(&batch)))
        })
        .collect();
    beside(liar, Mark::FloodOfBatches, (to, frame), lies)
}

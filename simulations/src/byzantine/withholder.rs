//! A withholder: its batches go to one other alone, so that most who have to judge its blocks must ask, and it answers nobody.

use falaj_node::core::{Frame, Message};

use super::{Liar, Lie};
use crate::marks::Mark;
use crate::types::NodeIndex;

pub(super) fn rewrite(liar: &mut Liar<'_>, mut to: Vec<NodeIndex>, frame: Frame) -> Vec<Lie> {
    if matches!(&frame.message, Some(Message::Batch(_))) {
        liar.marks.hit(Mark::WithheldBatch);
        // To all means that it is new; to one that it was asked for.
        let first = to.first().copied().filter(|_| to.len() > 1);
        to = first.into_iter().collect();
    }
    vec![Lie::frame(to, frame)]
}

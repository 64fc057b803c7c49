//! A silent validator: it says nothing to some of the others, at each height to others of them.

use falaj_node::core::Frame;

use super::{Liar, Lie};
use crate::chance::Site;
use crate::marks::Mark;
use crate::types::NodeIndex;

const SILENCE: Site = Site::new("byzantine/silence");

pub(super) fn rewrite(liar: &mut Liar<'_>, mut to: Vec<NodeIndex>, frame: Frame) -> Vec<Lie> {
    let place = liar.open().get() << 16 | u64::from(liar.place.get());
    let draw = liar.chance.draws(SILENCE, place).next();
    let before = to.len();
    to.retain(|node| draw.bit(0, node.get()));
    liar.marks.hit_if(to.len() < before, Mark::Silence);
    vec![Lie::frame(to, frame)]
}

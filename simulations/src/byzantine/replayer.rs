//! A replayer: with some frames it sends one again that it has sent before, whatever it said then.

use falaj_node::core::Frame;

use super::{Liar, Lie, beside};
use crate::chance::Site;
use crate::marks::Mark;
use crate::types::NodeIndex;

const REPLAY: Site = Site::new("byzantine/replay");

pub(super) fn rewrite(liar: &mut Liar<'_>, to: Vec<NodeIndex>, frame: Frame) -> Vec<Lie> {
    let Some(draw) = liar.acts(REPLAY, 2) else {
        return vec![Lie::frame(to, frame)];
    };
    let old = liar.plot.any(liar.place, draw.word(1));
    let lies = old.into_iter().collect();
    beside(liar, Mark::StaleReplay, (to, frame), lies)
}

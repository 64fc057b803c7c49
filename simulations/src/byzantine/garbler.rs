//! A garbler: bytes that are cut, changed, longer, on another stream, or no frame at all.
//!
//! Shape: every fourth frame; what is left may still be a frame.

use falaj_node::core::{Class, Frame};

use super::{Liar, Lie, Words};
use crate::chance::{Draw, Site};
use crate::marks::Mark;
use crate::types::NodeIndex;

const GARBLE: Site = Site::new("byzantine/garble");
const LONGER_BYTES_MAX: u64 = 4_096;

pub(super) fn rewrite(liar: &mut Liar<'_>, to: Vec<NodeIndex>, frame: Frame) -> Vec<Lie> {
    let Some(draw) = liar.acts(GARBLE, 4) else {
        return vec![Lie::frame(to, frame)];
    };
    liar.marks.hit(Mark::Garbled);
    let (class, bytes) = garbled(&draw, frame.class(), frame.encode().to_vec());
    vec![Lie {
        to,
        words: Words::Bytes(class, bytes),
    }]
}

fn garbled(draw: &Draw, class: Class, mut bytes: Vec<u8>) -> (Class, Vec<u8>) {
    let place = position(draw.word(2).below(bytes.len() as u64));
    match draw.word(1).below(5) {
        0 => bytes.truncate(place),
        1 => bytes[place] ^= 1 << draw.word(3).below(8),
        2 => {
            let longer = position(draw.word(3).log_uniform(1, LONGER_BYTES_MAX));
            bytes.resize(bytes.len() + longer, 0xa5);
        }
        3 => {
            let other = Class::ALL[position(draw.word(3).below(Class::ALL.len() as u64))];
            return (other, bytes);
        }
        _ => bytes.fill(u8::try_from(draw.word(3).below(256)).unwrap_or_default()),
    }
    (class, bytes)
}

fn position(below: u64) -> usize {
    usize::try_from(below).expect("it is below a length")
}

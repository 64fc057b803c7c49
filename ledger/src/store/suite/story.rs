//! A chain of blocks with every state and index there was, made from nothing but their heights.

use std::collections::BTreeMap;

use falaj_consensus::hash::sha256;
use falaj_consensus::types::{BlockId, Hash32, Height, OutcomeHash};

use crate::state_map::StateMap;
use crate::store::{BlockWrite, Marker, Page};
use crate::write_set::WriteSet;

/// Hash of the genesis of all stories.
pub(crate) const GENESIS: Hash32 = Hash32::new([7; 32]);

/// Blocks 0 to the last one.
pub(crate) struct Story {
    blocks: Vec<BlockWrite>,
    states: Vec<StateMap>,
}

impl Story {
    /// The story up to a height.
    pub(crate) fn new(last: u64) -> Self {
        let mut story = Self {
            blocks: Vec::new(),
            states: Vec::new(),
        };
        let mut state = StateMap::new();
        for height in 0..=last {
            let write_set = changes(height);
            state.apply(&write_set);
            let marker = marker(height, &state);
            story.blocks.push(BlockWrite {
                marker,
                write_set,
                pages: pages(height),
            });
            story.states.push(state.clone());
        }
        story
    }

    pub(crate) fn heights(&self) -> impl Iterator<Item = Height> + use<> {
        (0..self.blocks.len() as u64).map(Height::new)
    }

    pub(crate) fn block(&self, height: Height) -> BlockWrite {
        self.blocks[at(height)].clone()
    }

    pub(crate) fn marker(&self, height: Height) -> Marker {
        self.blocks[at(height)].marker
    }

    pub(crate) fn state(&self, height: Height) -> &StateMap {
        &self.states[at(height)]
    }

    /// All pages after a block, in order of key.
    pub(crate) fn pages(&self, last: Option<Height>) -> Vec<Page> {
        let blocks = last.map_or(0, |height| at(height) + 1);
        let pages = self.blocks[..blocks].iter().flat_map(|block| &block.pages);
        let by_key: BTreeMap<_, _> = pages
            .map(|page| (page.key.clone(), page.value.clone()))
            .collect();
        by_key
            .into_iter()
            .map(|(key, value)| Page { key, value })
            .collect()
    }
}

fn at(height: Height) -> usize {
    usize::try_from(height.get()).unwrap()
}

fn marker(height: u64, state: &StateMap) -> Marker {
    let hash = |name: &str| sha256(format!("{name} {height}").as_bytes());
    Marker {
        height: Height::new(height),
        block_id: BlockId::new(hash("block")),
        outcome: OutcomeHash::new(hash("outcome")),
        state_root: state.root(),
    }
}

/// Every block replaces and deletes some keys of earlier ones; some are empty, some longer than several chunks, and one
/// writes values longer than a page of sled's.
fn changes(height: u64) -> WriteSet {
    let mut set = WriteSet::new();
    if height % 5 == 4 {
        return set;
    }
    let count = if height % 3 == 1 { 300 } else { 10 };
    for number in 0..count {
        set.put(
            format!("key {number}"),
            format!("value {height} {number}").repeat(3),
        );
    }
    for number in 0..5 {
        set.delete(format!("key {}", height * 2 + number));
    }
    if height == 2 {
        set.put(*b"long", vec![2; 100_000]);
    }
    set
}

/// A page of its own for every block, one that every block replaces, and now and then a long one.
fn pages(height: u64) -> Vec<Page> {
    let page = |key: String, value: Vec<u8>| Page {
        key: key.into_bytes(),
        value,
    };
    let mut pages = vec![
        page(format!("block {height}"), vec![1; 40]),
        page("latest".into(), height.to_be_bytes().to_vec()),
    ];
    if height % 3 == 2 {
        pages.push(page(format!("long {height}"), vec![3; 60_000]));
    }
    pages
}

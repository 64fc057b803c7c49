//! Batch update of the state tree: first the new shape, then every new hash once, level by level.
//!
//! Invariant: the result equals the tree built from scratch over the changed leaves; untouched subtrees are shared.
//! Shapes and units: changes are sorted by key hash; a draft names a new inner node by its position in the plan, and a
//! node's children stand before it.
//! Panics: never for sorted changes without repetition, which the caller asserts.

use std::sync::Arc;

use falaj_consensus::types::Hash32;

use super::node::{Inner, Leaf, Node, bit};
use super::{LeafChange, pair_hash};

/// The tree after the changes.
pub(super) fn update(top: &Node, changes: &[LeafChange]) -> Node {
    let changes: Vec<Change> = changes.iter().map(Change::new).collect();
    let mut plan = Plan::default();
    let draft = plan.change(top, &changes, 0);
    plan.finish(draft)
}

/// A change with its new leaf already hashed.
struct Change {
    key: Hash32,
    leaf: Option<Arc<Leaf>>,
}

impl Change {
    fn new((key, value): &LeafChange) -> Self {
        Self {
            key: *key,
            leaf: value.map(|value| Arc::new(Leaf::new(*key, value))),
        }
    }
}

/// A subtree of the new tree.
enum Draft {
    /// Needs no new hash.
    Whole(Node),
    /// The inner node at this position of the plan.
    New(usize),
}

/// The new inner nodes, children first.
#[derive(Default)]
struct Plan {
    forks: Vec<Fork>,
    depth_max: usize,
}

struct Fork {
    depth: usize,
    left: Draft,
    right: Draft,
}

impl Plan {
    /// The new shape of a subtree.
    fn change(&mut self, node: &Node, changes: &[Change], depth: usize) -> Draft {
        if changes.is_empty() {
            return Draft::Whole(node.clone());
        }
        match node {
            Node::Empty => self.build(&new_leaves(changes), depth),
            Node::Leaf(leaf) => self.build(&merged_leaves(leaf, changes), depth),
            Node::Inner(inner) => {
                let (left, right) =
                    changes.split_at(changes.partition_point(|c| !bit(&c.key, depth)));
                let below = depth.saturating_add(1);
                let left = self.change(&inner.left, left, below);
                let right = self.change(&inner.right, right, below);
                self.join(left, right, depth)
            }
        }
    }

    /// A subtree of these leaves, sorted by key hash.
    fn build(&mut self, leaves: &[&Arc<Leaf>], depth: usize) -> Draft {
        match leaves {
            [] => Draft::Whole(Node::Empty),
            [leaf] => Draft::Whole(Node::Leaf(Arc::clone(leaf))),
            several => {
                let (left, right) =
                    several.split_at(several.partition_point(|l| !bit(&l.key, depth)));
                let below = depth.saturating_add(1);
                let left = self.build(left, below);
                let right = self.build(right, below);
                self.join(left, right, depth)
            }
        }
    }

    /// Two subtrees under one fork; with fewer than two leaves there is none.
    fn join(&mut self, left: Draft, right: Draft, depth: usize) -> Draft {
        match (&left, &right) {
            (Draft::Whole(Node::Empty), Draft::Whole(Node::Empty | Node::Leaf(_))) => right,
            (Draft::Whole(Node::Leaf(_)), Draft::Whole(Node::Empty)) => left,
            _ => {
                self.depth_max = self.depth_max.max(depth);
                self.forks.push(Fork { depth, left, right });
                Draft::New(self.forks.len().saturating_sub(1))
            }
        }
    }

    /// Hashes the new forks and makes nodes of them.
    fn finish(self, top: Draft) -> Node {
        let hashes = self.hashes();
        let mut nodes: Vec<Node> = Vec::with_capacity(self.forks.len());
        for (fork, hash) in self.forks.into_iter().zip(hashes) {
            let left = taken(fork.left, &mut nodes);
            let right = taken(fork.right, &mut nodes);
            nodes.push(Node::Inner(Arc::new(Inner { hash, left, right })));
        }
        taken(top, &mut nodes)
    }

    /// The hash of each fork, computed from the deepest level up.
    fn hashes(&self) -> Vec<Hash32> {
        let mut levels = vec![Vec::new(); self.depth_max.saturating_add(1)];
        for (position, fork) in self.forks.iter().enumerate() {
            levels[fork.depth].push(position);
        }
        let mut hashes = vec![Hash32::ZERO; self.forks.len()];
        for level in levels.iter().rev() {
            self.hash_level(level, &mut hashes);
        }
        hashes
    }

    fn hash_level(&self, level: &[usize], hashes: &mut [Hash32]) {
        let pairs: Vec<pair_hash::Pair> = level
            .iter()
            .map(|position| &self.forks[*position])
            .map(|fork| {
                pair_hash::pair(&hash_of(&fork.left, hashes), &hash_of(&fork.right, hashes))
            })
            .collect();
        for (position, hash) in level.iter().zip(pair_hash::many(&pairs)) {
            hashes[*position] = hash;
        }
    }
}

fn hash_of(draft: &Draft, hashes: &[Hash32]) -> Hash32 {
    match draft {
        Draft::Whole(node) => node.hash(),
        Draft::New(position) => hashes[*position],
    }
}

/// A draft's node; a new one has exactly one parent, which takes it.
fn taken(draft: Draft, nodes: &mut [Node]) -> Node {
    match draft {
        Draft::Whole(node) => node,
        Draft::New(position) => std::mem::take(&mut nodes[position]),
    }
}

fn new_leaves(changes: &[Change]) -> Vec<&Arc<Leaf>> {
    changes
        .iter()
        .filter_map(|change| change.leaf.as_ref())
        .collect()
}

/// The leaves of the changes and the old one, unless it is changed itself.
fn merged_leaves<'a>(old: &'a Arc<Leaf>, changes: &'a [Change]) -> Vec<&'a Arc<Leaf>> {
    let mut leaves = new_leaves(changes);
    if changes
        .binary_search_by_key(&old.key, |change| change.key)
        .is_err()
    {
        leaves.insert(leaves.partition_point(|leaf| leaf.key < old.key), old);
    }
    leaves
}

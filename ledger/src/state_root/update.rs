//! Batch update of the state tree: first the new shape, then every new hash once, level by level.
//!
//! Invariant: the result equals the tree built from scratch over the changed leaves; untouched subtrees are shared.
//! Shapes and units: changes are in ascending order of the key hash. They are taken in neighbouring groups of at most
//! [`GROUP_CHANGES`], each a subtree, so that what a group reads and hashes stays in the processor's cache.
//! Panics: never for sorted changes without repetition, which the caller asserts.

use falaj_consensus::types::Hash32;

use super::LeafChange;
use super::hash::bit;
use super::node::{Leaf, Node};
use super::plan::{Draft, Plan};

/// The most changes planned and hashed together; measured, see `docs/spec/state-root.md`.
const GROUP_CHANGES: usize = 64;

/// The tree after the changes.
pub(super) fn update(top: &Node, changes: &[LeafChange]) -> Node {
    let changes: Vec<Change> = changes.iter().map(Change::new).collect();
    update_groups(&mut Plan::default(), top, &changes, 0)
}

/// A change with its new leaf already hashed.
struct Change {
    key: Hash32,
    leaf: Option<Leaf>,
}

impl Change {
    fn new((key, value): &LeafChange) -> Self {
        Self {
            key: *key,
            leaf: value.map(|value| Leaf::new(*key, value)),
        }
    }
}

/// Splits many changes between the two halves of a subtree, and plans few at once.
fn update_groups(plan: &mut Plan, node: &Node, changes: &[Change], depth: usize) -> Node {
    let halves = if changes.len() > GROUP_CHANGES {
        node.halves()
    } else {
        None
    };
    let draft = if let Some((left, right)) = halves {
        let (left_changes, right_changes) = split_changes(changes, depth);
        let below = depth.saturating_add(1);
        let left = update_groups(plan, left, left_changes, below);
        let right = update_groups(plan, right, right_changes, below);
        plan.join(Draft::Whole(left), Draft::Whole(right), depth)
    } else {
        change(plan, node, changes, depth)
    };
    plan.finish(draft)
}

/// The new shape of a subtree.
fn change(plan: &mut Plan, node: &Node, changes: &[Change], depth: usize) -> Draft {
    if changes.is_empty() {
        return Draft::Whole(node.clone());
    }
    match node {
        Node::Empty => plan.build(&merged(&[], changes), depth),
        Node::Bucket(bucket) => plan.build(&merged(&bucket.leaves, changes), depth),
        Node::Fork(fork) => {
            let (left_changes, right_changes) = split_changes(changes, depth);
            let below = depth.saturating_add(1);
            let left = change(plan, &fork.left, left_changes, below);
            let right = change(plan, &fork.right, right_changes, below);
            plan.join(left, right, depth)
        }
    }
}

fn split_changes(changes: &[Change], depth: usize) -> (&[Change], &[Change]) {
    changes.split_at(changes.partition_point(|change| !bit(&change.key, depth)))
}

/// The old leaves with the changes made, in order.
fn merged(old: &[Leaf], changes: &[Change]) -> Vec<Leaf> {
    let mut leaves = Vec::with_capacity(old.len().saturating_add(changes.len()));
    let mut rest = old;
    for change in changes {
        let (before, from) = rest.split_at(rest.partition_point(|leaf| leaf.key < change.key));
        leaves.extend_from_slice(before);
        leaves.extend(change.leaf);
        rest = match from {
            [same, after @ ..] if same.key == change.key => after,
            _ => from,
        };
    }
    leaves.extend_from_slice(rest);
    leaves
}

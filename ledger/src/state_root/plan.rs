//! The new nodes of an update, before they have hashes.
//!
//! Invariant: every draft that was made is used once; the parts of a fork stand before it. After [`Plan::finish`] the plan is
//! empty and its memory is used again.
//! Shapes and units: a draft names its place in the plan.

use std::sync::Arc;

use super::node::{BUCKET_MAX, Bucket, Fork, Leaf, Node, split};
use super::work::{Source, Work};

/// A subtree of the new tree.
pub(super) enum Draft {
    /// Needs no new hash.
    Whole(Node),
    /// The bucket at this place of the plan.
    Bucket(usize),
    /// The fork at this place of the plan.
    Fork(usize),
}

/// What a group of changes needs; kept from group to group for its memory.
#[derive(Default)]
pub(super) struct Plan {
    buckets: Vec<BucketDraft>,
    forks: Vec<ForkDraft>,
    bucket_nodes: Vec<Node>,
    fork_nodes: Vec<Node>,
    work: Work,
}

struct BucketDraft {
    leaves: Box<[Leaf]>,
    hash: Source,
}

struct ForkDraft {
    left: Draft,
    right: Draft,
    hash: Source,
}

impl Plan {
    /// A subtree of these leaves.
    pub(super) fn build(&mut self, leaves: &[Leaf], depth: usize) -> Draft {
        if leaves.is_empty() {
            return Draft::Whole(Node::Empty);
        }
        if leaves.len() <= BUCKET_MAX {
            return self.push_bucket(leaves, depth);
        }
        let (left, right) = split(leaves, depth);
        let below = depth.saturating_add(1);
        let left = self.build(left, below);
        let right = self.build(right, below);
        self.push_fork(left, right, depth)
    }

    /// Two subtrees under one fork, or in one bucket once they fit.
    pub(super) fn join(&mut self, left: Draft, right: Draft, depth: usize) -> Draft {
        let both = self.leaves(&left).zip(self.leaves(&right));
        let fit = both.filter(|(left, right)| left.len().saturating_add(right.len()) <= BUCKET_MAX);
        match fit.map(|(left, right)| [left, right].concat()) {
            Some(leaves) => self.build(&leaves, depth),
            None => self.push_fork(left, right, depth),
        }
    }

    fn push_bucket(&mut self, leaves: &[Leaf], depth: usize) -> Draft {
        let hash = self.work.subtree(leaves, depth);
        self.buckets.push(BucketDraft {
            leaves: leaves.into(),
            hash,
        });
        Draft::Bucket(self.buckets.len().saturating_sub(1))
    }

    fn push_fork(&mut self, left: Draft, right: Draft, depth: usize) -> Draft {
        let hash = self
            .work
            .fork(self.source(&left), self.source(&right), depth);
        self.forks.push(ForkDraft { left, right, hash });
        Draft::Fork(self.forks.len().saturating_sub(1))
    }

    fn source(&self, draft: &Draft) -> Source {
        match draft {
            Draft::Whole(node) => Source::Known(node.hash()),
            Draft::Bucket(place) => self.buckets[*place].hash,
            Draft::Fork(place) => self.forks[*place].hash,
        }
    }

    /// The leaves of a subtree that is no fork.
    fn leaves<'a>(&'a self, draft: &'a Draft) -> Option<&'a [Leaf]> {
        match draft {
            Draft::Whole(Node::Empty) => Some(&[]),
            Draft::Whole(Node::Bucket(bucket)) => Some(&bucket.leaves),
            Draft::Bucket(place) => Some(&self.buckets[*place].leaves),
            Draft::Whole(Node::Fork(_)) | Draft::Fork(_) => None,
        }
    }

    /// Hashes what is new and makes nodes of it.
    pub(super) fn finish(&mut self, top: Draft) -> Node {
        let hashes = self.work.hashes();
        self.bucket_nodes
            .extend(self.buckets.drain(..).map(|draft| {
                Node::Bucket(Arc::new(Bucket {
                    hash: draft.hash.hash(hashes),
                    leaves: draft.leaves,
                }))
            }));
        for draft in self.forks.drain(..) {
            let left = taken(draft.left, &mut self.bucket_nodes, &mut self.fork_nodes);
            let right = taken(draft.right, &mut self.bucket_nodes, &mut self.fork_nodes);
            self.fork_nodes.push(Node::Fork(Arc::new(Fork {
                hash: draft.hash.hash(hashes),
                left,
                right,
            })));
        }
        let top = taken(top, &mut self.bucket_nodes, &mut self.fork_nodes);
        self.bucket_nodes.clear();
        self.fork_nodes.clear();
        self.work.clear();
        top
    }
}

/// A draft's node; it leaves its place for its one parent.
fn taken(draft: Draft, buckets: &mut [Node], forks: &mut [Node]) -> Node {
    match draft {
        Draft::Whole(node) => node,
        Draft::Bucket(place) => std::mem::take(&mut buckets[place]),
        Draft::Fork(place) => std::mem::take(&mut forks[place]),
    }
}

//! A persistent B+ tree: sorted pages of entries under forks, shared between all copies that have not changed them.
//!
//! Invariant: all pages are at the same depth; the keys of a fork's child lie between that child's first key and the next
//! child's; no page and no fork of a map is empty. What the tree looks like depends on its history and is never hashed.
//! Shapes and units: pages of about [`PAGE_BYTES`], forks of at most [`FANOUT_MAX`] children.
//! Who calls it: [`super::StateMap`], one batch of sorted changes at a time.
//! Source: Bayer, McCreight, "Organization and maintenance of large ordered indexes" (1972); copying on the path as in
//! Driscoll, Sarnak, Sleator, Tarjan, "Making data structures persistent" (1989).

use std::sync::Arc;

use super::page::{Change, Draft, PAGE_BYTES, Page};
use crate::write_set::WriteSet;

/// The most children of a fork.
const FANOUT_MAX: usize = 64;

/// Values by key, in order; `clone` costs one reference count.
#[derive(Clone, Debug, Default)]
pub(super) struct OrderedMap {
    top: Option<Node>,
    len: u64,
}

#[derive(Clone, Debug)]
enum Node {
    Page(Page),
    Fork(Arc<Fork>),
}

#[derive(Debug)]
struct Fork {
    /// The first key of each child, with empty values.
    firsts: Page,
    children: Vec<Node>,
}

impl OrderedMap {
    pub(super) const fn len(&self) -> u64 {
        self.len
    }

    pub(super) fn get(&self, key: &[u8]) -> Option<&[u8]> {
        let mut node = self.top.as_ref()?;
        loop {
            match node {
                Node::Page(page) => return page.get(key),
                Node::Fork(fork) => node = &fork.children[fork.child_of(key)],
            }
        }
    }

    /// The entries from a key on, that key included.
    pub(super) fn iter_from(&self, start: &[u8]) -> Entries<'_> {
        let mut entries = Entries::default();
        if let Some(top) = &self.top {
            entries.seek(top, start);
        }
        entries
    }

    /// The map of these pages, which are in order and not empty.
    pub(super) fn of_pages(pages: Vec<Page>) -> Self {
        let mut update = Update::default();
        let nodes = update.fresh(pages);
        update.map_over(nodes, 0)
    }

    /// Makes all changes.
    pub(super) fn apply(&mut self, changes: &WriteSet) {
        let changes: Vec<Change<'_>> = changes.iter().collect();
        let mut update = Update::default();
        let nodes = match &self.top {
            Some(top) => update.change(top, &changes),
            None => update.begin(&changes),
        };
        *self = update.map_over(nodes, self.len);
    }
}

/// A child on its way to a new parent, and whether it differs from the one before.
struct Child {
    node: Node,
    fresh: bool,
}

impl Child {
    const fn fresh(node: Node) -> Self {
        Self { node, fresh: true }
    }
}

/// What one batch of changes needs: memory for the page in hand, and how many entries its pages had and have.
#[derive(Default)]
struct Update {
    draft: Draft,
    before: u64,
    after: u64,
}

impl Update {
    /// What takes the place of a node, at its level: nothing, itself changed, or several.
    fn change(&mut self, node: &Node, changes: &[Change<'_>]) -> Vec<Child> {
        if changes.is_empty() {
            return vec![Child {
                node: node.clone(),
                fresh: false,
            }];
        }
        match node {
            Node::Page(page) => {
                self.before = added(self.before, page.len());
                self.draft.append_changed(page, changes);
                self.take_pages()
            }
            Node::Fork(fork) => {
                let mut children = Vec::with_capacity(FANOUT_MAX);
                for (child, changes) in fork.split_changes(changes) {
                    for child in self.change(child, changes) {
                        self.push_or_join(&mut children, child);
                    }
                }
                forks(children)
            }
        }
    }

    /// The pages of a map that was empty.
    fn begin(&mut self, changes: &[Change<'_>]) -> Vec<Child> {
        changes
            .iter()
            .for_each(|(key, value)| self.draft.change(key, *value));
        self.take_pages()
    }

    fn take_pages(&mut self) -> Vec<Child> {
        let pages = self.draft.take_pages();
        self.fresh(pages)
    }

    fn fresh(&mut self, pages: Vec<Page>) -> Vec<Child> {
        self.after = pages.iter().map(Page::len).fold(self.after, added);
        pages
            .into_iter()
            .map(|page| Child::fresh(Node::Page(page)))
            .collect()
    }

    /// Appends a child, or joins it with the last one if either is fresh and one of them small.
    fn push_or_join(&mut self, children: &mut Vec<Child>, child: Child) {
        let last = children.last().filter(|last| last.fresh || child.fresh);
        match last.and_then(|last| self.join(&last.node, &child.node)) {
            Some(joined) => {
                children.pop();
                children.push(Child::fresh(joined));
            }
            None => children.push(child),
        }
    }

    /// Two neighbours as one, if one of them is less than a quarter full and both fit.
    fn join(&mut self, first: &Node, second: &Node) -> Option<Node> {
        match (first, second) {
            (Node::Page(a), Node::Page(b)) if joins(a.bytes_len(), b.bytes_len(), PAGE_BYTES) => {
                self.draft.append(a);
                self.draft.append(b);
                Some(Node::Page(self.draft.take_page()))
            }
            (Node::Fork(a), Node::Fork(b))
                if joins(a.children.len(), b.children.len(), FANOUT_MAX) =>
            {
                Some(Node::fork(
                    a.children.iter().chain(&b.children).cloned().collect(),
                ))
            }
            _ => None,
        }
    }

    /// The map over nodes of one level, where `len` is how many entries there were.
    fn map_over(&self, mut nodes: Vec<Child>, len: u64) -> OrderedMap {
        while nodes.len() > 1 {
            nodes = forks(nodes);
        }
        let kept = len
            .checked_sub(self.before)
            .expect("every changed page was counted when it was made");
        let len = kept.checked_add(self.after).expect("entries fit in memory");
        OrderedMap {
            top: nodes.pop().map(|child| lowest_top(child.node)),
            len,
        }
    }
}

fn added(sum: u64, entries: usize) -> u64 {
    sum.checked_add(entries as u64)
        .expect("entries fit in memory")
}

const fn joins(a: usize, b: usize, max: usize) -> bool {
    let smaller = if a < b { a } else { b };
    smaller < max / 4 && a.saturating_add(b) <= max
}

/// Children gathered under as few forks as hold them, evenly.
fn forks(children: Vec<Child>) -> Vec<Child> {
    let count = children.len().div_ceil(FANOUT_MAX).max(1);
    let target = children.len().div_ceil(count).max(1);
    let mut forks = Vec::with_capacity(count);
    let mut nodes = children.into_iter().map(|child| child.node).peekable();
    while nodes.peek().is_some() {
        forks.push(Child::fresh(Node::fork(
            nodes.by_ref().take(target).collect(),
        )));
    }
    forks
}

/// A fork with a single child is not needed at the top.
fn lowest_top(mut top: Node) -> Node {
    loop {
        top = match &top {
            Node::Fork(fork) if fork.children.len() == 1 => fork.children[0].clone(),
            Node::Fork(_) | Node::Page(_) => return top,
        };
    }
}

impl Node {
    fn fork(children: Vec<Self>) -> Self {
        let mut firsts = Draft::default();
        children
            .iter()
            .for_each(|child| firsts.push(child.first_key(), &[]));
        Self::Fork(Arc::new(Fork {
            firsts: firsts.take_page(),
            children,
        }))
    }

    fn first_key(&self) -> &[u8] {
        let first = match self {
            Self::Page(page) => page.first_key(),
            Self::Fork(fork) => fork.firsts.first_key(),
        };
        first.expect("no node of a map is empty")
    }
}

impl Fork {
    /// The position of the child that holds a key, if any does.
    fn child_of(&self, key: &[u8]) -> usize {
        let at = self.firsts.lower_bound(key);
        let exact = self.firsts.entry(at).is_some_and(|(first, _)| first == key);
        if exact { at } else { at.saturating_sub(1) }
    }

    /// Each child with the changes that fall to it; what comes before all keys falls to the first.
    fn split_changes<'a, 'c>(
        &'a self,
        changes: &'a [Change<'c>],
    ) -> impl Iterator<Item = (&'a Node, &'a [Change<'c>])> {
        let mut rest = changes;
        self.children.iter().enumerate().map(move |(at, child)| {
            let next_first = self
                .firsts
                .entry(at.saturating_add(1))
                .map(|(first, _)| first);
            let until = next_first.map_or(rest.len(), |first| {
                rest.partition_point(|(key, _)| *key < first)
            });
            let (mine, others) = rest.split_at(until);
            rest = others;
            (child, mine)
        })
    }
}

/// Entries in order of key.
#[derive(Clone, Debug, Default)]
pub struct Entries<'a> {
    /// The forks above the page, each with the position of the child that comes next.
    above: Vec<(&'a Fork, usize)>,
    page: Option<&'a Page>,
    at: usize,
}

impl<'a> Entries<'a> {
    /// Goes to the first entry whose key is not below `start`, or to the end of the page where it would be.
    fn seek(&mut self, mut node: &'a Node, start: &[u8]) {
        loop {
            match node {
                Node::Fork(fork) => {
                    let child = fork.child_of(start);
                    self.above.push((fork, child.saturating_add(1)));
                    node = &fork.children[child];
                }
                Node::Page(page) => {
                    (self.page, self.at) = (Some(page), page.lower_bound(start));
                    return;
                }
            }
        }
    }

    /// Goes to the first entry of the next page.
    fn next_page(&mut self) -> Option<()> {
        loop {
            let (fork, next) = self.above.pop()?;
            if let Some(child) = fork.children.get(next) {
                self.above.push((fork, next.saturating_add(1)));
                self.seek(child, &[]);
                return Some(());
            }
        }
    }
}

impl<'a> Iterator for Entries<'a> {
    type Item = (&'a [u8], &'a [u8]);

    fn next(&mut self) -> Option<Self::Item> {
        loop {
            if let Some(entry) = self.page?.entry(self.at) {
                self.at = self.at.saturating_add(1);
                return Some(entry);
            }
            self.page = None;
            self.next_page()?;
        }
    }
}

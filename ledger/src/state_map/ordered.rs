//! A persistent B+ tree: sorted pages of entries under forks, shared between all copies that have not changed them.
//!
//! Invariant: all pages are at the same depth; the keys of a fork's child lie between that child's first key and the next
//! child's; no page and no fork of a map is empty. What the tree looks like depends on its history and is never hashed.
//! Shapes and units: pages of about [`PAGE_BYTES`], forks of at most [`FANOUT_MAX`] children.
//! Who calls it: [`super::StateMap`], one batch of sorted changes at a time.
//! Source: Bayer, McCreight, "Organization and maintenance of large ordered indexes" (1972); copying on the path as in
//! Driscoll, Sarnak, Sleator, Tarjan, "Making data structures persistent" (1989).

use std::sync::Arc;

use super::page::{Change, PAGE_BYTES, Page};
use crate::write_set::WriteSet;

/// The most children of a fork.
const FANOUT_MAX: usize = 64;

/// Values by key, in order; `clone` costs one reference count.
#[derive(Clone, Debug, Default)]
pub(super) struct OrderedMap {
    top: Option<Arc<Node>>,
    len: u64,
}

#[derive(Debug)]
enum Node {
    Page(Page),
    Fork(Fork),
}

#[derive(Debug)]
struct Fork {
    /// The first key of each child, with empty values.
    firsts: Page,
    children: Vec<Arc<Node>>,
}

impl OrderedMap {
    pub(super) const fn len(&self) -> u64 {
        self.len
    }

    pub(super) fn get(&self, key: &[u8]) -> Option<&[u8]> {
        let mut node = self.top.as_deref()?;
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
        let mut count = Count::default();
        pages.iter().for_each(|page| count.after(page));
        Self::under(
            pages
                .into_iter()
                .map(|page| Child::fresh(Node::Page(page)))
                .collect(),
            count.after,
        )
    }

    /// The map over nodes of one level.
    fn under(mut nodes: Vec<Child>, len: u64) -> Self {
        while nodes.len() > 1 {
            nodes = forks(nodes);
        }
        Self {
            top: nodes.pop().map(|child| lowest_top(child.node)),
            len,
        }
    }

    /// Makes all changes.
    pub(super) fn apply(&mut self, changes: &WriteSet) {
        let changes: Vec<Change<'_>> = changes.iter().collect();
        let mut count = Count::default();
        let nodes = match &self.top {
            Some(top) => change(top, &changes, &mut count),
            None => pages(Page::default().changed(&changes), &mut count),
        };
        *self = Self::under(nodes, count.applied_to(self.len));
    }
}

/// How many entries the changed pages had and have.
#[derive(Default)]
struct Count {
    before: u64,
    after: u64,
}

impl Count {
    fn before(&mut self, page: &Page) {
        self.before = self
            .before
            .checked_add(page.len() as u64)
            .expect("entries fit in memory");
    }

    fn after(&mut self, page: &Page) {
        self.after = self
            .after
            .checked_add(page.len() as u64)
            .expect("entries fit in memory");
    }

    fn applied_to(&self, len: u64) -> u64 {
        let kept = len
            .checked_sub(self.before)
            .expect("every changed page was counted when it was made");
        kept.checked_add(self.after).expect("entries fit in memory")
    }
}

/// A child on its way to a new parent, and whether it differs from the one before.
struct Child {
    node: Arc<Node>,
    fresh: bool,
}

impl Child {
    fn fresh(node: Node) -> Self {
        Self {
            node: Arc::new(node),
            fresh: true,
        }
    }
}

/// What takes the place of a node, at its level: nothing, itself changed, or several.
fn change(node: &Arc<Node>, changes: &[Change<'_>], count: &mut Count) -> Vec<Child> {
    if changes.is_empty() {
        return vec![Child {
            node: Arc::clone(node),
            fresh: false,
        }];
    }
    match &**node {
        Node::Page(page) => {
            count.before(page);
            pages(page.changed(changes), count)
        }
        Node::Fork(fork) => {
            let children = fork.split_changes(changes);
            forks(tidy(
                children.flat_map(|(child, changes)| change(child, changes, count)),
            ))
        }
    }
}

/// A page cut to size.
fn pages(page: Page, count: &mut Count) -> Vec<Child> {
    count.after(&page);
    page.split()
        .into_iter()
        .map(|page| Child::fresh(Node::Page(page)))
        .collect()
}

/// Children gathered under as few forks as hold them, evenly.
fn forks(children: Vec<Child>) -> Vec<Child> {
    let Some(target) = children.len().div_ceil(FANOUT_MAX).checked_sub(1) else {
        return Vec::new();
    };
    let target = children.len().div_ceil(target.saturating_add(1));
    children
        .chunks(target)
        .map(|group| {
            Child::fresh(Node::Fork(Fork::over(
                group.iter().map(|child| Arc::clone(&child.node)).collect(),
            )))
        })
        .collect()
}

/// Joins small neighbours, of which at least one is fresh.
fn tidy(children: impl Iterator<Item = Child>) -> Vec<Child> {
    let mut tidied: Vec<Child> = Vec::new();
    for child in children {
        let joined = tidied
            .last()
            .filter(|last| last.fresh || child.fresh)
            .and_then(|last| join(&last.node, &child.node));
        if let Some(joined) = joined {
            tidied.pop();
            tidied.push(Child::fresh(joined));
        } else {
            tidied.push(child);
        }
    }
    tidied
}

/// Two neighbours as one, if one of them is less than a quarter full and both fit.
fn join(first: &Node, second: &Node) -> Option<Node> {
    match (first, second) {
        (Node::Page(a), Node::Page(b)) if joins(a.bytes_len(), b.bytes_len(), PAGE_BYTES) => {
            let mut page = a.clone();
            page.join(b);
            Some(Node::Page(page))
        }
        (Node::Fork(a), Node::Fork(b)) if joins(a.children.len(), b.children.len(), FANOUT_MAX) => {
            Some(Node::Fork(Fork::over(
                a.children.iter().chain(&b.children).cloned().collect(),
            )))
        }
        _ => None,
    }
}

const fn joins(a: usize, b: usize, max: usize) -> bool {
    let smaller = if a < b { a } else { b };
    smaller < max / 4 && a.saturating_add(b) <= max
}

/// A fork with a single child is not needed at the top.
fn lowest_top(mut top: Arc<Node>) -> Arc<Node> {
    loop {
        let below = match &*top {
            Node::Fork(fork) if fork.children.len() == 1 => Arc::clone(&fork.children[0]),
            Node::Fork(_) | Node::Page(_) => return top,
        };
        top = below;
    }
}

impl Node {
    fn first_key(&self) -> &[u8] {
        let first = match self {
            Self::Page(page) => page.first_key(),
            Self::Fork(fork) => fork.firsts.first_key(),
        };
        first.expect("no node of a map is empty")
    }
}

impl Fork {
    fn over(children: Vec<Arc<Node>>) -> Self {
        let firsts: Vec<Change<'_>> = children
            .iter()
            .map(|child| (child.first_key(), Some([].as_slice())))
            .collect();
        Self {
            firsts: Page::default().changed(&firsts),
            children,
        }
    }

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
    ) -> impl Iterator<Item = (&'a Arc<Node>, &'a [Change<'c>])> {
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

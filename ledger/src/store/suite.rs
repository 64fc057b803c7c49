//! What every store must do, whatever it is written on; each backend runs all of it, see [`store_suite`].
//!
//! A story of blocks is told to a store while a model keeps every state there was. Whatever survives of the store, at any
//! moment, must be one of those states and say which.

mod story;
mod watched;

pub(super) use story::{GENESIS, Story};

use std::sync::Arc;

use falaj_consensus::types::{Hash32, Height};

use super::medium::Medium;
use super::{BlockStore, Marker, PAGE_BYTES_MAX, Page, Store, StoreError};
use crate::state_map::StateMap;

/// A place for stores of one kind.
pub(super) trait Place: Sized {
    /// The kind's medium.
    type Medium: Medium + 'static;

    /// An empty place.
    fn new() -> Self;

    /// The medium that is there.
    fn open(&self) -> Self::Medium;

    /// Every place that could be found if the process died now.
    fn survivors(&self) -> Vec<Self>;

    /// How often a medium was flushed.
    fn flushes(medium: &Self::Medium) -> u64;
}

fn open<P: Place>(place: &P) -> BlockStore<P::Medium> {
    BlockStore::open(place.open(), GENESIS).unwrap()
}

/// What is in a store is a state of the story, whole, and all its parts agree which.
fn assert_tells(story: &Story, store: &dyn Store, at: Option<Height>) {
    let marker = store.marker().unwrap();
    assert_eq!(marker.map(|marker| marker.height), at);
    let loaded = store.load().unwrap();
    assert_eq!(loaded.as_ref().map(|loaded| loaded.marker), marker);
    if let Some(loaded) = loaded {
        assert_eq!(loaded.marker, story.marker(loaded.marker.height));
        let expected = story.state(loaded.marker.height);
        assert_eq!(loaded.state.root(), expected.root());
        assert!(loaded.state.iter().eq(expected.iter()));
    }
    let pages = store.range(&[], usize::MAX).unwrap();
    assert_eq!(pages, story.pages(at));
}

/// Goal: an empty store says so.
pub(super) fn an_empty_store_is_empty<P: Place>() {
    let place = P::new();
    assert_tells(&Story::new(0), &open(&place), None);
}

/// Goal: blocks read back, state and pages, large ones too.
pub(super) fn committed_blocks_read_back<P: Place>() {
    let (place, story) = (P::new(), Story::new(8));
    let store = open(&place);
    for height in story.heights() {
        store.commit(&story.block(height)).unwrap();
        assert_tells(&story, &store, Some(height));
    }
}

/// Goal: a commit is durable when it returns.
pub(super) fn a_committed_block_survives_a_kill<P: Place>() {
    let (place, story) = (P::new(), Story::new(5));
    let store = open(&place);
    for height in story.heights() {
        store.commit(&story.block(height)).unwrap();
        for survivor in place.survivors() {
            assert_tells(&story, &open(&survivor), Some(height));
        }
    }
}

/// Goal: one flush a block, whatever it holds.
pub(super) fn a_commit_is_one_flush<P: Place>() {
    let (place, story) = (P::new(), Story::new(6));
    let store = open(&place);
    for height in story.heights() {
        let before = P::flushes(store.medium());
        store.commit(&story.block(height)).unwrap();
        assert_eq!(P::flushes(store.medium()), before + 1);
    }
}

/// Goal: a block that is not the next one is refused and changes nothing.
pub(super) fn a_block_out_of_order_is_refused<P: Place>() {
    let (place, story) = (P::new(), Story::new(4));
    let store = open(&place);
    let refused = |height: u64| {
        let result = store.commit(&story.block(Height::new(height)));
        assert!(
            matches!(result, Err(StoreError::OutOfOrder { .. })),
            "{result:?}"
        );
    };
    refused(1);
    assert_tells(&story, &store, None);
    for height in 0..3 {
        store.commit(&story.block(Height::new(height))).unwrap();
    }
    refused(0);
    refused(2);
    refused(4);
    assert_tells(&story, &store, Some(Height::new(2)));
}

/// Goal: a page that is too long is refused before anything of its block is written.
pub(super) fn a_page_too_long_is_refused<P: Place>() {
    let (place, story) = (P::new(), Story::new(1));
    let store = open(&place);
    for page in [
        Page {
            key: b"k".to_vec(),
            value: vec![0; PAGE_BYTES_MAX + 1],
        },
        Page {
            key: vec![0; 257],
            value: Vec::new(),
        },
    ] {
        let mut block = story.block(Height::new(0));
        block.pages.push(page);
        assert!(matches!(
            store.commit(&block),
            Err(StoreError::PageTooLong { .. })
        ));
    }
    assert_tells(&story, &store, None);
}

/// Goal: pages are found by key and in order, and the later of two holds.
pub(super) fn pages_are_found_by_key_and_in_order<P: Place>() {
    let (place, story) = (P::new(), Story::new(3));
    let store = open(&place);
    for height in story.heights() {
        store.commit(&story.block(height)).unwrap();
    }
    let all = story.pages(Some(Height::new(3)));
    for (at, page) in all.iter().enumerate() {
        assert_eq!(store.get(&page.key).unwrap().as_ref(), Some(&page.value));
        assert_eq!(
            store.range(&page.key, 2).unwrap(),
            all[at..all.len().min(at + 2)]
        );
    }
    assert_eq!(store.get(b"no such page").unwrap(), None);
    assert_eq!(store.range(&[0xff; 8], 9).unwrap(), []);
}

/// Goal: after a checkpoint older blocks can go, and everything still reads back.
pub(super) fn a_checkpoint_replaces_older_blocks<P: Place>() {
    let (place, story) = (P::new(), Story::new(9));
    let store = open(&place);
    for height in story.heights() {
        store.commit(&story.block(height)).unwrap();
        if height.get() % 4 == 3 {
            let at = height.previous().unwrap();
            store
                .checkpoint(&story.marker(at), story.state(at))
                .unwrap();
            store.prune_below(height).unwrap();
            assert_eq!(store.load().unwrap().unwrap().checkpoint, Some(at));
        }
        assert_tells(&story, &store, Some(height));
        for survivor in place.survivors() {
            assert_tells(&story, &open(&survivor), Some(height));
        }
    }
}

/// Goal: pruning takes only what loading does not need, however high the height it is given.
pub(super) fn pruning_keeps_what_loading_needs<P: Place>() {
    let (place, story) = (P::new(), Story::new(6));
    let store = open(&place);
    for height in story.heights() {
        store.commit(&story.block(height)).unwrap();
    }
    store.prune_below(Height::new(u64::MAX)).unwrap();
    assert_tells(&story, &store, Some(Height::new(6)));
    store
        .checkpoint(&story.marker(Height::new(3)), story.state(Height::new(3)))
        .unwrap();
    store.prune_below(Height::new(u64::MAX)).unwrap();
    store.prune_below(Height::new(0)).unwrap();
    assert_tells(&story, &store, Some(Height::new(6)));
    let gone = store.checkpoint(&story.marker(Height::new(2)), story.state(Height::new(2)));
    assert!(
        matches!(gone, Err(StoreError::OtherState { .. })),
        "{gone:?}"
    );
}

/// Goal: a state that came as a snapshot begins a store with its pages, whole or not at all, once; blocks follow it.
pub(super) fn a_snapshot_begins_an_empty_store<P: Place>() {
    let (place, story) = (P::new(), Story::new(6));
    let (store, at) = (open(&place), Height::new(4));
    let (marker, state) = (story.marker(at), story.state(at));
    let page = Page {
        key: b"first".to_vec(),
        value: b"page".to_vec(),
    };
    let pages = std::slice::from_ref(&page);
    let other_root = Marker {
        state_root: Hash32::ZERO,
        ..marker
    };
    let too_long = Page {
        key: Vec::new(),
        value: vec![0; PAGE_BYTES_MAX + 1],
    };
    let refused = store.begin(&other_root, state, pages);
    assert!(matches!(refused, Err(StoreError::OtherState { .. })));
    let refused = store.checkpoint(&marker, state);
    assert!(matches!(refused, Err(StoreError::OtherState { .. })));
    let refused = store.begin(&marker, state, &[too_long]);
    assert!(matches!(refused, Err(StoreError::PageTooLong { .. })));
    assert_eq!(store.marker().unwrap(), None);
    store.begin(&marker, state, pages).unwrap();
    let again = store.begin(&marker, state, pages);
    assert!(matches!(again, Err(StoreError::OtherState { .. })));
    assert_eq!(store.get(&page.key).unwrap(), Some(page.value.clone()));
    for survivor in place.survivors() {
        let store = open(&survivor);
        assert_eq!(store.marker().unwrap(), Some(story.marker(at)));
        let loaded = store.load().unwrap().unwrap();
        assert_eq!(loaded.state.root(), story.state(at).root());
    }
    store.commit(&story.block(at.next())).unwrap();
    assert_eq!(
        store.load().unwrap().unwrap().state.root(),
        story.state(at.next()).root()
    );
}

/// Goal: a checkpoint that is not the state of that block is refused.
pub(super) fn a_checkpoint_of_another_state_is_refused<P: Place>() {
    let (place, story) = (P::new(), Story::new(6));
    let store = open(&place);
    for height in 0..=4 {
        store.commit(&story.block(Height::new(height))).unwrap();
    }
    let marker = |height: u64| story.marker(Height::new(height));
    let state = |height: u64| story.state(Height::new(height));
    let mut forged = marker(3);
    forged.outcome = falaj_consensus::types::OutcomeHash::new(Hash32::new([9; 32]));
    let other_root = store.checkpoint(&marker(3), state(2));
    let other_outcome = store.checkpoint(&forged, state(3));
    let not_yet = store.checkpoint(&marker(5), state(5));
    for refused in [other_root, other_outcome, not_yet] {
        assert!(
            matches!(refused, Err(StoreError::OtherState { .. })),
            "{refused:?}"
        );
    }
    assert_tells(&story, &store, Some(Height::new(4)));
}

/// Goal: the same checkpoint twice, and checkpoints without pruning, do no harm.
pub(super) fn checkpoints_may_repeat_and_pile_up<P: Place>() {
    let (place, story) = (P::new(), Story::new(6));
    let store = open(&place);
    for height in story.heights() {
        store.commit(&story.block(height)).unwrap();
        for _ in 0..2 {
            store
                .checkpoint(&story.marker(height), story.state(height))
                .unwrap();
        }
        assert_tells(&story, &store, Some(height));
    }
    store.prune_below(Height::new(3)).unwrap();
    assert_tells(&story, &store, Some(Height::new(6)));
}

/// Goal: the store of another chain is refused and left alone.
pub(super) fn another_chain_is_refused<P: Place>() {
    let (place, story) = (P::new(), Story::new(1));
    open(&place).commit(&story.block(Height::new(0))).unwrap();
    let survivor = place.survivors().remove(0);
    let refused = BlockStore::open(survivor.open(), Hash32::new([1; 32])).map(|_| ());
    assert!(
        matches!(refused, Err(StoreError::OtherChain { .. })),
        "{refused:?}"
    );
    for survivor in survivor.survivors() {
        assert_tells(&story, &open(&survivor), Some(Height::new(0)));
    }
}

/// Goal: if the process is killed between any two writes, what is found is the last acknowledged block or the one after it.
pub(super) fn a_kill_between_any_two_writes_leaves_a_whole_block<
    P: Place + Send + Sync + 'static,
>() {
    let story = Arc::new(Story::new(7));
    let model = Arc::clone(&story);
    watched::tell(&story, move |place: &P, acknowledged| {
        for survivor in place.survivors() {
            let store = open(&survivor);
            let found = store.marker().unwrap().map(|marker| marker.height);
            let ahead = Some(acknowledged.map_or(Height::new(0), Height::next));
            assert!(
                found == acknowledged || found == ahead,
                "{found:?} after {acknowledged:?}"
            );
            assert_tells(&model, &store, found);
        }
    });
}

/// Goal: if any write or flush fails, as on a full disk, the store says so, writes no more, and nothing acknowledged is lost.
pub(super) fn a_failed_write_loses_nothing_and_ends_writing<P: Place + Send + Sync + 'static>() {
    let story = Story::new(7);
    for failing in 1.. {
        let told = watched::tell_failing::<P>(&story, failing);
        let Some((place, store, acknowledged)) = told else {
            break;
        };
        let next = story.block(acknowledged.map_or(Height::new(0), Height::next));
        assert!(matches!(
            store.commit(&next),
            Err(StoreError::Failed | StoreError::OutOfOrder { .. })
        ));
        assert!(matches!(
            store.prune_below(Height::new(9)),
            Ok(()) | Err(StoreError::Failed)
        ));
        let found = store.marker().unwrap().map(|marker| marker.height);
        assert!(found >= acknowledged);
        for survivor in place.survivors() {
            let store = open(&survivor);
            let found = store.marker().unwrap().map(|marker| marker.height);
            assert!(found >= acknowledged, "{found:?} after {acknowledged:?}");
            assert_tells(&story, &store, found);
        }
    }
}

/// Goal: a store whose state does not have the root it names is damaged, not loaded.
pub(super) fn a_state_with_another_root_is_damaged<P: Place>() {
    let (place, story) = (P::new(), Story::new(2));
    let store = open(&place);
    let mut block = story.block(Height::new(0));
    block.marker.state_root = StateMap::new().root();
    store.commit(&block).unwrap();
    assert!(matches!(store.load(), Err(StoreError::Damaged { .. })));
}

/// Goal: any record that is changed, missing or moved is found out when it is read.
pub(super) fn a_record_changed_or_missing_is_damaged<P: Place>() {
    let (place, story) = (P::new(), Story::new(5));
    let store = open(&place);
    for height in story.heights() {
        store.commit(&story.block(height)).unwrap();
    }
    store
        .checkpoint(&story.marker(Height::new(2)), story.state(Height::new(2)))
        .unwrap();
    store.prune_below(Height::new(9)).unwrap();
    let records = store.medium().range(&[], &[0xff], usize::MAX).unwrap();
    for (key, value) in &records {
        let mut changed = value.clone();
        *changed.last_mut().unwrap() ^= 1;
        for damage in [Some(changed), Some(value[..value.len() - 1].to_vec()), None] {
            store
                .medium()
                .write(vec![(key.clone(), damage.clone())])
                .unwrap();
            assert_found_out(&store, key, damage.is_none());
            store
                .medium()
                .write(vec![(key.clone(), Some(value.clone()))])
                .unwrap();
        }
    }
    assert_tells(&story, &store, Some(Height::new(5)));
}

/// Some read says that the record is damaged; only a missing page cannot be told from one that never was.
fn assert_found_out<M: Medium>(store: &BlockStore<M>, key: &[u8], missing: bool) {
    const IDENTITY: u8 = 0;
    const PAGE: u8 = 5;
    let damaged = |found: Option<StoreError>| matches!(found, Some(StoreError::Damaged { .. }));
    match (key[0], missing) {
        (PAGE, true) => assert_eq!(store.get(&key[1..]).unwrap(), None),
        (PAGE, false) => {
            assert!(damaged(store.get(&key[1..]).err()), "{key:?}");
            assert!(damaged(store.range(&[], usize::MAX).err()), "{key:?}");
        }
        (IDENTITY, _) => assert!(damaged(store.check_identity(GENESIS).err()), "{key:?}"),
        _ => assert!(damaged(store.load().err()), "{key:?} missing: {missing}"),
    }
}

/// Makes a test of each case of the suite, on one kind of place.
macro_rules! store_suite {
    ($place:ty: $($case:ident),* $(,)?) => {
        $(
            #[test]
            fn $case() {
                $crate::store::suite::$case::<$place>();
            }
        )*
    };
    ($place:ty) => {
        $crate::store::suite::store_suite!($place:
            an_empty_store_is_empty,
            committed_blocks_read_back,
            a_committed_block_survives_a_kill,
            a_commit_is_one_flush,
            a_block_out_of_order_is_refused,
            a_page_too_long_is_refused,
            pages_are_found_by_key_and_in_order,
            a_checkpoint_replaces_older_blocks,
            pruning_keeps_what_loading_needs,
            a_snapshot_begins_an_empty_store,
            a_checkpoint_of_another_state_is_refused,
            checkpoints_may_repeat_and_pile_up,
            another_chain_is_refused,
            a_kill_between_any_two_writes_leaves_a_whole_block,
            a_failed_write_loses_nothing_and_ends_writing,
            a_state_with_another_root_is_damaged,
            a_record_changed_or_missing_is_damaged,
        );
    };
}
pub(super) use store_suite;

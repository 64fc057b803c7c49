//! The changes of one block to the state: for each key its new value, or that it is gone.
//!
//! Invariant: one change a key, in ascending order of the key's bytes, so that a write set has exactly one encoding.
//! Shapes and units: a key has 1 to [`KEY_BYTES_MAX`] bytes, a value at most [`VALUE_BYTES_MAX`].
//! Who calls it: execution fills one, [`crate::state_map::StateMap::apply`] and [`crate::store::Store::commit`] take it.
//! Errors: none when it is built, an over-long key or value is a broken belief and panics; decoding refuses every other form.
//! Source: `docs/spec/storage.md`.

use std::collections::BTreeMap;
use std::collections::btree_map;
use std::io::{Error, ErrorKind, Read, Result, Write};
use std::ops::Bound;

use borsh::{BorshDeserialize, BorshSerialize};

/// The longest key.
pub const KEY_BYTES_MAX: usize = 256;

/// The longest value.
pub const VALUE_BYTES_MAX: usize = 1 << 20;

/// New values by key, in order; `None` deletes.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub struct WriteSet {
    changes: BTreeMap<Vec<u8>, Option<Vec<u8>>>,
}

impl WriteSet {
    /// A set without changes.
    #[must_use]
    pub const fn new() -> Self {
        Self {
            changes: BTreeMap::new(),
        }
    }

    /// Gives a key a value, instead of any earlier change to it.
    ///
    /// # Panics
    /// If the key is empty or longer than [`KEY_BYTES_MAX`], or the value longer than [`VALUE_BYTES_MAX`].
    pub fn put(&mut self, key: impl Into<Vec<u8>>, value: impl Into<Vec<u8>>) {
        let (key, value) = (key.into(), value.into());
        assert!(
            value_fits(&value),
            "a value of the state is at most {VALUE_BYTES_MAX} bytes"
        );
        self.change(key, Some(value));
    }

    /// Deletes a key, instead of any earlier change to it; a key that is not there may be deleted.
    ///
    /// # Panics
    /// If the key is empty or longer than [`KEY_BYTES_MAX`].
    pub fn delete(&mut self, key: impl Into<Vec<u8>>) {
        self.change(key.into(), None);
    }

    fn change(&mut self, key: Vec<u8>, value: Option<Vec<u8>>) {
        assert!(
            key_fits(&key),
            "a key of the state has 1 to {KEY_BYTES_MAX} bytes"
        );
        self.changes.insert(key, value);
    }

    /// What this set says of a key: nothing, that it is gone, or its new value.
    #[must_use]
    pub fn get(&self, key: &[u8]) -> Option<Option<&[u8]>> {
        self.changes.get(key).map(Option::as_deref)
    }

    /// All changes in order of key.
    #[must_use]
    pub fn iter(&self) -> Changes<'_> {
        Changes(self.changes.iter())
    }

    /// The changes from a key on, that key included, in order.
    pub fn range_from<'a>(
        &'a self,
        start: &[u8],
    ) -> impl Iterator<Item = (&'a [u8], Option<&'a [u8]>)> + use<'a> {
        let bounds = (Bound::Included(start), Bound::Unbounded);
        self.changes
            .range::<[u8], _>(bounds)
            .map(|(key, value)| (&**key, value.as_deref()))
    }

    /// Takes over the changes of a later set; where both name a key, the later one holds.
    pub fn extend(&mut self, later: Self) {
        self.changes.extend(later.changes);
    }

    /// How many keys change.
    #[must_use]
    pub fn len(&self) -> usize {
        self.changes.len()
    }

    /// Whether nothing changes.
    #[must_use]
    pub fn is_empty(&self) -> bool {
        self.changes.is_empty()
    }
}

impl FromIterator<(Vec<u8>, Option<Vec<u8>>)> for WriteSet {
    /// Takes many changes at once, cheapest in ascending order of key; the last of several to one key holds.
    ///
    /// # Panics
    /// If a key or value has a length that is not allowed.
    fn from_iter<I: IntoIterator<Item = (Vec<u8>, Option<Vec<u8>>)>>(changes: I) -> Self {
        let changes: BTreeMap<_, _> = changes.into_iter().collect();
        assert!(
            changes
                .iter()
                .all(|(key, value)| key_fits(key) && value.as_deref().is_none_or(value_fits)),
            "keys and values of the state have an allowed length"
        );
        Self { changes }
    }
}

/// Whether bytes can be a key.
pub(crate) fn key_fits(key: &[u8]) -> bool {
    (1..=KEY_BYTES_MAX).contains(&key.len())
}

/// Whether bytes can be a value.
pub(crate) fn value_fits(value: &[u8]) -> bool {
    value.len() <= VALUE_BYTES_MAX
}

/// The changes of a [`WriteSet`] in order of key.
#[derive(Clone, Debug)]
pub struct Changes<'a>(btree_map::Iter<'a, Vec<u8>, Option<Vec<u8>>>);

impl<'a> Iterator for Changes<'a> {
    type Item = (&'a [u8], Option<&'a [u8]>);

    fn next(&mut self) -> Option<Self::Item> {
        self.0.next().map(|(key, value)| (&**key, value.as_deref()))
    }

    fn size_hint(&self) -> (usize, Option<usize>) {
        self.0.size_hint()
    }
}

impl ExactSizeIterator for Changes<'_> {}

impl<'a> IntoIterator for &'a WriteSet {
    type Item = (&'a [u8], Option<&'a [u8]>);
    type IntoIter = Changes<'a>;

    fn into_iter(self) -> Self::IntoIter {
        self.iter()
    }
}

impl BorshSerialize for WriteSet {
    fn serialize<W: Write>(&self, writer: &mut W) -> Result<()> {
        self.changes.serialize(writer)
    }
}

impl BorshDeserialize for WriteSet {
    fn deserialize_reader<R: Read>(reader: &mut R) -> Result<Self> {
        let count = u32::deserialize_reader(reader)?;
        let mut set = Self::new();
        for _ in 0..count {
            set.take_next(reader)?;
        }
        Ok(set)
    }
}

impl WriteSet {
    fn take_next<R: Read>(&mut self, reader: &mut R) -> Result<()> {
        let key = Vec::<u8>::deserialize_reader(reader)?;
        let value = Option::<Vec<u8>>::deserialize_reader(reader)?;
        let ascending = self
            .changes
            .last_key_value()
            .is_none_or(|(last, _)| *last < key);
        if !ascending {
            return Err(invalid(
                "keys of a write set are not in strictly ascending order",
            ));
        }
        if !key_fits(&key) || !value.as_deref().is_none_or(value_fits) {
            return Err(invalid(
                "a key or value of a write set has a length that is not allowed",
            ));
        }
        self.changes.insert(key, value);
        Ok(())
    }
}

fn invalid(what: &'static str) -> Error {
    Error::new(ErrorKind::InvalidData, what)
}

#[cfg(test)]
mod tests {
    use super::*;

    fn sample() -> WriteSet {
        let mut set = WriteSet::new();
        set.put(*b"b", *b"2");
        set.delete(*b"c");
        set.put(*b"a", *b"1");
        set
    }

    // A set is ordered whatever the order of the calls, and reads back from its one encoding.
    #[test]
    fn a_set_is_ordered_and_reads_back() {
        let set = sample();
        let keys: Vec<&[u8]> = set.iter().map(|(key, _)| key).collect();
        assert_eq!(keys, [b"a", b"b", b"c"]);
        assert_eq!(set.get(b"c"), Some(None));
        assert_eq!(set.get(b"d"), None);
        let bytes = borsh::to_vec(&set).unwrap();
        assert_eq!(borsh::from_slice::<WriteSet>(&bytes).unwrap(), set);
    }

    // The later of two changes to one key holds.
    #[test]
    fn a_later_change_replaces_an_earlier_one() {
        let mut set = sample();
        let mut later = WriteSet::new();
        later.delete(*b"a");
        later.put(*b"c", *b"3");
        set.extend(later);
        assert_eq!(set.get(b"a"), Some(None));
        assert_eq!(set.get(b"c"), Some(Some(b"3".as_slice())));
        assert_eq!(set.len(), 3);
    }

    // Decoding takes exactly one form.
    #[test]
    fn unordered_repeated_empty_and_overlong_keys_are_refused() {
        let refused = |entries: Vec<(Vec<u8>, Option<Vec<u8>>)>| {
            borsh::from_slice::<WriteSet>(&borsh::to_vec(&entries).unwrap()).is_err()
        };
        assert!(refused(vec![(b"b".to_vec(), None), (b"a".to_vec(), None)]));
        assert!(refused(vec![(b"a".to_vec(), None), (b"a".to_vec(), None)]));
        assert!(refused(vec![(Vec::new(), None)]));
        assert!(refused(vec![(vec![1; KEY_BYTES_MAX + 1], None)]));
        assert!(refused(vec![(vec![1], Some(vec![0; VALUE_BYTES_MAX + 1]))]));
        assert!(!refused(vec![(
            vec![1; KEY_BYTES_MAX],
            Some(vec![0; VALUE_BYTES_MAX])
        )]));
    }

    // Truncated and trailing bytes are refused at every length.
    #[test]
    fn truncated_and_trailing_bytes_are_refused() {
        let mut bytes = borsh::to_vec(&sample()).unwrap();
        for cut in 0..bytes.len() {
            assert!(borsh::from_slice::<WriteSet>(&bytes[..cut]).is_err());
        }
        bytes.push(0);
        assert!(borsh::from_slice::<WriteSet>(&bytes).is_err());
    }

    // Collected in any order, a set is the one that single calls make.
    #[test]
    fn a_collected_set_is_the_same() {
        let changes = [
            (b"c".to_vec(), None),
            (b"a".to_vec(), Some(b"1".to_vec())),
            (b"b".to_vec(), Some(b"2".to_vec())),
        ];
        assert_eq!(changes.into_iter().collect::<WriteSet>(), sample());
    }

    #[test]
    #[should_panic(expected = "have an allowed length")]
    fn a_collected_empty_key_is_a_broken_belief() {
        let _: WriteSet = std::iter::once((Vec::new(), None)).collect();
    }

    #[test]
    #[should_panic(expected = "a key of the state has")]
    fn an_empty_key_is_a_broken_belief() {
        WriteSet::new().delete(Vec::new());
    }
}

//! Reading what a peer sent: every length is checked first, and memory grows only as bytes arrive.
//!
//! Invariant: before the bytes of a value are there, at most [`CHUNK_BYTES`] or as much again as already came is allocated for them.
//! Units: counts and lengths are the `u32`, little endian, of borsh; bounds are given by the caller.
//! Errors: `InvalidData` for what is above a bound or not canonical, the reader's own error for what is cut short.
//! Source: `docs/spec/encoding.md`, "Decoding".

use alloc::string::String;
use alloc::vec::Vec;
use borsh::BorshDeserialize;
use borsh::io;

/// What is allocated for a byte string on the word of its length alone.
const CHUNK_BYTES: usize = 4096;

/// The error of bytes that are not canonical.
#[must_use]
pub fn invalid(why: &'static str) -> io::Error {
    io::Error::new(io::ErrorKind::InvalidData, why)
}

/// The error of bytes that decode and break a rule of their type; without `std` its words alone.
#[must_use]
pub fn refused<E: core::error::Error + Send + Sync + 'static>(error: E) -> io::Error {
    #[cfg(not(feature = "std"))]
    let error = alloc::string::ToString::to_string(&error);
    io::Error::new(io::ErrorKind::InvalidData, error)
}

/// Reads a count or length of at most `max`.
///
/// # Errors
/// `InvalidData` when it is above `max`, or the reader's own error.
pub fn count<R: io::Read>(reader: &mut R, max: usize) -> io::Result<usize> {
    let count = u32::deserialize_reader(reader)?;
    usize::try_from(count)
        .ok()
        .filter(|count| *count <= max)
        .ok_or_else(|| invalid("a length is above its bound"))
}

/// Reads a byte string of at most `max` bytes.
///
/// # Errors
/// `InvalidData` when it is longer than `max`, or the reader's own error.
pub fn byte_string<R: io::Read>(reader: &mut R, max: usize) -> io::Result<Vec<u8>> {
    let length = count(reader, max)?;
    let mut bytes = Vec::new();
    while bytes.len() < length {
        let start = bytes.len();
        bytes.resize(
            start.max(CHUNK_BYTES).saturating_add(start).min(length),
            0_u8,
        );
        reader.read_exact(&mut bytes[start..])?;
    }
    Ok(bytes)
}

/// Reads UTF-8 text of at most `max` bytes.
///
/// # Errors
/// `InvalidData` when it is longer than `max` or not UTF-8, or the reader's own error.
pub fn text<R: io::Read>(reader: &mut R, max: usize) -> io::Result<String> {
    String::from_utf8(byte_string(reader, max)?).map_err(|_| invalid("a text is not UTF-8"))
}

/// Reads a list of at most `max` values.
///
/// # Errors
/// `InvalidData` when there are more than `max`, or the error of a value.
pub fn list<T: BorshDeserialize, R: io::Read>(reader: &mut R, max: usize) -> io::Result<Vec<T>> {
    let mut values = Vec::new();
    for _ in 0..count(reader, max)? {
        values.push(T::deserialize_reader(reader)?);
    }
    Ok(values)
}

/// Reads a list of at most `count_max` byte strings with at most `bytes_max` bytes together, their lengths not counted.
///
/// # Errors
/// `InvalidData` when they are more or longer, or the reader's own error.
pub fn byte_strings<R: io::Read>(
    reader: &mut R,
    count_max: usize,
    bytes_max: usize,
) -> io::Result<Vec<Vec<u8>>> {
    let mut room = bytes_max;
    let mut strings = Vec::new();
    for _ in 0..count(reader, count_max)? {
        let string = byte_string(reader, room)?;
        room = room.saturating_sub(string.len());
        strings.push(string);
    }
    Ok(strings)
}

/// Reads the version of a layout, which has to be the one that this build knows.
///
/// # Errors
/// `InvalidData` when it is another, or the reader's own error.
pub fn version<R: io::Read>(reader: &mut R, known: u16) -> io::Result<u16> {
    let version = u16::deserialize_reader(reader)?;
    if version == known {
        Ok(version)
    } else {
        Err(invalid("a layout of another version"))
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    /// A reader that never ends, and notes the longest piece that was asked of it.
    struct Endless {
        prefix: std::collections::VecDeque<u8>,
        left: usize,
        longest: usize,
    }

    impl Endless {
        fn new(length: u32, left: usize) -> Self {
            let prefix = length.to_le_bytes().into();
            Self {
                prefix,
                left,
                longest: 0,
            }
        }
    }

    impl io::Read for Endless {
        fn read(&mut self, out: &mut [u8]) -> io::Result<usize> {
            if !self.prefix.is_empty() {
                return self.prefix.read(out);
            }
            self.longest = self.longest.max(out.len());
            let given = out.len().min(self.left);
            self.left -= given;
            Ok(given)
        }
    }

    // A length that promises a megabyte costs one chunk until bytes come, and never more than as much again as came.
    #[test]
    fn memory_grows_only_as_bytes_arrive() {
        for came in [0, 1, CHUNK_BYTES, 10 * CHUNK_BYTES, 100_000] {
            let mut reader = Endless::new(1 << 20, came);
            assert!(byte_string(&mut reader, 1 << 20).is_err());
            assert!(reader.longest <= CHUNK_BYTES.max(came));
        }
    }

    #[test]
    fn a_length_above_its_bound_is_refused_before_anything_is_read() {
        for length in [11, u32::MAX] {
            let mut reader = Endless::new(length, 1 << 20);
            assert!(byte_string(&mut reader, 10).is_err());
            assert!(list::<u8, _>(&mut Endless::new(length, 1 << 20), 10).is_err());
            assert_eq!(reader.longest, 0);
        }
    }

    #[test]
    fn byte_strings_are_bounded_together() {
        let strings = vec![vec![1_u8; 3], vec![], vec![2; 4]];
        let encoded = crate::hash::encode(&strings);
        let read = |count, bytes| byte_strings(&mut encoded.as_slice(), count, bytes);
        assert_eq!(read(3, 7).unwrap(), strings);
        assert!(read(2, 7).is_err());
        assert!(read(3, 6).is_err());
    }

    #[test]
    fn text_is_utf8() {
        let encoded = crate::hash::encode(&vec![0xc3_u8, 0x28]);
        assert!(text(&mut encoded.as_slice(), 8).is_err());
        let encoded = crate::hash::encode(&"é".to_string());
        assert_eq!(text(&mut encoded.as_slice(), 2).unwrap(), "é");
        assert!(text(&mut encoded.as_slice(), 1).is_err());
    }

    #[test]
    fn another_version_is_refused() {
        assert_eq!(version(&mut [1, 0].as_slice(), 1).unwrap(), 1);
        assert!(version(&mut [2, 0].as_slice(), 1).is_err());
        assert!(version(&mut [1].as_slice(), 1).is_err());
    }
}

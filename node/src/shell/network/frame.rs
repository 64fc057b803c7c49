//! Messages as bytes on a stream: a length, then so many bytes.
//!
//! Invariant: a length is judged before anything is allocated for it, and the memory held for an unfinished message
//! is at most twice what has come of it, and never more than its announced length.
//! Shape: length is a `u32`, little-endian, 1 to the largest message of the stream; it does not count itself.
//! Messages of one stream follow one another without gaps, so a message needs no number and no end mark.
//! Errors: [`FrameError`] ends the connection; after it the stream has no meaning any more.
//! Source: `docs/spec/wire.md`, section Transport.

use bytes::Bytes;

/// The length before each message.
pub(super) const PREFIX_BYTES: usize = 4;

/// The most that is written to a stream at a time, so that what is urgent waits for no more.
pub(super) const FRAME_BYTES_MAX: usize = 16 * 1024;

/// How much a message's buffer grows at least.
const GROWTH_BYTES_MIN: usize = 64 * 1024;

/// The length that goes before a message. Its size was checked when it was queued.
pub(super) fn prefix(message: &[u8]) -> [u8; PREFIX_BYTES] {
    u32::try_from(message.len())
        .expect("messages are checked against their class's u32 limit")
        .to_le_bytes()
}

/// A length that no message can have.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(super) enum FrameError {
    Empty,
    Oversized { bytes: u32 },
}

/// What the bytes fed so far have brought.
#[derive(Debug, Clone, PartialEq, Eq)]
pub(super) enum Decoded {
    /// Nothing new; the input is used up.
    More,
    /// A message of so many bytes follows. Nothing is allocated for it before the next call.
    Announced { bytes: u32 },
    /// A whole message.
    Message(Bytes),
}

/// Takes messages out of a stream of bytes, however they are cut.
#[derive(Debug)]
pub(super) struct Decoder {
    bytes_max: u32,
    prefix: [u8; PREFIX_BYTES],
    prefix_have: usize,
    body: Vec<u8>,
    body_need: usize,
}

impl Decoder {
    pub(super) const fn new(bytes_max: u32) -> Self {
        Self {
            bytes_max,
            prefix: [0; PREFIX_BYTES],
            prefix_have: 0,
            body: Vec::new(),
            body_need: 0,
        }
    }

    /// Takes from the front of `input` up to the next thing worth knowing.
    ///
    /// # Errors
    /// The next length is one that no message can have.
    pub(super) fn feed(&mut self, input: &mut &[u8]) -> Result<Decoded, FrameError> {
        if self.prefix_have < PREFIX_BYTES {
            return self.feed_prefix(input);
        }
        self.feed_body(input);
        if self.body.len() < self.body_need {
            return Ok(Decoded::More);
        }
        self.prefix_have = 0;
        Ok(Decoded::Message(Bytes::from(std::mem::take(
            &mut self.body,
        ))))
    }

    fn feed_prefix(&mut self, input: &mut &[u8]) -> Result<Decoded, FrameError> {
        let taken = take(input, PREFIX_BYTES - self.prefix_have);
        self.prefix[self.prefix_have..][..taken.len()].copy_from_slice(taken);
        self.prefix_have += taken.len();
        if self.prefix_have < PREFIX_BYTES {
            return Ok(Decoded::More);
        }
        let bytes = u32::from_le_bytes(self.prefix);
        if bytes == 0 {
            return Err(FrameError::Empty);
        }
        if bytes > self.bytes_max {
            return Err(FrameError::Oversized { bytes });
        }
        self.body_need = bytes as usize;
        Ok(Decoded::Announced { bytes })
    }

    fn feed_body(&mut self, input: &mut &[u8]) {
        let taken = take(input, self.body_need - self.body.len());
        if self.body.capacity() - self.body.len() < taken.len() {
            let growth = self.body.len().max(GROWTH_BYTES_MIN).max(taken.len());
            self.body
                .reserve_exact(growth.min(self.body_need - self.body.len()));
        }
        self.body.extend_from_slice(taken);
    }
}

fn take<'a>(input: &mut &'a [u8], wanted: usize) -> &'a [u8] {
    let (taken, rest) = input.split_at(wanted.min(input.len()));
    *input = rest;
    taken
}

#[cfg(test)]
mod tests {
    use proptest::prelude::*;

    use super::*;

    const BYTES_MAX: u32 = 300;

    /// Feeds pieces; gives the messages, and the error if there was one.
    fn decode(pieces: &[&[u8]]) -> (Vec<Bytes>, Option<FrameError>) {
        let mut decoder = Decoder::new(BYTES_MAX);
        let mut messages = Vec::new();
        for piece in pieces {
            let mut input = *piece;
            while !input.is_empty() {
                match decoder.feed(&mut input) {
                    Ok(Decoded::Message(message)) => messages.push(message),
                    Ok(Decoded::Announced { .. }) => assert!(decoder.body.capacity() == 0),
                    Ok(Decoded::More) => assert!(input.is_empty()),
                    Err(error) => return (messages, Some(error)),
                }
                assert!(decoder.body.capacity() <= BYTES_MAX as usize);
            }
        }
        (messages, None)
    }

    fn encode(messages: &[Vec<u8>]) -> Vec<u8> {
        messages
            .iter()
            .flat_map(|message| [&prefix(message)[..], message].concat())
            .collect()
    }

    #[test]
    fn a_length_beyond_the_limit_is_refused_before_anything_is_allocated() {
        let mut decoder = Decoder::new(u32::MAX - 1);
        assert_eq!(
            decoder.feed(&mut &[0xff; 4][..]),
            Err(FrameError::Oversized { bytes: u32::MAX })
        );
        assert_eq!(decoder.body.capacity(), 0);
    }

    #[test]
    fn the_largest_message_passes_and_one_more_byte_does_not() {
        let largest = vec![7; BYTES_MAX as usize];
        let (messages, error) = decode(&[&encode(std::slice::from_ref(&largest))]);
        assert_eq!((messages, error), (vec![Bytes::from(largest)], None));
        let (messages, error) = decode(&[&301_u32.to_le_bytes()]);
        assert_eq!(
            (messages.len(), error),
            (0, Some(FrameError::Oversized { bytes: 301 }))
        );
    }

    #[test]
    fn an_empty_message_is_refused() {
        assert_eq!(decode(&[&[0; 4]]).1, Some(FrameError::Empty));
    }

    #[test]
    fn memory_follows_what_has_come_and_not_what_was_announced() {
        let mut decoder = Decoder::new(u32::MAX);
        let announced = 60_000_000_u32.to_le_bytes();
        assert_eq!(
            decoder.feed(&mut &announced[..]),
            Ok(Decoded::Announced { bytes: 60_000_000 })
        );
        assert_eq!(decoder.feed(&mut &[1][..]), Ok(Decoded::More));
        assert!(decoder.body.capacity() <= GROWTH_BYTES_MIN);
    }

    proptest! {
        /// However a stream of messages is cut, the same messages come out.
        #[test]
        fn messages_survive_any_cut(
            messages in prop::collection::vec(prop::collection::vec(any::<u8>(), 1..=300), 0..8),
            cut in 1..64_usize,
        ) {
            let bytes = encode(&messages);
            let (decoded, error) = decode(&bytes.chunks(cut).collect::<Vec<_>>());
            prop_assert_eq!(error, None);
            prop_assert_eq!(decoded, messages.into_iter().map(Bytes::from).collect::<Vec<_>>());
        }

        /// Whatever bytes come, nothing panics, no message is empty or too long, and memory stays within the limit.
        #[test]
        fn arbitrary_bytes_never_panic_and_stay_bounded(
            bytes in prop::collection::vec(prop_oneof![3 => Just(0_u8), 1 => any::<u8>()], 0..4096),
            cut in 1..512_usize,
        ) {
            let (messages, _) = decode(&bytes.chunks(cut).collect::<Vec<_>>());
            prop_assert!(messages.iter().all(|message| (1..=300).contains(&message.len())));
        }
    }
}

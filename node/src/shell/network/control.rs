//! What is said on the control stream: who we are, whether that is accepted, and how long a round trip takes.
//!
//! Invariant: a control message decodes from exactly one byte string, and re-encodes to it.
//! Shape: one byte of kind, then 1 hello: opaque bytes; 2 accept: nothing; 3 refuse: a reason in UTF-8 without control
//! characters; 4 ping and 5 pong: a `u64`, little-endian, chosen by the pinging end.
//! Order: each end says hello first and its verdict second; from then on pings and pongs.
//! Errors: a word about what is wrong, which ends the connection.
//! Source: `docs/spec/wire.md`, section Transport.

use bytes::{BufMut, Bytes, BytesMut};

use super::config::{HELLO_BYTES_MAX, REASON_BYTES_MAX};

/// The largest control message: a hello and its kind.
pub(super) const CONTROL_BYTES_MAX: u32 = HELLO_BYTES_MAX + 1;

#[derive(Debug, Clone, PartialEq, Eq)]
pub(super) enum Control {
    Hello(Bytes),
    Accept,
    Refuse(String),
    Ping(u64),
    Pong(u64),
}

impl Control {
    pub(super) fn encode(&self) -> Bytes {
        let mut out = BytesMut::new();
        match self {
            Self::Hello(hello) => {
                out.put_u8(1);
                out.put_slice(hello);
            }
            Self::Accept => out.put_u8(2),
            Self::Refuse(reason) => {
                out.put_u8(3);
                out.put_slice(readable(reason).as_bytes());
            }
            Self::Ping(nonce) => {
                out.put_u8(4);
                out.put_u64_le(*nonce);
            }
            Self::Pong(nonce) => {
                out.put_u8(5);
                out.put_u64_le(*nonce);
            }
        }
        out.freeze()
    }

    pub(super) fn decode(message: &Bytes) -> Result<Self, &'static str> {
        let (kind, body) = message.split_first().ok_or("nothing at all")?;
        match kind {
            1 if body.is_empty() => Err("an empty hello"),
            1 => Ok(Self::Hello(message.slice(1..))),
            2 if body.is_empty() => Ok(Self::Accept),
            2 => Err("bytes after an accept"),
            3 => decode_reason(body).map(Self::Refuse),
            4 => decode_nonce(body).map(Self::Ping),
            5 => decode_nonce(body).map(Self::Pong),
            _ => Err("an unknown kind"),
        }
    }
}

fn decode_nonce(body: &[u8]) -> Result<u64, &'static str> {
    body.try_into()
        .map(u64::from_le_bytes)
        .map_err(|_| "a ping or pong that is not 8 bytes long")
}

fn decode_reason(body: &[u8]) -> Result<String, &'static str> {
    let reason = str::from_utf8(body).map_err(|_| "a reason that is not UTF-8")?;
    if reason.len() > REASON_BYTES_MAX {
        return Err("a reason that is too long");
    }
    if reason.contains(char::is_control) {
        return Err("a reason with control characters");
    }
    Ok(reason.to_owned())
}

/// A reason as it may be sent: without control characters, cut at a character's border.
fn readable(reason: &str) -> String {
    let mut readable: String = reason
        .chars()
        .map(|c| if c.is_control() { ' ' } else { c })
        .collect();
    readable.truncate(readable.floor_char_boundary(REASON_BYTES_MAX));
    readable
}

#[cfg(test)]
mod tests {
    use proptest::prelude::*;

    use super::*;

    fn control() -> impl Strategy<Value = Control> {
        prop_oneof![
            prop::collection::vec(any::<u8>(), 1..100)
                .prop_map(|hello| Control::Hello(hello.into())),
            Just(Control::Accept),
            "[a-z ]{0,256}".prop_map(Control::Refuse),
            any::<u64>().prop_map(Control::Ping),
            any::<u64>().prop_map(Control::Pong),
        ]
    }

    #[test]
    fn each_malformed_message_is_named() {
        let cases: [(&[u8], &str); 9] = [
            (&[], "nothing at all"),
            (&[0], "an unknown kind"),
            (&[6], "an unknown kind"),
            (&[1], "an empty hello"),
            (&[2, 0], "bytes after an accept"),
            (&[3, 0xff], "a reason that is not UTF-8"),
            (&[3, b'\n'], "a reason with control characters"),
            (&[4, 1, 2, 3], "a ping or pong that is not 8 bytes long"),
            (
                &[5, 0, 0, 0, 0, 0, 0, 0, 0, 0],
                "a ping or pong that is not 8 bytes long",
            ),
        ];
        for (bytes, detail) in cases {
            assert_eq!(Control::decode(&Bytes::copy_from_slice(bytes)), Err(detail));
        }
        let long = [&[3][..], &[b'x'; REASON_BYTES_MAX + 1]].concat();
        assert_eq!(
            Control::decode(&Bytes::from(long)),
            Err("a reason that is too long")
        );
    }

    #[test]
    fn a_reason_is_sent_readable_and_cut_between_characters() {
        let reason = format!("{}ليس هذا\n", "x".repeat(REASON_BYTES_MAX - 3));
        let Ok(Control::Refuse(sent)) = Control::decode(&Control::Refuse(reason).encode()) else {
            panic!("our own reason must be readable");
        };
        assert_eq!(sent.len(), REASON_BYTES_MAX - 1);
        assert!(sent.ends_with('ل'));
    }

    proptest! {
        #[test]
        fn what_is_encoded_decodes(message in control()) {
            prop_assert_eq!(Control::decode(&message.encode()), Ok(message));
        }

        #[test]
        fn what_decodes_has_one_encoding(bytes in prop::collection::vec(prop_oneof![1..6_u8, any::<u8>()], 0..40)) {
            let bytes = Bytes::from(bytes);
            if let Ok(message) = Control::decode(&bytes) {
                prop_assert_eq!(message.encode(), bytes);
            }
        }
    }
}

//! What nodes say to one another: `docs/spec/wire.md`, "Messages". The first byte says on which stream it came.

use falaj_consensus::hash::encode;
use falaj_consensus::message::{BATCH_BYTES_MAX, Batch, decode};
use falaj_node::core::{Class, Frame, Message};

use crate::form::{chosen, one_form, one_form_of};

/// A frame is of one class alone, within its length, and in its one form; so is the batch that it carries.
///
/// # Panics
/// If a frame is taken on two streams, or in another form.
pub fn target(data: &[u8]) {
    let (stream, bytes) = chosen(data);
    let class = Class::ALL[usize::from(stream) % Class::ALL.len()];
    let Ok(frame) = Frame::decode(class, bytes) else {
        return;
    };
    one_form_of(
        bytes,
        |bytes| Frame::decode(class, bytes).ok(),
        |frame| frame.encode().to_vec(),
    );
    assert_eq!(frame.class(), class);
    assert!(bytes.len() <= class.frame_bytes_max());
    for other in Class::ALL {
        assert_eq!(Frame::decode(other, bytes).is_ok(), other == class);
    }
    if let Some(Message::Batch(batch)) = &frame.message {
        one_form::<Batch>(batch, BATCH_BYTES_MAX);
        if let Ok(read) = decode::<Batch>("batch", batch, BATCH_BYTES_MAX) {
            assert_eq!(encode(&read).as_slice(), &batch[..]);
        }
    }
}

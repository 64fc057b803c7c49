//! Records of the logs on disk, which a disk may change: guard, audit, blocks and batches. The first byte says which.

use falaj_consensus::hash::encode;
use falaj_consensus::message::{BATCH_BYTES_MAX, Batch};
use falaj_hsm::audit::AuditRecord;
use falaj_hsm::guard::Record;
use falaj_node::storage::BlockRecord;

use crate::form::{chosen, one_form, one_form_of};

/// A record has one form: guard and audit records are chained by the hash of their bytes.
///
/// # Panics
/// If a record has another form.
pub fn target(data: &[u8]) {
    let (kind, bytes) = chosen(data);
    match kind {
        0 => one_form_of(bytes, |bytes| Record::decode(bytes).ok(), Record::encode),
        1 => one_form_of(bytes, AuditRecord::decode, AuditRecord::encode),
        2 => one_form_of(bytes, BlockRecord::decode, encode),
        _ => one_form::<Batch>(bytes, BATCH_BYTES_MAX),
    }
}

//! What a client keeps and anybody checks: `docs/spec/receipts.md`. The first byte says whether it is bytes or text.

use falaj_consensus::verify::RealChecker;
use falaj_ledger::bundle::{BUNDLE_BYTES_MAX, Bundle};
use falaj_ledger::testing::genesis;
use falaj_ledger::trust::Trust;
use std::sync::LazyLock;

use crate::form::{chosen, one_form_of};

/// Made once: the keys of its genesis take longer than a decoder.
static TRUST: LazyLock<Trust> = LazyLock::new(|| Trust::of_genesis(&genesis()));

/// A bundle has one form in bytes, any text of it is of those bytes, and to check it never panics.
///
/// # Panics
/// If a bundle has another form, or is another one after it went through text.
pub fn target(data: &[u8]) {
    let (kind, bytes) = chosen(data);
    let bundle = if kind == 0 {
        let read = |bytes: &[u8]| Bundle::from_bytes(bytes).ok();
        one_form_of(bytes, read, Bundle::to_bytes);
        read(bytes)
    } else {
        std::str::from_utf8(bytes)
            .ok()
            .and_then(|text| Bundle::from_text(text).ok())
    };
    let Some(bundle) = bundle else {
        return;
    };
    assert!(bundle.to_bytes().len() <= BUNDLE_BYTES_MAX);
    let again = Bundle::from_text(&bundle.to_text());
    assert_eq!(again.ok().as_ref(), Some(&bundle), "another one as text");
    let trust = &*TRUST;
    let (first, second) = (
        bundle.verify(trust, &RealChecker),
        bundle.verify(trust, &RealChecker),
    );
    assert_eq!(first, second, "two verdicts");
}

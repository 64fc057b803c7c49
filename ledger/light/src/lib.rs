//! The light client: receipts, accounts, events, headers and changes of set, checked without a node.
//!
//! Invariant: what is returned as verified follows from the [`Trust`] that was given and from nothing else; every listed signature was
//! checked, by the rule of its algorithm, and under `fips_strict` by an approved one.
//! Shape: `no_std` with alloc; it reads no clock, holds no state and asks nobody. It is the code of the node and of `falaj verify`, of
//! which it takes the data model, the proofs and the checks, and no more: `falaj-ledger` and `falaj-consensus` without their feature `std`.
//! Who calls it: programs of banks and auditors that keep receipts; `falaj verify`.
//! Errors: [`BundleFormError`] for bytes that are no bundle, [`BundleError`] for a bundle that proves nothing; each has a stable name.
//! Source: `docs/spec/receipts.md`.
//!
//! ```
//! use falaj_light::{Bundle, Trust, VerifiedBundle, verify};
//!
//! /// The height at which a receipt's transaction was executed, if the bytes prove that it was.
//! fn executed_at(trust: &Trust, receipt: &[u8]) -> Option<u64> {
//!     let bundle = Bundle::from_bytes(receipt).ok()?;
//!     let VerifiedBundle::Receipt(found) = verify(trust, &bundle).ok()? else {
//!         return None;
//!     };
//!     let executed = found.receipt.verdict.is_executed();
//!     executed.then_some(found.at.height.get())
//! }
//! ```
#![no_std]

pub use falaj_consensus::types::{ChainContext, Hash32, Height};
pub use falaj_consensus::validator_set::ValidatorSet;
pub use falaj_ledger::bundle::{
    AccountBundle, BUNDLE_BYTES_MAX, Bundle, BundleError, BundleFormError, CertifiedOutcome,
    EventBundle, LogExtensionBundle, NoExecutionBundle, Proven, ReceiptBundle, SET_CHANGES_MAX,
    SetChange, SignedBlock, VerifiedAccount, VerifiedBundle, VerifiedEvent, VerifiedLogExtension,
    VerifiedNoExecution, VerifiedReceipt,
};
pub use falaj_ledger::genesis::{Constants, Genesis};
pub use falaj_ledger::proof::Certified;
pub use falaj_ledger::trust::Trust;

use falaj_consensus::verify::{ApprovedOnly, Checker, RealChecker};

static REAL: RealChecker = RealChecker;
static APPROVED: ApprovedOnly<RealChecker> = ApprovedOnly(RealChecker);

/// Checks a bundle under what is trusted.
///
/// # Errors
/// [`BundleError`], with the first step that does not hold.
pub fn verify(trust: &Trust, bundle: &Bundle) -> Result<VerifiedBundle, BundleError> {
    bundle.verify(trust, checker(trust))
}

/// Checks that a quorum certified a header with its outcome, by way of any changes of set that come with it.
///
/// # Errors
/// [`BundleError`], with the first step that does not hold.
pub fn verify_header(
    trust: &Trust,
    certified: &CertifiedOutcome,
) -> Result<Certified, BundleError> {
    certified.verify(trust, checker(trust))
}

/// Checks that the trusted validators certified others to follow them, and trusts those.
///
/// # Errors
/// [`BundleError`], with the first step that does not hold.
pub fn follow(trust: &Trust, change: &SetChange) -> Result<Trust, BundleError> {
    change.verify(trust, checker(trust))
}

/// Who computes, by the rule of the chain.
fn checker(trust: &Trust) -> &'static dyn Checker {
    if trust.constants().fips_strict {
        &APPROVED
    } else {
        &REAL
    }
}

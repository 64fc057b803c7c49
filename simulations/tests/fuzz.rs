//! The fuzz targets over their corpus and a fixed budget of spoilt inputs; `make fuzz` spends more (`docs/guide/fuzzing.md`).
#![expect(
    unreachable_pub,
    reason = "under libFuzzer the same files are a library"
)]

#[path = "../fuzz/src/budget.rs"]
mod budget;
#[path = "../fuzz/src/bundle.rs"]
mod bundle;
#[path = "../fuzz/src/chance.rs"]
mod chance;
#[path = "../fuzz/src/form.rs"]
mod form;
#[path = "../fuzz/src/frame.rs"]
mod frame;
#[path = "../fuzz/src/genesis.rs"]
mod genesis;
#[path = "../fuzz/src/log.rs"]
mod log;
#[path = "../fuzz/src/message.rs"]
mod message;
#[path = "../fuzz/src/record.rs"]
mod record;
#[path = "../fuzz/src/scenario.rs"]
mod scenario;
#[path = "../fuzz/src/snapshot.rs"]
mod snapshot;
#[path = "../fuzz/src/transaction.rs"]
mod transaction;

use budget::spend;

/// What a target may take of the machine: memory that is promised by a count counts, touched or not.
const ADDRESS_SPACE_BYTES: u64 = 4 << 30;

/// Goal: every decoder keeps its word on bytes that nobody thought of, and none of them asks for the memory that a few bytes promise.
#[test]
fn every_target_keeps_its_word() {
    let limit = rustix::process::Rlimit {
        current: Some(ADDRESS_SPACE_BYTES),
        maximum: Some(ADDRESS_SPACE_BYTES),
    };
    rustix::process::setrlimit(rustix::process::Resource::As, limit)
        .expect("a limit can be lowered");
    spend("message", message::target);
    spend("frame", frame::target);
    spend("transaction", transaction::target);
    spend("bundle", bundle::target);
    spend("record", record::target);
    spend("snapshot", snapshot::target);
    spend("log", log::target);
    spend("genesis", genesis::target);
    spend("scenario", scenario::target);
}

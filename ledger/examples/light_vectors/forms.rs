//! Bytes that are no bundle: cut, lengthened, of another version or kind, or not in their one form.

use crate::sheet::Sheet;
use crate::world::{World, receipt, trust};

/// Where the parts of this receipt's bytes begin: kind 1, version 2, header 236, outcome.
const HEADER: usize = 3;
const OUTCOME: usize = HEADER + 236;

pub(crate) fn write(sheet: &mut Sheet) {
    let (name, trust) = trust();
    let trust = (name, &trust);
    let block = World::new().payments(3);
    let bundle = receipt(block.certified(trust.1.chain()), &block.receipts, 1);
    let bytes = bundle.to_bytes();
    let with = |at: usize, value: u8| {
        let mut bytes = bytes.clone();
        bytes[at] = value;
        bytes
    };
    let outcome_bytes = falaj_consensus::hash::encode(&block.outcome).len();
    let bitmap = OUTCOME + outcome_bytes + 4;
    let signatures = bitmap + 4 + 1;
    let changes = signatures + 4 + 3 * (4 + 64);
    let bad = "bundle-bytes";
    sheet.bytes("bytes-none", "nothing", trust, &[], bad);
    sheet.bytes(
        "bytes-cut",
        "the last byte is missing",
        trust,
        &bytes[..bytes.len() - 1],
        bad,
    );
    sheet.bytes(
        "bytes-left-over",
        "a byte too many",
        trust,
        &[&bytes[..], &[0]].concat(),
        bad,
    );
    sheet.bytes("kind-0", "there is no such kind", trust, &with(0, 0), bad);
    sheet.bytes("kind-6", "there is no such kind", trust, &with(0, 6), bad);
    sheet.bytes(
        "kind-of-another",
        "a receipt that says it is an event",
        trust,
        &with(0, 4),
        bad,
    );
    sheet.bytes(
        "version-2",
        "a layout of another version",
        trust,
        &with(1, 2),
        bad,
    );
    sheet.bytes(
        "header-version-2",
        "a header of another version",
        trust,
        &with(HEADER, 2),
        bad,
    );
    sheet.bytes(
        "outcome-version-2",
        "an outcome of another version",
        trust,
        &with(OUTCOME, 2),
        bad,
    );
    sheet.bytes(
        "bitmap-of-200-bytes",
        "no set has so many members",
        trust,
        &with(bitmap, 200),
        bad,
    );
    sheet.bytes(
        "signatures-of-4-billion",
        "a count far above any set",
        trust,
        &with(signatures + 3, 0xff),
        bad,
    );
    sheet.bytes(
        "signature-of-513-bytes",
        "longer than any algorithm's",
        trust,
        &with(signatures + 5, 2),
        bad,
    );
    sheet.bytes(
        "set-changes-of-65535",
        "a count without its changes",
        trust,
        &[&bytes[..changes], &[0xff, 0xff], &bytes[changes + 2..]].concat(),
        bad,
    );
    sheet.bytes(
        "id-of-version-4",
        "an id that is no version 7 UUID",
        trust,
        &with(changes + 2 + 4 + 6, 0x40),
        bad,
    );
    let verdict = changes + 2 + 4 + 16 + 32 + 8 + 4 + 8;
    sheet.bytes(
        "verdict-9",
        "there is no such verdict",
        trust,
        &with(verdict, 9),
        bad,
    );
    let inclusion = verdict + 1;
    sheet.bytes(
        "path-outside-tree",
        "index 1 of a tree of one leaf",
        trust,
        &with(inclusion + 8, 1),
        bad,
    );
    sheet.bytes(
        "path-too-short",
        "a tree of so many leaves asks for more nodes",
        trust,
        &with(inclusion + 8 + 2, 1),
        bad,
    );
}

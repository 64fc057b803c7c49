//! What checking a receipt costs, by what the checks of its signatures cost alone.
//!
//! The floor is one call of the checker that `verify` calls, on the same keys, messages and signatures: nobody who checks a certificate
//! can leave it out. The rest is decoding, hashing header and outcome, sign-bytes and paths. Both are taken in turn, so that what else the
//! machine does falls on both, and the median of each counts.
//! Units: microseconds of wall time on one thread. `cargo bench -p falaj-light --bench receipt`; as a test (without `--bench`) it does nothing.
#![expect(clippy::print_stdout, reason = "printing is all it does")]
#![expect(clippy::unwrap_used, reason = "the vectors are committed")]
#![expect(
    clippy::disallowed_methods,
    reason = "a measurement reads the clock; nothing here decides"
)]

#[path = "../tests/vectors/file.rs"]
mod file;

use std::hint::black_box;
use std::time::Instant;

use falaj_consensus::verify::{Checker, RealChecker, SignedItem};
use falaj_light::{Bundle, Trust, verify};

use file::{hex, read, text, trust};

const TURNS: usize = 2_001;
const GOAL: f64 = 1.5;
const RECEIPTS: [&str; 4] = [
    "receipt-alone",
    "receipt-executed",
    "certificate-of-all",
    "bitmap-of-two-bytes",
];

fn main() {
    if !std::env::args().any(|argument| argument == "--bench") {
        return;
    }
    let file = read();
    for name in RECEIPTS {
        let vectors = file["vectors"].as_array().unwrap();
        let vector = vectors.iter().find(|one| one["name"] == name).unwrap();
        assert_eq!(text(vector, "verdict"), "ok");
        measure(name, &trust(&file, vector), &hex(vector, "bundle"));
    }
}

fn measure(name: &str, trust: &Trust, bytes: &[u8]) {
    let Bundle::Receipt(receipt) = Bundle::from_bytes(bytes).unwrap() else {
        panic!("{name} is no receipt");
    };
    let certificate = receipt.certified.certificate();
    let message = certificate.statement().sign_bytes(trust.chain());
    let members = certificate.signers.iter();
    let items: Vec<_> = members
        .zip(&certificate.signatures)
        .map(|(index, signature)| SignedItem {
            key: &trust.validators().get(index).unwrap().key,
            message: message.as_slice(),
            signature,
        })
        .collect();
    let (mut whole, mut floor) = (Vec::new(), Vec::new());
    for _ in 0..TURNS {
        floor.push(us(|| RealChecker.check_batch(black_box(&items))));
        whole.push(us(|| {
            let bundle = Bundle::from_bytes(black_box(bytes)).unwrap();
            verify(trust, &bundle).unwrap()
        }));
    }
    let (whole, floor) = (median(whole), median(floor));
    let (ratio, signatures) = (whole / floor, items.len());
    let held = if ratio <= GOAL { "held" } else { "missed" };
    println!(
        "{name}: {ratio:.3} x its {signatures} signature checks, goal {GOAL} {held} ({whole:.1} us, floor {floor:.1} us)"
    );
}

fn us<T>(work: impl FnOnce() -> T) -> f64 {
    let before = Instant::now();
    black_box(work());
    before.elapsed().as_secs_f64() * 1e6
}

fn median(mut values: Vec<f64>) -> f64 {
    values.sort_by(f64::total_cmp);
    values[values.len() / 2]
}

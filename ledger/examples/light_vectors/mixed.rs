//! A certificate by keys of P-256, P-384, RSA-PSS 2048 and 3072, signed once by OpenSSL: ECDSA and PSS draw chance, so it cannot be made anew.
//!
//! `mixed.txt` has a line for each key: algorithm, key, signature over the sign-bytes of this file's precommit.
//! The keys were made for it and thrown away.

use data_encoding::HEXLOWER;
use falaj_consensus::crypto::{Algorithm, PublicKey, Signature};
use falaj_consensus::message::{CommitCertificate, Outcome};
use falaj_consensus::types::{
    ChainContext, Hash32, Round, ValidatorId, ValidatorIndex, VotingPower,
};
use falaj_consensus::validator_set::{Bitmap, Declared, Validator, ValidatorSet};
use falaj_ledger::bundle::{Bundle, CertifiedOutcome, LogExtensionBundle};
use falaj_ledger::genesis::Constants;
use falaj_ledger::log_tree::{ConsistencyProof, empty_root};
use falaj_ledger::trust::Trust;

use crate::sheet::Sheet;
use crate::world::header;

const KEYS: &str = include_str!("mixed.txt");
/// The order of P-256, from which a low s is taken to have the high one.
const P256_ORDER: [u8; 32] = [
    0xff, 0xff, 0xff, 0xff, 0, 0, 0, 0, 0xff, 0xff, 0xff, 0xff, 0xff, 0xff, 0xff, 0xff, 0xbc, 0xe6,
    0xfa, 0xad, 0xa7, 0x17, 0x9e, 0x84, 0xf3, 0xb9, 0xca, 0xc2, 0xfc, 0x63, 0x25, 0x51,
];

struct Line {
    key: PublicKey,
    signature: Signature,
}

fn lines() -> Vec<Line> {
    let hex = |text: &str| HEXLOWER.decode(text.as_bytes()).expect("small hexadecimal");
    let line = |line: &str| {
        let fields: Vec<&str> = line.split(' ').collect();
        let algorithm = Algorithm::from_name(fields[0]).expect("an algorithm");
        Line {
            key: PublicKey::new(algorithm, hex(fields[1])).expect("a key"),
            signature: Signature::new(hex(fields[2])).expect("a signature"),
        }
    };
    KEYS.lines().map(line).collect()
}

fn trust(lines: &[Line], fips_strict: bool) -> Trust {
    let member = |(id, line): (u32, &Line)| Validator {
        id: ValidatorId::new(id),
        power: VotingPower::new(1),
        key: line.key.clone(),
        declared: Declared::default(),
    };
    let set = ValidatorSet::new((1..).zip(lines).map(member).collect()).expect("a set");
    let chain = ChainContext {
        chain_id: "falaj-vectors-1".to_owned(),
        genesis_hash: Hash32::new([0x11; 32]),
    };
    let constants = Constants {
        fips_strict,
        ..Constants::default()
    };
    Trust::new(chain, constants, set)
}

fn outcome() -> Outcome {
    Outcome {
        version: Outcome::VERSION,
        state_root: Hash32::new([0x51; 32]),
        receipts_root: empty_root(),
        events_root: empty_root(),
        events: 0,
        supply: Vec::new(),
        set_hash: Hash32::new([0x54; 32]),
        parameters_hash: Hash32::new([0x55; 32]),
    }
}

/// That the log of a block with these signatures extends itself.
fn bundle(trust: &Trust, signatures: Vec<Signature>) -> Bundle {
    let (header, outcome) = (header(trust.chain(), 9, trust), outcome());
    let mut signers = Bitmap::none(4);
    (0..4).for_each(|index| signers.insert(ValidatorIndex::new(index)));
    let certificate = CommitCertificate {
        height: header.height,
        round: Round::new(2),
        id: header.id(),
        outcome: outcome.hash(),
        signers,
        signatures,
    };
    let certified = CertifiedOutcome::new(header, outcome, &certificate).expect("of this block");
    Bundle::LogExtension(Box::new(LogExtensionBundle {
        earlier: certified.clone(),
        later: certified,
        consistency: ConsistencyProof::new(0, 0, Vec::new()),
    }))
}

pub(crate) fn write(sheet: &mut Sheet) {
    let lines = lines();
    let signatures =
        || -> Vec<Signature> { lines.iter().map(|line| line.signature.clone()).collect() };
    let (strict, lax) = (trust(&lines, true), trust(&lines, false));
    let good = bundle(&strict, signatures());
    sheet.good(
        "mixed-algorithms-strict",
        "P-256, P-384 and RSA-PSS of 2048 and 3072 bits on a strict chain",
        ("mixed-strict", &strict),
        &good,
    );
    let trust = ("mixed", &lax);
    sheet.good(
        "mixed-algorithms",
        "the same on a chain that admits every algorithm",
        trust,
        &good,
    );
    let bad = "certificate-signature";
    let with = |at: usize, bytes: Vec<u8>| {
        let mut changed = signatures();
        changed[at] = Signature::new(bytes).expect("a signature");
        bundle(&lax, changed)
    };
    let bytes = |at: usize| lines[at].signature.bytes().to_vec();
    sheet.bad(
        "p256-high-s",
        "n − s in the place of s: right by FIPS 186-5, refused as its second form",
        trust,
        &with(0, high(&bytes(0))),
        bad,
    );
    for (at, name) in [(0, "p256"), (1, "p384"), (2, "rsa-2048"), (3, "rsa-3072")] {
        let mut flipped = bytes(at);
        let last = flipped.len() - 1;
        flipped[last] ^= 1;
        sheet.bad(
            &format!("{name}-flipped"),
            "the last bit of its signature",
            trust,
            &with(at, flipped),
            bad,
        );
    }
    let longer = [vec![0], bytes(2)].concat();
    sheet.bad(
        "rsa-2048-zero-in-front",
        "longer than the modulus by a zero byte",
        trust,
        &with(2, longer),
        bad,
    );
    let mut exchanged = signatures();
    exchanged.swap(0, 1);
    sheet.bad(
        "mixed-exchanged",
        "signatures under keys of another algorithm",
        trust,
        &bundle(&lax, exchanged),
        bad,
    );
}

/// r and n − s.
fn high(signature: &[u8]) -> Vec<u8> {
    let (r, s) = signature.split_at(32);
    let (mut borrow, mut high) = (0_i16, [0_u8; 32]);
    for at in (0..32).rev() {
        let difference = i16::from(P256_ORDER[at]) - i16::from(s[at]) - borrow;
        borrow = i16::from(difference < 0);
        high[at] = difference.rem_euclid(256).to_le_bytes()[0];
    }
    [r, &high].concat()
}

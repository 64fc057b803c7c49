//! Ed25519 by ZIP 215: crafted signatures get one verdict, alone and in any company, and it is that of ed25519-zebra.
//!
//! Crafted with curve25519-dalek: A = aB + T, R = rB + T', k = SHA-512(R ‖ A ‖ M), s = r + ka, with T and T' of small order.
//! Source: ZIP 215; Chalkias, Garillot, Nikolaenko, "Taming the many EdDSAs" (2020); `docs/spec/encoding.md`, "Signatures".

use curve25519_dalek::constants::{ED25519_BASEPOINT_POINT as B, EIGHT_TORSION};
use curve25519_dalek::edwards::{CompressedEdwardsY, EdwardsPoint};
use curve25519_dalek::scalar::Scalar;
use falaj_consensus::crypto::{Algorithm, KeyError, PublicKey, Signature};
use falaj_consensus::hash;
use falaj_consensus::verify::{Checker, RealChecker, SignedItem};
use ring::digest;

/// L, the order of the base point, little endian.
const ORDER: [u8; 32] = [
    0xed, 0xd3, 0xf5, 0x5c, 0x1a, 0x63, 0x12, 0x58, 0xd6, 0x9c, 0xf7, 0xa2, 0xde, 0xf9, 0xde, 0x14,
    0, 0, 0, 0, 0, 0, 0, 0, 0, 0, 0, 0, 0, 0, 0, 0x10,
];

#[derive(Clone)]
struct Case {
    name: String,
    key: PublicKey,
    message: Vec<u8>,
    signature: Signature,
    accepted: bool,
}

impl Case {
    fn new(
        name: impl Into<String>,
        key: [u8; 32],
        message: &[u8],
        rs: ([u8; 32], [u8; 32]),
        accepted: bool,
    ) -> Self {
        Self {
            name: name.into(),
            key: PublicKey::new(Algorithm::Ed25519, key.to_vec()).unwrap(),
            message: message.to_vec(),
            signature: Signature::new([rs.0, rs.1].concat()).unwrap(),
            accepted,
        }
    }

    fn item(&self) -> SignedItem<'_> {
        SignedItem {
            key: &self.key,
            message: &self.message,
            signature: &self.signature,
        }
    }

    fn zebra(&self) -> bool {
        let key = ed25519_zebra::VerificationKey::try_from(self.key.bytes());
        let signature = ed25519_zebra::Signature::from_slice(self.signature.bytes());
        let (Ok(key), Ok(signature)) = (key, signature) else {
            return false;
        };
        key.verify(&signature, &self.message).is_ok()
    }
}

/// A stream of numbers that depends on its seed alone.
struct Dice {
    seed: u64,
    count: u64,
}

impl Dice {
    const fn new(seed: u64) -> Self {
        Self { seed, count: 0 }
    }

    fn bytes(&mut self) -> [u8; 32] {
        self.count += 1;
        *hash::sha256(&[self.seed.to_le_bytes(), self.count.to_le_bytes()].concat()).bytes()
    }

    fn below(&mut self, bound: usize) -> usize {
        let word: [u8; 8] = self.bytes()[..8].try_into().unwrap();
        usize::try_from(u64::from_le_bytes(word) % u64::try_from(bound).unwrap()).unwrap()
    }

    fn scalar(&mut self) -> Scalar {
        Scalar::from_bytes_mod_order(self.bytes())
    }
}

fn challenge(r: &[u8; 32], a: &[u8; 32], message: &[u8]) -> Scalar {
    let preimage = [r, a.as_slice(), message].concat();
    let wide = digest::digest(&digest::SHA512, &preimage);
    Scalar::from_bytes_mod_order_wide(wide.as_ref().try_into().unwrap())
}

/// A signature of the key aB + `in_key`, with R = rB + `in_r`.
fn craft(name: &str, dice: &mut Dice, a: Scalar, in_key: EdwardsPoint, in_r: EdwardsPoint) -> Case {
    let (r, message) = (dice.scalar(), dice.bytes());
    let key = (a * B + in_key).compress().to_bytes();
    let commitment = (r * B + in_r).compress().to_bytes();
    let s = r + challenge(&commitment, &key, &message) * a;
    Case::new(name, key, &message, (commitment, s.to_bytes()), true)
}

/// The same with s + L for s: another encoding of an equal scalar.
fn unreduced(case: &Case) -> Case {
    let mut signature = case.signature.bytes().to_vec();
    let mut carry = 0;
    for (byte, order) in signature[32..].iter_mut().zip(ORDER) {
        let sum = u16::from(*byte) + u16::from(order) + carry;
        *byte = u8::try_from(sum & 0xff).unwrap();
        carry = sum >> 8;
    }
    assert_eq!(carry, 0);
    Case {
        name: format!("{}, s + L", case.name),
        signature: Signature::new(signature).unwrap(),
        accepted: false,
        ..case.clone()
    }
}

fn spoilt(case: &Case, name: &str, at: usize) -> Case {
    let mut signature = case.signature.bytes().to_vec();
    signature[at] ^= 1;
    Case {
        name: format!("{}, {name}", case.name),
        signature: Signature::new(signature).unwrap(),
        accepted: false,
        ..case.clone()
    }
}

fn torsion(order: usize) -> EdwardsPoint {
    let point = EIGHT_TORSION[8 / order];
    let power = |times: u64| Scalar::from(times) * point;
    assert!(power(8).compress() == EIGHT_TORSION[0].compress());
    point
}

/// Honest, crafted and wrong signatures: `rounds` of each kind.
fn pool(seed: u64, rounds: usize) -> Vec<Case> {
    let mut dice = Dice::new(seed);
    let none = EIGHT_TORSION[0];
    let mut cases = Vec::new();
    for _ in 0..rounds {
        let a = dice.scalar();
        let honest = craft("honest", &mut dice, a, none, none);
        cases.push(unreduced(&honest));
        cases.push(spoilt(&honest, "s changed", 40));
        cases.push(spoilt(&honest, "R changed", 3));
        cases.push(Case {
            name: "honest, another message".into(),
            message: dice.bytes().to_vec(),
            accepted: false,
            ..honest.clone()
        });
        cases.push(honest);
        for order in [2, 4, 8] {
            let t = torsion(order);
            cases.push(craft(&format!("R + T{order}"), &mut dice, a, none, t));
            cases.push(craft(&format!("A + T{order}"), &mut dice, a, t, none));
            cases.push(craft(
                &format!("A + T{order}, R - T{order}"),
                &mut dice,
                a,
                t,
                -t,
            ));
            cases.push(craft(
                &format!("A = T{order}"),
                &mut dice,
                Scalar::ZERO,
                t,
                none,
            ));
            let mixed = craft(&format!("R + T{order}"), &mut dice, a, none, t);
            cases.push(unreduced(&mixed));
            cases.push(spoilt(&mixed, "s changed", 33));
        }
    }
    cases
}

/// The 14 encodings of points of small order that ZIP 215 decodes: 8 canonical ones and 6 others.
fn small_order_encodings() -> Vec<[u8; 32]> {
    let mut all: Vec<[u8; 32]> = EIGHT_TORSION
        .iter()
        .map(|point| point.compress().to_bytes())
        .collect();
    let y = |low: u8, high: u8| {
        let mut bytes = [0xff; 32];
        (bytes[0], bytes[31]) = (low, high);
        bytes
    };
    let mut one_negative = [0; 32];
    (one_negative[0], one_negative[31]) = (1, 0x80);
    // y = 1 with the sign of x = 0 set; y = -1 likewise; y = p and y = p + 1 with either sign.
    all.extend([
        one_negative,
        y(0xec, 0xff),
        y(0xed, 0x7f),
        y(0xed, 0xff),
        y(0xee, 0x7f),
        y(0xee, 0xff),
    ]);
    all
}

/// Every small-order A with every small-order R and s = 0 verifies any message.
fn small_order_square() -> Vec<Case> {
    let all = small_order_encodings();
    all.iter()
        .flat_map(|key| {
            all.iter()
                .map(|r| Case::new("small A, small R", *key, b"Zcash", (*r, [0; 32]), true))
        })
        .collect()
}

fn verdicts(cases: &[Case]) -> Vec<bool> {
    cases.iter().map(|case| case.accepted).collect()
}

fn check_all(cases: &[Case]) {
    for case in cases {
        assert_eq!(
            RealChecker.check(case.item()),
            case.accepted,
            "alone: {}",
            case.name
        );
        assert_eq!(case.zebra(), case.accepted, "zebra: {}", case.name);
    }
    let items: Vec<_> = cases.iter().map(Case::item).collect();
    assert_eq!(RealChecker.check_batch(&items), verdicts(cases));
}

#[test]
fn crafted_signatures_get_the_verdict_of_zebra() {
    check_all(&pool(1, 20));
}

#[test]
fn every_pair_of_small_order_points_verifies_alone_and_together() {
    let square = small_order_square();
    assert_eq!(square.len(), 196);
    check_all(&square);
}

// The verdict does not depend on the company: 400 companies of 1 to 40, good, crafted and wrong together.
#[test]
fn the_verdict_is_the_same_in_any_company() {
    let pool: Vec<_> = pool(2, 4).into_iter().chain(small_order_square()).collect();
    let mut dice = Dice::new(3);
    for company in 0..400 {
        let size = 1 + dice.below(40);
        let cases: Vec<_> = (0..size).map(|_| &pool[dice.below(pool.len())]).collect();
        let items: Vec<_> = cases.iter().map(|case| case.item()).collect();
        let expected: Vec<_> = cases.iter().map(|case| case.accepted).collect();
        assert_eq!(
            RealChecker.check_batch(&items),
            expected,
            "company {company}"
        );
    }
}

// The same where nothing in the company is wrong, so that the batch equation itself has to hold.
#[test]
fn crafted_signatures_hold_in_batches_of_good_ones() {
    let mut good: Vec<_> = pool(4, 6).into_iter().chain(small_order_square()).collect();
    good.retain(|case| case.accepted);
    let mut dice = Dice::new(5);
    for company in 0..200 {
        let items: Vec<_> = (0..4 + dice.below(30))
            .map(|_| good[dice.below(good.len())].item())
            .collect();
        assert!(
            RealChecker.check_batch(&items).iter().all(|right| *right),
            "company {company}"
        );
    }
}

// One fixed crafted signature among 400 different honest mates: the case that splits other batch verifiers.
#[test]
fn one_crafted_signature_is_accepted_among_any_mates() {
    let mut dice = Dice::new(6);
    let none = EIGHT_TORSION[0];
    let a = dice.scalar();
    let crafted = craft("R + T8", &mut dice, a, none, torsion(8));
    for _ in 0..400 {
        let key = dice.scalar();
        let mates: Vec<_> = (0..4)
            .map(|_| craft("honest", &mut dice, key, none, none))
            .collect();
        let items: Vec<_> = mates.iter().chain([&crafted]).map(Case::item).collect();
        assert_eq!(RealChecker.check_batch(&items), [true; 5]);
    }
}

// One wrong signature among more than one slice holds: it alone is refused, whichever slice it is in.
#[test]
fn a_wrong_signature_is_found_in_a_long_batch() {
    let none = EIGHT_TORSION[0];
    let mut dice = Dice::new(7);
    let a = dice.scalar();
    let honest = craft("honest", &mut dice, a, none, none);
    let wrong = spoilt(&honest, "s changed", 50);
    for at in [0, 511, 512, 1_099] {
        let mut items = vec![honest.item(); 1_100];
        items[at] = wrong.item();
        let verdicts = RealChecker.check_batch(&items);
        assert_eq!(verdicts.len(), 1_100);
        assert!(
            verdicts
                .iter()
                .enumerate()
                .all(|(i, right)| *right == (i != at))
        );
    }
}

#[test]
fn signatures_and_keys_of_no_form_are_refused_alone_and_together() {
    let none = EIGHT_TORSION[0];
    let mut dice = Dice::new(8);
    let a = dice.scalar();
    let honest = craft("honest", &mut dice, a, none, none);
    let mut cases = vec![honest.clone(); 5];
    for length in [0, 63, 65, 512] {
        let mut bytes = honest.signature.bytes().to_vec();
        bytes.resize(length, 0);
        cases.push(Case {
            name: format!("{length} bytes"),
            signature: Signature::new(bytes).unwrap(),
            accepted: false,
            ..honest.clone()
        });
    }
    let no_point = (2..).map(|y| [[y; 1].as_slice(), &[0; 31]].concat());
    let no_point = no_point
        .map(|bytes| <[u8; 32]>::try_from(bytes).unwrap())
        .find(|bytes| CompressedEdwardsY(*bytes).decompress().is_none())
        .unwrap();
    let (r, s) = honest.signature.bytes().split_at(32);
    let (r, s) = (r.try_into().unwrap(), s.try_into().unwrap());
    cases.push(Case::new(
        "A is no point",
        no_point,
        &honest.message,
        (r, s),
        false,
    ));
    let key = honest.key.bytes().try_into().unwrap();
    cases.push(Case::new(
        "R is no point",
        key,
        &honest.message,
        (no_point, s),
        false,
    ));
    check_all(&cases);
}

// What verifies anything is nobody's key: small order, not a point, or a second encoding of a point.
#[test]
fn enrolment_refuses_keys_that_verification_would_accept() {
    let enrol = |bytes: [u8; 32]| {
        PublicKey::new(Algorithm::Ed25519, bytes.to_vec())
            .unwrap()
            .check_enrolment()
    };
    for encoding in small_order_encodings() {
        assert_eq!(enrol(encoding), Err(KeyError::SmallOrder));
    }
    let mut accepted = 0;
    // y = p + 2 … p + 18 encode the points of y = 2 … 18 again.
    for y in 2..19_u8 {
        let mut canonical = [0; 32];
        canonical[0] = y;
        let mut second = [0xff; 32];
        (second[0], second[31]) = (0xed + y, 0x7f);
        if CompressedEdwardsY(canonical).decompress().is_some() {
            assert_eq!(enrol(canonical), Ok(()));
            assert_eq!(enrol(second), Err(KeyError::Form(Algorithm::Ed25519)));
            accepted += 1;
        } else {
            assert_eq!(enrol(canonical), Err(KeyError::SmallOrder));
        }
    }
    assert!(accepted > 3);
}

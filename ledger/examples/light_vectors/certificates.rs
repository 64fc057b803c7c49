//! Certificates of every shape around one receipt: enough signatures, too few, wrong ones, and headers of elsewhere.

use falaj_consensus::crypto::Signature;
use falaj_consensus::message::{CommitCertificate, Header, Outcome, PrevoteValue, Statement};
use falaj_consensus::types::{ChainContext, Hash32, Height, Round, ValidatorIndex};
use falaj_consensus::validator_set::Bitmap;
use falaj_ledger::bundle::{Bundle, CertifiedOutcome};
use falaj_ledger::genesis::Constants;
use falaj_ledger::trust::Trust;

use crate::sheet::Sheet;
use crate::world::{Block, Keys, World, precommit, receipt, trust};

struct Case {
    trust: Trust,
    keys: Keys,
    block: Block,
}

impl Case {
    fn new() -> Self {
        Self {
            trust: trust().1,
            keys: Keys::of_genesis(),
            block: World::new().payments(3),
        }
    }

    /// The same block under a set of these powers.
    fn weighted(powers: &[u64]) -> Self {
        let members: Vec<(u32, u64)> = (1..).zip(powers.iter().copied()).collect();
        let (base, keys) = (Self::new(), Keys::new(&members));
        let trust = Trust::new(base.chain().clone(), *base.trust.constants(), keys.set());
        let mut block = base.block;
        block.header.set_hash = keys.set().hash();
        Self { trust, keys, block }
    }

    fn chain(&self) -> &ChainContext {
        self.trust.chain()
    }

    fn by(&self, round: u32, indices: &[u16]) -> CommitCertificate {
        let Block {
            header, outcome, ..
        } = &self.block;
        self.keys
            .certify(self.chain(), header, outcome, (round, indices))
    }

    fn bundle(&self, certificate: &CommitCertificate) -> Bundle {
        let (header, outcome) = (self.block.header.clone(), self.block.outcome.clone());
        let certified =
            CertifiedOutcome::new(header, outcome, certificate).expect("it is of this block");
        receipt(certified, &self.block.receipts, 0)
    }

    /// The block with another header or outcome, certified by three.
    fn changed(mut self, change: impl Fn(&mut Header, &mut Outcome)) -> Bundle {
        change(&mut self.block.header, &mut self.block.outcome);
        self.bundle(&self.by(0, &[0, 1, 2]))
    }
}

pub(crate) fn write(sheet: &mut Sheet) {
    quorums(sheet);
    bitmaps(sheet);
    signatures(sheet);
    headers(sheet);
}

fn quorums(sheet: &mut Sheet) {
    let case = Case::new();
    let trust = ("genesis", &case.trust);
    let all = case.bundle(&case.by(0, &[0, 1, 2, 3]));
    sheet.good("certificate-of-all", "all four signed", trust, &all);
    let last = case.bundle(&case.by(7, &[0, 2, 3]));
    sheet.good(
        "certificate-of-round-7",
        "three of four, in a later round",
        trust,
        &last,
    );
    let two = case.bundle(&case.by(0, &[0, 1]));
    sheet.bad(
        "certificate-of-two",
        "two of four",
        trust,
        &two,
        "certificate-no-quorum",
    );
    let none = case.bundle(&case.by(0, &[]));
    sheet.bad(
        "certificate-of-none",
        "nobody signed",
        trust,
        &none,
        "certificate-no-quorum",
    );

    let nine = Case::weighted(&[6, 1, 1, 1]);
    let trust = ("six-of-nine", &nine.trust);
    let six = nine.bundle(&nine.by(0, &[0]));
    sheet.bad(
        "power-of-two-thirds",
        "6 of 9 is not more than two thirds",
        trust,
        &six,
        "certificate-no-quorum",
    );
    let seven = nine.bundle(&nine.by(0, &[0, 3]));
    sheet.good("power-above-two-thirds", "7 of 9", trust, &seven);
    let many = nine.bundle(&nine.by(0, &[1, 2, 3]));
    sheet.bad(
        "many-without-power",
        "three of four members, 3 of 9",
        trust,
        &many,
        "certificate-no-quorum",
    );

    let huge = Case::weighted(&[u64::MAX, u64::MAX, u64::MAX, 1]);
    let trust = ("huge-powers", &huge.trust);
    let two = huge.bundle(&huge.by(0, &[0, 1]));
    sheet.bad(
        "huge-powers-two",
        "two of three powers of 2^64 − 1: sums need more than 64 bits",
        trust,
        &two,
        "certificate-no-quorum",
    );
    let with = huge.bundle(&huge.by(0, &[0, 1, 3]));
    sheet.good(
        "huge-powers-two-and-one",
        "the same and one more: p = 2^65 − 1, N = 3 · 2^64 − 2",
        trust,
        &with,
    );

    let nine_members = Case::weighted(&[1; 9]);
    let trust = ("nine", &nine_members.trust);
    let seven = nine_members.bundle(&nine_members.by(0, &[0, 1, 3, 4, 6, 7, 8]));
    sheet.good(
        "bitmap-of-two-bytes",
        "seven of nine members",
        trust,
        &seven,
    );
}

fn bitmaps(sheet: &mut Sheet) {
    let case = Case::new();
    let trust = ("genesis", &case.trust);
    let with = |members: usize, bits: &[u16]| {
        let mut signers = Bitmap::none(members);
        bits.iter()
            .for_each(|bit| signers.insert(ValidatorIndex::new(*bit)));
        let certificate = CommitCertificate {
            signers,
            ..case.by(0, &[0, 1, 2])
        };
        case.bundle(&certificate)
    };
    let bad = "certificate-bitmap";
    sheet.bad(
        "bitmap-beyond-set",
        "a bit for a fifth member",
        trust,
        &with(8, &[0, 1, 4]),
        bad,
    );
    sheet.bad(
        "bitmap-too-long",
        "a second byte, empty",
        trust,
        &with(9, &[0, 1, 2]),
        bad,
    );
    sheet.bad("bitmap-empty", "no byte at all", trust, &with(0, &[]), bad);
    let bad = "certificate-signature-count";
    sheet.bad(
        "bitmap-more-bits",
        "four bits, three signatures",
        trust,
        &with(4, &[0, 1, 2, 3]),
        bad,
    );
    sheet.bad(
        "bitmap-fewer-bits",
        "two bits, three signatures",
        trust,
        &with(4, &[0, 1]),
        bad,
    );
    sheet.bad(
        "signers-other-than-signed",
        "the bits of others than those who signed",
        trust,
        &with(4, &[1, 2, 3]),
        "certificate-signature",
    );
}

fn signatures(sheet: &mut Sheet) {
    let case = Case::new();
    let trust = ("genesis", &case.trust);
    let bad = "certificate-signature";
    let with = |change: &dyn Fn(&mut CommitCertificate)| {
        let mut certificate = case.by(0, &[0, 1, 2, 3]);
        change(&mut certificate);
        case.bundle(&certificate)
    };
    let (header, outcome) = (&case.block.header, &case.block.outcome);
    let sign = |statement: Statement| case.keys.sign(case.chain(), 3, &statement);
    let replaced =
        |signature: Signature| with(&|certificate| certificate.signatures[3] = signature.clone());
    let garbage = Signature::new(vec![7; 64]).expect("64 bytes");
    sheet.bad(
        "one-wrong-of-four",
        "three right ones would do, and the fourth is wrong",
        trust,
        &replaced(garbage),
        bad,
    );
    let short = Signature::new(vec![7; 63]).expect("63 bytes");
    sheet.bad(
        "signature-too-short",
        "a signature of 63 bytes",
        trust,
        &replaced(short),
        bad,
    );
    let empty = Signature::new(Vec::new()).expect("no bytes");
    sheet.bad(
        "signature-empty",
        "a signature of no bytes",
        trust,
        &replaced(empty),
        bad,
    );
    sheet.bad(
        "signatures-exchanged",
        "two members' signatures in the other order",
        trust,
        &with(&|certificate| certificate.signatures.swap(0, 1)),
        bad,
    );
    sheet.bad(
        "signature-twice",
        "one member's signature in the place of another's",
        trust,
        &with(&|certificate| certificate.signatures[3] = certificate.signatures[2].clone()),
        bad,
    );
    sheet.bad(
        "signed-another-round",
        "a precommit of another round",
        trust,
        &replaced(sign(precommit(header, outcome, 1))),
        bad,
    );
    let prevote = Statement::Prevote {
        height: header.height,
        round: Round::new(0),
        value: Some(PrevoteValue {
            id: header.id(),
            valid_round: None,
        }),
    };
    sheet.bad(
        "signed-a-prevote",
        "a prevote of the block",
        trust,
        &replaced(sign(prevote)),
        bad,
    );
    let nil = Statement::Precommit {
        height: header.height,
        round: Round::new(0),
        value: None,
    };
    sheet.bad(
        "signed-nil",
        "a precommit of nil",
        trust,
        &replaced(sign(nil)),
        bad,
    );
    let other = Outcome {
        events: outcome.events + 1,
        ..outcome.clone()
    };
    sheet.bad(
        "signed-another-outcome",
        "a precommit of the block with another outcome",
        trust,
        &replaced(sign(precommit(header, &other, 0))),
        bad,
    );
    let chain = ChainContext {
        chain_id: "falaj-test-2".to_owned(),
        ..case.chain().clone()
    };
    let statement = precommit(header, outcome, 0);
    let signature = case.keys.sign(&chain, 3, &statement);
    sheet.bad(
        "signed-another-chain-id",
        "the same genesis hash under another name",
        trust,
        &replaced(signature),
        bad,
    );
    let chain = ChainContext {
        genesis_hash: Hash32::new([9; 32]),
        ..case.chain().clone()
    };
    let signature = case.keys.sign(&chain, 3, &statement);
    sheet.bad(
        "signed-another-genesis",
        "the same name over another genesis hash",
        trust,
        &replaced(signature),
        bad,
    );
    sheet.bad(
        "certificate-moved-to-another-round",
        "the certificate says a round that nobody signed",
        trust,
        &with(&|certificate| certificate.round = Round::new(1)),
        bad,
    );
    sheet.bad(
        "malleated-s",
        "s + L in the place of s: RFC 8032 and ZIP 215 refuse it",
        trust,
        &replaced(plus_order(&case.by(0, &[0, 1, 2, 3]).signatures[3])),
        bad,
    );

    let constants = Constants {
        fips_strict: true,
        ..*case.trust.constants()
    };
    let strict = Trust::new(case.chain().clone(), constants, case.keys.set());
    sheet.bad(
        "strict-refuses-ed25519",
        "right, and of an algorithm that a strict chain does not admit",
        ("strict", &strict),
        &with(&|_| ()),
        bad,
    );
}

/// The same signature with s + L for s, which leaves the group equation as it was.
fn plus_order(signature: &Signature) -> Signature {
    const ORDER: [u8; 32] = [
        0xed, 0xd3, 0xf5, 0x5c, 0x1a, 0x63, 0x12, 0x58, 0xd6, 0x9c, 0xf7, 0xa2, 0xde, 0xf9, 0xde,
        0x14, 0, 0, 0, 0, 0, 0, 0, 0, 0, 0, 0, 0, 0, 0, 0, 0x10,
    ];
    let mut bytes = signature.bytes().to_vec();
    let mut carry = 0_u16;
    for (byte, order) in bytes[32..].iter_mut().zip(ORDER) {
        let [low, high] = (u16::from(*byte) + u16::from(order) + carry).to_le_bytes();
        (*byte, carry) = (low, u16::from(high));
    }
    Signature::new(bytes).expect("64 bytes")
}

fn headers(sheet: &mut Sheet) {
    let base = trust().1;
    let trust = ("genesis", &base);
    let bundle = Case::new().changed(|header, _| header.genesis_hash = Hash32::new([9; 32]));
    sheet.bad(
        "header-of-another-chain",
        "another genesis hash, certified",
        trust,
        &bundle,
        "other-chain",
    );
    let bundle = Case::new().changed(|header, _| header.features = 4);
    sheet.bad(
        "header-with-features",
        "a feature gate that nobody knows",
        trust,
        &bundle,
        "unknown-features",
    );
    let bundle = Case::new().changed(|header, _| header.set_hash = Hash32::new([9; 32]));
    sheet.bad(
        "header-of-another-set",
        "another validator set, certified by this one",
        trust,
        &bundle,
        "other-validator-set",
    );
    let bundle = Case::new().changed(|header, _| header.height = Height::new(0));
    sheet.bad(
        "header-of-height-0",
        "there is no block 0",
        trust,
        &bundle,
        "certificate-height",
    );
    let bundle = Case::new().changed(|header, _| header.height = Height::new(u64::MAX));
    sheet.bad(
        "header-of-last-height",
        "a height without a next one",
        trust,
        &bundle,
        "certificate-height",
    );
    let bundle = Case::new().changed(|header, _| header.transactions += 1);
    sheet.bad(
        "header-counts-another",
        "a certified count that the path does not fit",
        trust,
        &bundle,
        "receipt-place",
    );

    let case = Case::new();
    let certificate = case.by(0, &[0, 1, 2]);
    let bytes = case.bundle(&certificate).to_bytes();
    let flipped = |at: usize| {
        let mut bytes = bytes.clone();
        bytes[at] ^= 1;
        bytes
    };
    // kind 1, version 2, header 236, outcome: version 2, then the state root.
    sheet.bytes(
        "header-changed",
        "a bit of the parent's id, which every signature covers",
        trust,
        &flipped(3 + 56),
        "certificate-signature",
    );
    sheet.bytes(
        "outcome-changed",
        "a bit of the state root, which every signature covers",
        trust,
        &flipped(3 + 236 + 2),
        "certificate-signature",
    );
    let last_round = CommitCertificate {
        round: Round::new(u32::MAX),
        ..certificate
    };
    sheet.bad(
        "last-round",
        "a round without a next one",
        trust,
        &case.bundle(&last_round),
        "certificate-height",
    );
}

//! `falaj verify`: every part of a bundle that can be wrong is named.

use falaj_consensus::crypto::Signature;
use falaj_ledger::bundle::{Bundle, CertifiedOutcome, ReceiptBundle};
use falaj_ledger::genesis::Genesis;
use falaj_ledger::testing;

use crate::node::Node;
use crate::program::falaj;

/// A folder with a genesis and a receipt of its chain, and no node any more.
struct Case {
    node: Node,
    receipt: ReceiptBundle,
}

impl Case {
    fn new() -> Self {
        let mut node = Node::start();
        let (file, flags) = (node.text("payment.json"), node.payment("3.00"));
        node.falaj(flags.iter().map(String::as_str).chain(["--out", &file]))
            .text();
        let said = node
            .falaj(["tx", "submit", &file, "--wait", "--json"])
            .json(0);
        let name = said["transaction"].as_str().unwrap();
        node.falaj(["receipt", "get", name, "--out", &node.text("receipt.json")])
            .text();
        node.kill();
        let text = std::fs::read_to_string(node.path("receipt.json")).unwrap();
        let Bundle::Receipt(receipt) = Bundle::from_text(&text).unwrap() else {
            panic!("another kind")
        };
        Self { node, receipt }
    }

    fn bytes(&self) -> Vec<u8> {
        Bundle::Receipt(self.receipt.clone()).to_bytes()
    }

    /// The name that a file is refused by.
    fn refused(&self, bytes: impl AsRef<[u8]>) -> String {
        let (file, genesis) = (self.node.text("case"), self.node.text("genesis.json"));
        std::fs::write(&file, bytes).unwrap();
        let said = falaj(["verify", &file, "--genesis", &genesis, "--json"]).json(1);
        assert!(
            said["error"]
                .as_str()
                .unwrap()
                .starts_with(said["name"].as_str().unwrap()),
            "{said}"
        );
        assert!(said["fix"].is_string(), "{said}");
        said["name"].as_str().unwrap().to_owned()
    }

    /// The bytes with one bit of a part changed, which is found by what it holds.
    fn flipped(&self, part: &[u8], offset: usize) -> Vec<u8> {
        let mut bytes = self.bytes();
        let at = bytes
            .windows(part.len())
            .position(|window| window == part)
            .unwrap();
        bytes[at + offset] ^= 1;
        bytes
    }
}

#[test]
fn each_wrong_part_of_the_bytes_is_named() {
    let case = Case::new();
    let (receipt, header) = (&case.receipt, case.receipt.certified.header());
    let outcome = case.receipt.certified.outcome();
    let certificate = receipt.certified.certificate();
    let leaf = borsh::to_vec(&receipt.answer.receipt).unwrap();
    let signature = certificate.signatures[0].bytes();
    for (part, offset, name) in [
        (&header.genesis_hash.bytes()[..], 0, "other-chain"),
        (header.set_hash.bytes(), 0, "other-validator-set"),
        (&header.time_us.to_le_bytes(), 0, "certificate-signature"),
        (header.body_root.bytes(), 31, "certificate-signature"),
        (outcome.state_root.bytes(), 3, "certificate-signature"),
        (outcome.receipts_root.bytes(), 3, "certificate-signature"),
        (signature, 5, "certificate-signature"),
        (&leaf, 0, "receipt-path"),
        (&leaf, 4 + 15, "receipt-path"),
        (&leaf, 4 + 16, "receipt-path"),
        (&leaf, 4 + 16 + 32, "receipt-place"),
        (&leaf, 4 + 16 + 32 + 8, "receipt-place"),
        (&leaf, 4 + 16 + 32 + 8 + 4, "receipt-place"),
    ] {
        assert_eq!(
            case.refused(case.flipped(part, offset)),
            name,
            "{part:02x?} at {offset}"
        );
    }
}

#[test]
fn a_certificate_that_is_none_is_named() {
    let case = Case::new();
    let certified = &case.receipt.certified;
    let with = |change: &dyn Fn(&mut falaj_consensus::message::CommitCertificate)| {
        let mut certificate = certified.certificate();
        change(&mut certificate);
        let (header, outcome) = (certified.header().clone(), certified.outcome().clone());
        let certified = CertifiedOutcome::new(header, outcome, &certificate).unwrap();
        case.refused(
            Bundle::Receipt(ReceiptBundle {
                certified,
                ..case.receipt.clone()
            })
            .to_text(),
        )
    };
    let none = falaj_consensus::validator_set::Bitmap::none(1);
    let wide = falaj_consensus::validator_set::Bitmap::none(9);
    assert_eq!(
        with(&|certificate| certificate.signatures.clear()),
        "certificate-signature-count"
    );
    assert_eq!(
        with(&|certificate| certificate.signers = wide.clone()),
        "certificate-bitmap"
    );
    let empty = with(&|certificate| {
        certificate.signers = none.clone();
        certificate.signatures.clear();
    });
    assert_eq!(empty, "certificate-no-quorum");
    let other = Signature::new(vec![7; 64]).unwrap();
    assert_eq!(
        with(&|certificate| certificate.signatures = vec![other.clone()]),
        "certificate-signature"
    );
    assert_eq!(
        with(&|certificate| certificate.round = certificate.round.next()),
        "certificate-signature"
    );
}

#[test]
fn what_is_no_bundle_is_named() {
    let case = Case::new();
    let text = Bundle::Receipt(case.receipt.clone()).to_text();
    let bytes = case.bytes();
    for (file, name) in [
        (
            text.replace("\"version\":1", "\"version\":2"),
            "bundle-version",
        ),
        (
            text.replace("\"version\":1", "\"version\":1,\"more\":0"),
            "bundle-json",
        ),
        (
            text.replace("falaj-receipt", "falaj-account"),
            "bundle-kind",
        ),
        (
            text.replace("\"bundle\":\"", "\"bundle\":\" "),
            "bundle-base64",
        ),
        (text[..text.len() / 2].to_owned(), "bundle-json"),
        (String::new(), "bundle-bytes"),
    ] {
        assert_eq!(case.refused(&file), name, "{file}");
    }
    assert_eq!(case.refused(&bytes[..bytes.len() - 1]), "bundle-bytes");
    assert_eq!(case.refused([&bytes[..], &[0]].concat()), "bundle-bytes");
    let mut other_kind = bytes.clone();
    other_kind[0] = 9;
    assert_eq!(case.refused(other_kind), "bundle-bytes");
}

#[test]
fn another_chain_or_transaction_is_told_and_the_right_one_holds() {
    let case = Case::new();
    let [file, genesis] = ["receipt.json", "genesis.json"].map(|name| case.node.text(name));
    std::fs::write(
        case.node.path("other.json"),
        other_chain(&case.node).to_json(),
    )
    .unwrap();
    let other = case.node.text("other.json");
    let name = |arguments: &[&str]| {
        let verify = ["verify", file.as_str(), "--json"]
            .into_iter()
            .chain(arguments.iter().copied());
        falaj(verify).json(1)["name"].clone()
    };
    assert_eq!(name(&["--genesis", &other]), "other-chain");
    let hash = case.node.genesis().hash().to_hex();
    assert_eq!(
        name(&["--genesis", &other, "--genesis-hash", &hash]),
        "genesis-hash"
    );
    let payment = case.node.text("payment.json");
    let right = [
        "verify",
        &file,
        "--genesis",
        &genesis,
        "--genesis-hash",
        &hash,
        "--transaction",
        &payment,
    ];
    falaj(right).text();
    let edited = std::fs::read_to_string(&payment)
        .unwrap()
        .replace("\"3.00\"", "\"4.00\"");
    std::fs::write(&payment, edited).unwrap();
    assert_eq!(
        name(&["--genesis", &genesis, "--transaction", &payment]),
        "other-transaction"
    );
}

#[test]
fn a_file_that_is_not_there_is_exit_code_2_and_a_genesis_that_is_not_there_78() {
    let folder = tempfile::tempdir().unwrap();
    let path = |name: &str| folder.path().join(name).to_str().unwrap().to_owned();
    std::fs::write(path("genesis.json"), testing::genesis().to_json()).unwrap();
    let verify =
        |genesis: &str| falaj(["verify", &path("none"), "--genesis", &path(genesis)]).code();
    assert_eq!(verify("genesis.json"), 2);
    assert_eq!(verify("none"), 78);
    let home = path("home");
    assert_eq!(falaj(["verify", &path("none"), "--home", &home]).code(), 78);
}

fn other_chain(node: &Node) -> Genesis {
    Genesis {
        chain_id: "falaj-test-2".into(),
        ..node.genesis()
    }
}

// docs/spec/receipts.md, "Event" and "Log extension": as a client gets them from the API and keeps them.
#[test]
fn events_and_the_growth_of_their_log_are_verified() {
    let mut node = Node::start();
    node.pay("3.00");
    node.pay("4.00");
    let event = node.get("/v1/events/0?proof=true")["proof"].to_string();
    let growth = node.get("/v1/proofs/log-extension/1/2").to_string();
    node.kill();
    let genesis = node.text("genesis.json");
    let verify = |name: &str, text: &str| {
        let file = node.text(name);
        std::fs::write(&file, text).unwrap();
        let flags = ["verify", &file, "--genesis", &genesis];
        let words = falaj(flags).text();
        (falaj([&flags[..], &["--json"]].concat()).json(0), words)
    };
    let (said, words) = verify("event.json", &event);
    assert_eq!(
        (&said["kind"], &said["sequence"], &said["event_height"]),
        (&"falaj-event".into(), &0.into(), &1.into())
    );
    let went = "event 0: 3.00 AED went from ";
    assert!(words.contains(went), "{words}");
    assert!(words.contains("caused by"), "{words}");
    let (said, words) = verify("growth.json", &growth);
    assert_eq!(
        (&said["kind"], &said["earlier_height"], &said["height"]),
        (&"falaj-log-extension".into(), &1.into(), &2.into())
    );
    let proven = "the 2 events up to height 2 begin with the 1 events up to height 1";
    assert!(words.contains(proven), "{words}");
}

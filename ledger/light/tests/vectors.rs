//! Every bundle of `docs/spec/vectors/light-client.json` gets the verdict that the file states, and proves what it states.
//!
//! Source: `docs/spec/receipts.md`, "Vectors".
#![expect(clippy::unwrap_used, reason = "a failed unwrap fails its test")]

#[path = "vectors/file.rs"]
mod file;

use falaj_consensus::hash::encode;
use falaj_light::{Bundle, Proven, Trust, VerifiedBundle, verify};

use file::{hex, read, text, trust};

/// The kind of a bundle, where it stands, and what it says.
type Proof = (&'static str, Proven, Vec<u8>);

/// The verdict on bytes, and what they prove.
fn judge(trust: &Trust, bytes: &[u8]) -> (&'static str, Option<Proof>) {
    let bundle = match Bundle::from_bytes(bytes) {
        Ok(bundle) => bundle,
        Err(error) => return (error.name(), None),
    };
    match verify(trust, &bundle) {
        Err(error) => (error.name(), None),
        Ok(verified) => {
            let (at, what) = proven(&verified);
            ("ok", Some((bundle.kind(), at, what)))
        }
    }
}

fn proven(verified: &VerifiedBundle) -> (Proven, Vec<u8>) {
    match verified {
        VerifiedBundle::Receipt(found) => (found.at, encode(&found.receipt)),
        VerifiedBundle::NoExecution(found) => {
            (found.at, encode(&(found.key, found.valid_until_ms)))
        }
        VerifiedBundle::Account(found) => (found.at, encode(&(found.id, &found.account))),
        VerifiedBundle::Event(found) => (found.at, encode(&found.event)),
        VerifiedBundle::LogExtension(found) => {
            (found.at, encode(&(found.earlier_events, found.events)))
        }
    }
}

#[test]
fn every_vector_gets_its_verdict() {
    let file = read();
    assert_eq!(file["version"], 1);
    let vectors = file["vectors"].as_array().unwrap();
    let mut good = 0;
    for vector in vectors {
        let name = text(vector, "name");
        let trust = trust(&file, vector);
        let (verdict, proven) = judge(&trust, &hex(vector, "bundle"));
        assert_eq!(verdict, text(vector, "verdict"), "{name}");
        let Some((kind, at, what)) = proven else {
            assert!(vector["proves"].is_null(), "{name}");
            continue;
        };
        good += 1;
        let proves = &vector["proves"];
        assert_eq!(kind, text(proves, "kind"), "{name}");
        assert_eq!(what, hex(proves, "what"), "{name}");
        let stated = ["height", "time_us", "signers", "validators"].map(|field| &proves[field]);
        let found = serde_json::json!([at.height.get(), at.time_us, at.signers, at.validators]);
        assert_eq!(found, serde_json::json!(stated), "{name}");
    }
    assert!(good >= 25 && vectors.len() - good >= 70, "{good} good");
}

/// Goal: no kind of bundle and no name of a fault that bytes can reach is without a vector.
#[test]
fn the_vectors_hold_every_kind_and_every_name() {
    let file = read();
    let vectors = file["vectors"].as_array().unwrap();
    for kind in [
        "falaj-receipt",
        "falaj-no-execution",
        "falaj-account",
        "falaj-event",
        "falaj-log-extension",
    ] {
        assert!(
            vectors
                .iter()
                .any(|vector| vector["proves"]["kind"] == kind),
            "{kind}"
        );
    }
    for name in [
        "bundle-bytes",
        "other-chain",
        "unknown-features",
        "other-validator-set",
        "set-not-in-force",
        "certificate-height",
        "certificate-bitmap",
        "certificate-signature-count",
        "certificate-no-quorum",
        "certificate-signature",
        "set-change-set",
        "set-change-none",
        "receipt-place",
        "receipt-path",
        "state-path",
        "too-early",
        "too-late",
        "event-place",
        "event-path",
        "log-path",
    ] {
        assert!(
            vectors.iter().any(|vector| vector["verdict"] == name),
            "{name}"
        );
    }
}

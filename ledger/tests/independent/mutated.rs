//! Bundles of the committed vectors, spoilt by chance: the other program has to say of each what the code says.
//!
//! Invariant: the same seed spoils the same bytes; what differs between the two is told by the vector it was made of.

use data_encoding::{BASE64, HEXLOWER};
use falaj_consensus::types::{ChainContext, Hash32};
use falaj_consensus::validator_set::ValidatorSet;
use falaj_consensus::verify::{ApprovedOnly, Checker, RealChecker};
use falaj_ledger::bundle::Bundle;
use falaj_ledger::genesis::Constants;
use falaj_ledger::trust::Trust;
use serde_json::{Value, json};

use crate::chance::Chance;
use crate::python::verifier;

const FILE: &str = include_str!("../../../docs/spec/vectors/light-client.json");
const SPOILT_OF_EACH: u32 = 8;

/// Goal: the pages say what is refused and by which name, of bytes that nobody thought of too.
#[test]
fn both_say_the_same_of_spoilt_bundles() {
    let file: Value = serde_json::from_str(FILE).unwrap();
    let mut chance = Chance::new(1);
    let vectors = file["vectors"].as_array().unwrap();
    let spoilt: Vec<Value> = vectors
        .iter()
        .flat_map(|vector| (0..SPOILT_OF_EACH).map(move |number| (vector, number)))
        .map(|(vector, number)| {
            let bytes = chance.spoil(&hex(vector, "bundle"));
            let verdict = judge(&trust(&file["trusts"][text(vector, "trust")]), &bytes);
            json!({
                "name": format!("{} spoilt {number}", text(vector, "name")),
                "trust": vector["trust"], "bundle": HEXLOWER.encode(&bytes), "verdict": verdict,
            })
        })
        .collect();
    agreed(
        &json!({"trusts": file["trusts"], "vectors": spoilt}),
        spoilt.len(),
    );
}

/// Goal: the same for the text form, whose faults have names of their own.
#[test]
fn both_say_the_same_of_spoilt_files() {
    let file: Value = serde_json::from_str(FILE).unwrap();
    let mut chance = Chance::new(2);
    let vectors = file["vectors"].as_array().unwrap();
    let good = vectors.iter().filter(|vector| vector["verdict"] == "ok");
    let mut spoilt: Vec<Value> = Vec::new();
    for vector in good {
        let whole = Bundle::from_bytes(&hex(vector, "bundle"))
            .unwrap()
            .to_text();
        let texts =
            [whole.clone()]
                .into_iter()
                .chain((0..SPOILT_OF_EACH).map(|_| {
                    String::from_utf8_lossy(&chance.spoil(whole.as_bytes())).into_owned()
                }));
        for (number, said) in texts.enumerate() {
            let trust = trust(&file["trusts"][text(vector, "trust")]);
            let name = format!("{} text {number}", text(vector, "name"));
            let verdict = judge_text(&trust, &said);
            spoilt.push(
                json!({"name": name, "trust": vector["trust"], "text": said, "verdict": verdict}),
            );
        }
    }
    for (said, verdict) in forms(&hex(&vectors[0], "bundle")) {
        spoilt.push(json!({"name": said, "trust": "genesis", "text": said, "verdict": verdict}));
    }
    agreed(
        &json!({"trusts": file["trusts"], "vectors": spoilt}),
        spoilt.len(),
    );
}

/// Texts that chance would not find, with what both have to say of them.
fn forms(bytes: &[u8]) -> Vec<(String, &'static str)> {
    let base64 = BASE64.encode(bytes);
    let of = |kind: &str, version: &str, bundle: &str| {
        format!("{{\"kind\": {kind}, \"version\": {version}, \"bundle\": \"{bundle}\"}}")
    };
    let kind = "\"falaj-receipt\"";
    vec![
        (of(kind, "1", &base64), "ok"),
        (of("\"falaj-account\"", "1", &base64), "bundle-kind"),
        (of(kind, "2", &base64), "bundle-version"),
        (of(kind, "1.0", &base64), "bundle-json"),
        (of(kind, "65536", &base64), "bundle-json"),
        (of(kind, "true", &base64), "bundle-json"),
        (of("1", "1", &base64), "bundle-json"),
        (of("\"a\", \"kind\": \"b\"", "1", &base64), "bundle-json"),
        (of("\"a\", \"more\": \"b\"", "1", &base64), "bundle-json"),
        (
            "{\"kind\": \"a\", \"version\": 1}".to_owned(),
            "bundle-json",
        ),
        ("[]".to_owned(), "bundle-json"),
        (of(kind, "1", "AQ"), "bundle-base64"),
        (of(kind, "1", "AR=="), "bundle-base64"),
        (of(kind, "1", "A-=="), "bundle-base64"),
        (of(kind, "1", ""), "bundle-bytes"),
        (of(kind, "1", "AA=="), "bundle-bytes"),
    ]
}

/// Fails with everything that the two programs do not agree on.
fn agreed(file: &Value, cases: usize) {
    let folder = tempfile::tempdir().unwrap();
    let path = folder.path().join("bundles.json");
    std::fs::write(&path, file.to_string()).unwrap();
    let output = verifier(&["--bundles".as_ref(), path.as_os_str()]);
    let said = String::from_utf8_lossy(&output.stdout);
    let complained = String::from_utf8_lossy(&output.stderr);
    let wanted = format!("bundles.json {cases} right, 0 wrong\n");
    assert_eq!((said.as_ref(), complained.as_ref()), (wanted.as_str(), ""));
}

fn text<'a>(value: &'a Value, field: &str) -> &'a str {
    value[field].as_str().unwrap()
}

fn hex(value: &Value, field: &str) -> Vec<u8> {
    HEXLOWER.decode(text(value, field).as_bytes()).unwrap()
}

fn trust(value: &Value) -> Trust {
    let chain = ChainContext {
        chain_id: text(value, "chain_id").to_owned(),
        genesis_hash: Hash32::from_hex(text(value, "genesis_hash")).unwrap(),
    };
    let constants = Constants {
        id_window_ms: value["id_window_ms"].as_u64().unwrap(),
        fips_strict: value["fips_strict"].as_bool().unwrap(),
        ..Constants::default()
    };
    let set: ValidatorSet = borsh::from_slice(&hex(value, "validators")).unwrap();
    Trust::new(chain, constants, set)
}

fn judge(trust: &Trust, bytes: &[u8]) -> &'static str {
    match Bundle::from_bytes(bytes) {
        Ok(bundle) => verdict(trust, &bundle),
        Err(error) => error.name(),
    }
}

fn judge_text(trust: &Trust, text: &str) -> &'static str {
    match Bundle::from_text(text) {
        Ok(bundle) => verdict(trust, &bundle),
        Err(error) => error.name(),
    }
}

fn verdict(trust: &Trust, bundle: &Bundle) -> &'static str {
    let strict = ApprovedOnly(RealChecker);
    let checker: &dyn Checker = if trust.constants().fips_strict {
        &strict
    } else {
        &RealChecker
    };
    bundle
        .verify(trust, checker)
        .map_or_else(|error| error.name(), |_| "ok")
}

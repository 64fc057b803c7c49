//! The list of vectors, and its JSON.

use data_encoding::HEXLOWER;
use falaj_consensus::hash::encode;
use falaj_consensus::verify::{ApprovedOnly, Checker, RealChecker};
use falaj_ledger::bundle::{Bundle, Proven, VerifiedBundle};
use falaj_ledger::trust::Trust;
use serde_json::{Map, Value, json};

/// The vectors written so far.
#[derive(Default)]
pub(crate) struct Sheet {
    trusts: Map<String, Value>,
    vectors: Vec<Value>,
}

impl Sheet {
    /// Names what a verifier starts from.
    pub(crate) fn trust(&mut self, name: &str, trust: &Trust) {
        let (chain, set) = (trust.chain(), trust.validators());
        let value = json!({
            "chain_id": chain.chain_id,
            "genesis_hash": chain.genesis_hash.to_hex(),
            "id_window_ms": trust.constants().id_window_ms,
            "fips_strict": trust.constants().fips_strict,
            "validators": HEXLOWER.encode(&encode(set)),
            "validators_hash": set.hash().to_hex(),
        });
        let before = self.trusts.insert(name.to_owned(), value.clone());
        assert!(before.is_none_or(|before| before == value), "{name}");
    }

    /// A bundle that proves what it says.
    pub(crate) fn good(&mut self, name: &str, says: &str, trust: (&str, &Trust), bundle: &Bundle) {
        self.bytes(name, says, trust, &bundle.to_bytes(), "ok");
    }

    /// A bundle that is refused by that name.
    pub(crate) fn bad(
        &mut self,
        name: &str,
        says: &str,
        trust: (&str, &Trust),
        bundle: &Bundle,
        verdict: &str,
    ) {
        self.bytes(name, says, trust, &bundle.to_bytes(), verdict);
    }

    /// Bytes with the verdict that they get.
    pub(crate) fn bytes(
        &mut self,
        name: &str,
        says: &str,
        (trust_name, trust): (&str, &Trust),
        bytes: &[u8],
        verdict: &str,
    ) {
        self.trust(trust_name, trust);
        let (found, proves) = judge(trust, bytes);
        assert_eq!(found, verdict, "{name}");
        assert!(
            self.vectors.iter().all(|vector| vector["name"] != name),
            "{name} is there twice"
        );
        self.vectors.push(json!({
            "name": name, "says": says, "trust": trust_name,
            "bundle": HEXLOWER.encode(bytes), "verdict": found, "proves": proves,
        }));
    }

    /// The file.
    pub(crate) fn to_json(&self) -> String {
        let file = json!({
            "about": "Bundles and their verdicts; docs/spec/receipts.md says how they are checked.",
            "version": 1,
            "trusts": self.trusts,
            "vectors": self.vectors,
        });
        serde_json::to_string_pretty(&file).expect("a plain value always serialises")
    }
}

fn judge(trust: &Trust, bytes: &[u8]) -> (&'static str, Value) {
    let strict = ApprovedOnly(RealChecker);
    let checker: &dyn Checker = if trust.constants().fips_strict {
        &strict
    } else {
        &RealChecker
    };
    let bundle = match Bundle::from_bytes(bytes) {
        Ok(bundle) => bundle,
        Err(error) => return (error.name(), Value::Null),
    };
    match bundle.verify(trust, checker) {
        Ok(verified) => ("ok", proves(bundle.kind(), &verified)),
        Err(error) => (error.name(), Value::Null),
    }
}

fn proves(kind: &str, verified: &VerifiedBundle) -> Value {
    let (at, what) = match verified {
        VerifiedBundle::Receipt(found) => (found.at, encode(&found.receipt)),
        VerifiedBundle::NoExecution(found) => {
            (found.at, encode(&(found.key, found.valid_until_ms)))
        }
        VerifiedBundle::Account(found) => (found.at, encode(&(found.id, &found.account))),
        VerifiedBundle::Event(found) => (found.at, encode(&found.event)),
        VerifiedBundle::LogExtension(found) => {
            (found.at, encode(&(found.earlier_events, found.events)))
        }
    };
    let Proven {
        height,
        time_us,
        signers,
        validators,
    } = at;
    json!({
        "kind": kind, "height": height.get(), "time_us": time_us, "signers": signers, "validators": validators,
        "what": HEXLOWER.encode(&what),
    })
}

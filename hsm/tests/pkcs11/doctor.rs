//! The doctor's report and the statement, on a real token.

use falaj_consensus::crypto::Algorithm;
use falaj_hsm::Backend;
use falaj_hsm::pkcs11::{
    Cause, Check, Declaration, DeviceFacts, Evidence, KeyToExamine, Severity, Statement,
    TokenConfig, TokenName, examine,
};

use crate::bench::{TOKEN, in_child};

// A good token: no fault, all lists filled, every signature timed; and the TEST banner, since it is software.
#[test]
fn a_good_token_is_reported_with_its_banner() {
    in_child(
        "doctor::a_good_token_is_reported_with_its_banner",
        |bench| {
            let key = bench.key(Algorithm::EcdsaP256, "key");
            let report = examine(&bench.token(), &KeyToExamine::of(&key), 50);
            assert!(report.is_healthy(), "{:?}", report.findings);
            assert!(report.banner.unwrap().starts_with("TEST: "));
            assert_eq!(report.passed, Check::ALL);
            assert_eq!(report.public_key.as_ref(), Some(&key.public_key));
            assert_eq!(report.latency.count(), 50);
            assert_eq!(report.throughput.len(), 2);
            let facts = report.facts.unwrap();
            assert_eq!(facts.token.label, TOKEN);
            assert!(facts.mechanisms.iter().all(|mechanism| mechanism.offered));
            assert!(!facts.slot.hardware);
            let backend = bench.open(key);
            assert!(backend.test_banner().unwrap().starts_with("TEST: "));
        },
    );
}

// What is wrong comes first, with its fix.
#[test]
fn a_fault_is_reported_with_its_fix() {
    in_child("doctor::a_fault_is_reported_with_its_fix", |bench| {
        let key = bench.key(Algorithm::EcdsaP256, "key");
        let token = TokenConfig {
            token: TokenName::Label("nobody".to_owned()),
            ..bench.token()
        };
        let report = examine(&token, &KeyToExamine::of(&key), 10);
        assert!(!report.is_healthy());
        assert_eq!(report.findings[0].severity, Severity::Fault);
        assert!(report.findings[0].what.contains("nobody"));
        assert!(report.findings[0].fix.contains("powered and reachable"));
        assert!(report.facts.is_none());
        assert_eq!(report.passed, [Check::Library]);
        assert_eq!(report.causes().next(), Some(Cause::TokenMissing));
    });
}

// Before a genesis names the key, the token's own word is taken and the report says so; an enrolled key that differs is a fault.
#[test]
fn a_key_that_nobody_enrolled_yet_is_examined_too() {
    in_child(
        "doctor::a_key_that_nobody_enrolled_yet_is_examined_too",
        |bench| {
            let key = bench.key(Algorithm::EcdsaP256, "key");
            let open = KeyToExamine {
                enrolled: None,
                ..KeyToExamine::of(&key)
            };
            let report = examine(&bench.token(), &open, 2);
            assert!(report.is_healthy(), "{:?}", report.findings);
            assert_eq!(report.public_key, Some(key.public_key));
            let notes = report.findings.iter().map(|finding| &finding.what);
            assert_eq!(notes.filter(|what| what.contains("no genesis")).count(), 1);
            let other = bench.key(Algorithm::EcdsaP256, "other");
            let crossed = KeyToExamine {
                enrolled: Some(other.public_key),
                ..open
            };
            let report = examine(&bench.token(), &crossed, 2);
            assert_eq!(report.causes().next(), Some(Cause::KeyUnfit));
            assert_eq!(report.passed.last(), Some(&Check::Login));
        },
    );
}

// The four lists hold what belongs to them, and nothing says that a FIPS level is met.
#[test]
fn a_statement_keeps_its_lists_apart() {
    in_child("doctor::a_statement_keeps_its_lists_apart", |bench| {
        let key = bench.key(Algorithm::EcdsaP256, "key");
        let report = examine(&bench.token(), &KeyToExamine::of(&key), 10);
        let probes = bench.admin().probe(&key.name).unwrap();
        let declaration = Declaration {
            certificate: Some("4735".to_owned()),
            standard: Some("FIPS 140-3".to_owned()),
            level: Some("3".to_owned()),
            expires: None,
        };
        let statement = Statement::of(&Evidence {
            facts: &DeviceFacts::read(&bench.token()).unwrap(),
            key: &key.public_key,
            attributes: &report.attributes.unwrap(),
            challenges_verified: 10,
            probes: &probes,
            declaration: &declaration,
        });
        assert!(statement.banner.unwrap().contains("software"));
        assert_eq!(statement.verified.len(), 11);
        assert_eq!(statement.declared.len(), 3);
        assert!(
            statement
                .declared
                .iter()
                .all(|line| line.evidence == "the operator's configuration")
        );
        assert!(
            statement
                .reported
                .iter()
                .all(|line| line.evidence.contains('C'))
        );
        assert!(!statement.unverifiable.is_empty());
        let claims = statement.verified.iter().chain(&statement.reported);
        assert!(
            claims
                .map(|line| &line.claim)
                .all(|claim| !claim.contains("FIPS"))
        );
    });
}

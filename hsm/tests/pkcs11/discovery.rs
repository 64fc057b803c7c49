//! The wrong PIN, token, key and library: each told apart, each with its fix, and no try wasted.

use std::process::Command;

use cryptoki::context::Pkcs11;
use cryptoki::object::Attribute;
use cryptoki::session::UserType;
use cryptoki::types::AuthPin;
use falaj_consensus::crypto::Algorithm;
use falaj_consensus::types::Hash32;
use falaj_hsm::pkcs11::{
    DeviceFacts, KeyConfig, PinSource, Pkcs11Backend, TokenAdmin, TokenConfig, TokenError,
    TokenName,
};
use falaj_hsm::softhsm::{SoftHsm, write_pin_file};
use falaj_hsm::{BackendError, Fault};

use crate::bench::{Bench, OFFICER_PIN, PIN, TOKEN, in_child, limits, make_key, name};
use crate::shim::Shim;

fn refusal(token: TokenConfig, key: KeyConfig) -> BackendError {
    Pkcs11Backend::open(token, key, limits()).err().unwrap()
}

fn token_error(error: &BackendError) -> TokenError {
    let source = error.source.as_ref().unwrap();
    source.downcast_ref::<TokenError>().unwrap().clone()
}

fn wrong_pin(bench: &Bench) -> PinSource {
    let path = bench.folder.join("wrong-pin");
    write_pin_file(&path, "wrong-horse").unwrap();
    PinSource::File(path)
}

// A wrong PIN is sent to the token exactly once by this process, however often a signature, an administrator or a new backend asks for a
// login; the fault says so in words.
#[test]
fn a_wrong_pin_costs_one_try() {
    in_child("discovery::a_wrong_pin_costs_one_try", |bench| {
        let key = bench.key(Algorithm::EcdsaP256, "key");
        let shim = Shim::new(bench);
        let token = TokenConfig {
            pin: wrong_pin(bench),
            ..shim.token(bench)
        };
        let error = refusal(token.clone(), key.clone());
        assert_eq!(error.fault, Fault::Pin);
        let words = token_error(&error);
        assert!(words.to_string().contains("tried once"), "{words}");
        assert!(words.fix().contains("do not restart with the same PIN"));
        assert_eq!(refusal(token.clone(), key.clone()).fault, Fault::Pin);
        assert!(matches!(
            TokenAdmin::open(&token),
            Err(TokenError::PinRefusedEarlier { .. })
        ));
        assert!(matches!(
            TokenAdmin::open(&TokenConfig {
                try_pin_at_risk: true,
                ..token.clone()
            }),
            Err(TokenError::PinRefusedEarlier { .. })
        ));
        assert_eq!(shim.calls("C_Login"), 1);
        assert!(DeviceFacts::read(&token).unwrap().token.pin.count_low);
    });
}

// A token on which a wrong PIN was entered before gets no further try, not even the right one, unless the operator allows it.
#[test]
fn a_pin_at_risk_is_not_tried() {
    in_child("discovery::a_pin_at_risk_is_not_tried", |bench| {
        let key = bench.key(Algorithm::EcdsaP256, "key");
        let other = Pkcs11::new(SoftHsm::library().unwrap()).unwrap();
        let slot = other.get_slots_with_initialized_token().unwrap()[0];
        let session = other.open_ro_session(slot).unwrap();
        assert!(
            session
                .login(UserType::User, Some(&AuthPin::from("wrong-horse")))
                .is_err()
        );
        let shim = Shim::new(bench);
        let token = shim.token(bench);
        let error = refusal(token.clone(), key.clone());
        assert_eq!(error.fault, Fault::Pin);
        assert!(matches!(
            token_error(&error),
            TokenError::PinCountLow { .. }
        ));
        assert_eq!(shim.calls("C_Login"), 0);
        let allowed = TokenConfig {
            try_pin_at_risk: true,
            ..token.clone()
        };
        Pkcs11Backend::open(allowed, key, limits()).unwrap();
        assert_eq!(shim.calls("C_Login"), 1);
        assert!(!DeviceFacts::read(&token).unwrap().token.pin.count_low);
    });
}

// A PIN file that others can read is not used, and no login is made.
#[test]
fn an_open_pin_file_is_refused_before_any_login() {
    in_child(
        "discovery::an_open_pin_file_is_refused_before_any_login",
        |bench| {
            use std::os::unix::fs::PermissionsExt;
            let key = bench.key(Algorithm::EcdsaP256, "key");
            let open = std::fs::Permissions::from_mode(0o644);
            std::fs::set_permissions(bench.pin_file(), open).unwrap();
            let shim = Shim::new(bench);
            let error = refusal(shim.token(bench), key);
            assert_eq!(error.fault, Fault::Pin);
            assert!(matches!(token_error(&error), TokenError::Pin(_)));
            assert_eq!(shim.calls("C_Login"), 0);
        },
    );
}

// A token that is not there is named, with the labels of those that are.
#[test]
fn a_missing_token_is_named() {
    in_child("discovery::a_missing_token_is_named", |bench| {
        let key = bench.key(Algorithm::EcdsaP256, "key");
        let token = TokenConfig {
            token: TokenName::Label("nobody".to_owned()),
            ..bench.token()
        };
        let error = refusal(token, key);
        assert_eq!(error.fault, Fault::Token);
        assert_eq!(
            token_error(&error).to_string(),
            format!("no token named \"nobody\"; present: {TOKEN}")
        );
    });
}

// Two tokens of one label are not guessed between; the serial number decides.
#[test]
fn two_tokens_of_one_label_are_not_guessed_between() {
    in_child(
        "discovery::two_tokens_of_one_label_are_not_guessed_between",
        |bench| {
            let (variable, value) = bench.hsm.environment();
            let arguments = [
                "--init-token",
                "--free",
                "--label",
                TOKEN,
                "--so-pin",
                OFFICER_PIN,
                "--pin",
                PIN,
            ];
            let made = Command::new("softhsm2-util")
                .env(variable, value)
                .args(arguments)
                .output();
            assert!(made.unwrap().status.success());
            let ambiguous = DeviceFacts::read(&bench.token()).unwrap_err();
            assert!(
                matches!(ambiguous, TokenError::TokenAmbiguous { count: 2, .. }),
                "{ambiguous}"
            );
            let other = Pkcs11::new(SoftHsm::library().unwrap()).unwrap();
            let slot = other.get_slots_with_initialized_token().unwrap()[1];
            let serial = other
                .get_token_info(slot)
                .unwrap()
                .serial_number()
                .to_owned();
            let exact = TokenName::LabelAndSerial {
                label: TOKEN.to_owned(),
                serial,
            };
            let token = TokenConfig {
                token: exact,
                ..bench.token()
            };
            let key = make_key(&token, Algorithm::EcdsaP256, "key");
            Pkcs11Backend::open(token, key.clone(), limits()).unwrap();
            assert_eq!(refusal(bench.token(), key).fault, Fault::Forbidden);
        },
    );
}

// A key that is not there is a missing key and not a missing token; nothing is generated in its place.
#[test]
fn a_missing_key_is_not_a_missing_token() {
    in_child("discovery::a_missing_key_is_not_a_missing_token", |bench| {
        let mut key = bench.key(Algorithm::EcdsaP256, "key");
        key.name = name("nobody");
        let error = refusal(bench.token(), key.clone());
        assert_eq!(error.fault, Fault::Key);
        assert!(matches!(token_error(&error), TokenError::KeyMissing { .. }));
        // Label and id of two different keys are the name of none.
        bench.key(Algorithm::EcdsaP256, "other");
        key.name = name("key");
        key.name.id = name("other").id;
        assert!(matches!(
            token_error(&refusal(bench.token(), key)),
            TokenError::KeyMissing { .. }
        ));
        assert_eq!(bench.admin().list_keys().unwrap().len(), 2);
    });
}

/// Makes a key that this program would never make.
fn foreign_key(bench: &Bench, label: &str, id: &str, more: &[Attribute]) {
    bench.admin();
    let other = Pkcs11::new(SoftHsm::library().unwrap()).unwrap();
    let slot = other.get_slots_with_initialized_token().unwrap()[0];
    let session = other.open_rw_session(slot).unwrap();
    let _ = session.login(UserType::User, Some(&AuthPin::from(PIN)));
    let named = |token| {
        vec![
            Attribute::Token(token),
            Attribute::Label(label.as_bytes().to_vec()),
            Attribute::Id(id.as_bytes().to_vec()),
        ]
    };
    let mut public = named(true);
    public.push(Attribute::EcParams(vec![
        0x06, 0x08, 0x2a, 0x86, 0x48, 0xce, 0x3d, 0x03, 0x01, 0x07,
    ]));
    let mut private = named(true);
    private.extend([Attribute::Private(true), Attribute::Sign(true)]);
    private.extend(more.iter().cloned());
    let how = cryptoki::mechanism::Mechanism::EccKeyPairGen;
    session.generate_key_pair(&how, &public, &private).unwrap();
}

// Two keys of one label, or of one id, are refused whichever of them was enrolled.
#[test]
fn two_keys_of_one_name_are_refused() {
    in_child("discovery::two_keys_of_one_name_are_refused", |bench| {
        let key = bench.key(Algorithm::EcdsaP256, "key");
        let second = bench.key(Algorithm::EcdsaP256, "second");
        foreign_key(bench, "key", "third", &[]);
        foreign_key(bench, "fourth", "second", &[]);
        let error = refusal(bench.token(), key);
        assert_eq!(error.fault, Fault::Key);
        let words = token_error(&error);
        assert!(
            matches!(
                words,
                TokenError::KeyDuplicate {
                    attribute: "label",
                    count: 2,
                    ..
                }
            ),
            "{words}"
        );
        let words = token_error(&refusal(bench.token(), second));
        assert!(
            matches!(
                words,
                TokenError::KeyDuplicate {
                    attribute: "id",
                    count: 2,
                    ..
                }
            ),
            "{words}"
        );
    });
}

// A key under the right name that is not the enrolled one is refused before it signs anything.
#[test]
fn another_key_under_the_name_is_refused() {
    in_child(
        "discovery::another_key_under_the_name_is_refused",
        |bench| {
            let mut key = bench.key(Algorithm::EcdsaP256, "key");
            key.public_key = bench.key(Algorithm::EcdsaP256, "other").public_key;
            let error = refusal(bench.token(), key);
            assert_eq!(error.fault, Fault::Key);
            assert!(matches!(
                token_error(&error),
                TokenError::KeyMismatch { .. }
            ));
        },
    );
}

// A key that may leave the token, or may do more than sign, is refused, and the attribute is named.
#[test]
fn a_key_without_protection_is_refused() {
    in_child("discovery::a_key_without_protection_is_refused", |bench| {
        let cases = [
            ("a", Attribute::Extractable(true), "CKA_EXTRACTABLE"),
            ("b", Attribute::Sensitive(false), "CKA_SENSITIVE"),
            ("c", Attribute::Derive(true), "CKA_DERIVE"),
            ("d", Attribute::Decrypt(true), "CKA_DECRYPT"),
        ];
        for (label, weakness, attribute) in cases {
            let strong = [
                Attribute::Sensitive(true),
                Attribute::Extractable(false),
                Attribute::Derive(false),
                Attribute::Decrypt(false),
                Attribute::Unwrap(false),
                Attribute::SignRecover(false),
            ];
            let kind = weakness.attribute_type();
            let mut template: Vec<_> = strong
                .into_iter()
                .filter(|strong| strong.attribute_type() != kind)
                .collect();
            template.push(weakness);
            foreign_key(bench, label, label, &template);
            let public_key = bench.admin().public_key(&name(label)).unwrap();
            let key = KeyConfig {
                name: name(label),
                public_key,
                fips_strict: false,
                hardware_only: false,
            };
            let words = token_error(&refusal(bench.token(), key));
            let TokenError::KeyAttribute {
                attribute: found, ..
            } = words
            else {
                panic!("{words}");
            };
            assert_eq!(found, attribute);
        }
    });
}

// The profile decides about software tokens and unapproved algorithms, before any login.
#[test]
fn software_and_unapproved_algorithms_are_refused_where_forbidden() {
    in_child(
        "discovery::software_and_unapproved_algorithms_are_refused_where_forbidden",
        |bench| {
            let key = bench.key(Algorithm::Ed25519, "key");
            let error = refusal(
                bench.token(),
                KeyConfig {
                    fips_strict: true,
                    ..key.clone()
                },
            );
            assert_eq!(error.fault, Fault::Forbidden);
            assert!(matches!(
                token_error(&error),
                TokenError::NotApproved { .. }
            ));
            let error = refusal(
                bench.token(),
                KeyConfig {
                    hardware_only: true,
                    ..key
                },
            );
            assert_eq!(error.fault, Fault::Forbidden);
            assert!(matches!(
                token_error(&error),
                TokenError::NotHardware { .. }
            ));
        },
    );
}

// A library that is not the declared one, or none at all, is refused before it is loaded.
#[test]
fn another_library_is_refused() {
    in_child("discovery::another_library_is_refused", |bench| {
        let key = bench.key(Algorithm::EcdsaP256, "key");
        let facts = DeviceFacts::read(&bench.token()).unwrap();
        let declared = |sha256| TokenConfig {
            module_sha256: Some(sha256),
            ..bench.token()
        };
        let error = refusal(declared(Hash32::new([7; 32])), key.clone());
        assert!(matches!(
            token_error(&error),
            TokenError::LibraryHash { .. }
        ));
        Pkcs11Backend::open(declared(facts.library.sha256), key.clone(), limits()).unwrap();
        for path in ["/nonexistent/pkcs11.so", "/proc/self/exe"] {
            let error = refusal(
                TokenConfig {
                    module: path.into(),
                    ..bench.token()
                },
                key.clone(),
            );
            assert_eq!(error.fault, Fault::Forbidden);
            assert!(matches!(token_error(&error), TokenError::Library { .. }));
        }
    });
}

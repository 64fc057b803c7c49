//! A token that fails while it is in use: each fault comes back by the step of the table, with the same bytes signed.

use std::fs;

use cryptoki::context::Pkcs11;
use cryptoki::session::UserType;
use cryptoki::types::AuthPin;
use falaj_consensus::crypto::Algorithm;
use falaj_hsm::pkcs11::{Cause, Event, KeyConfig, Limits, LinkStatus, Pkcs11Backend, Step};
use falaj_hsm::purpose::{Canary, CanaryBytes};
use falaj_hsm::softhsm::SoftHsm;
use falaj_hsm::{Backend, Fault};

use crate::bench::{BUDGET, Bench, PIN, in_child, limits, make_key};
use crate::shim::Shim;

fn bytes() -> CanaryBytes {
    Canary { challenge: [7; 32] }.sign_bytes()
}

fn signs(backend: &Pkcs11Backend) -> bool {
    backend.sign_canary(&bytes(), BUDGET).is_ok()
}

fn steps(backend: &Pkcs11Backend) -> Vec<(Cause, Step)> {
    let faults = backend
        .take_events()
        .into_iter()
        .filter_map(|event| match event {
            Event::Fault { error, step, .. } => Some((error.cause(), step)),
            Event::Connected { .. }
            | Event::Waiting { .. }
            | Event::SetAside { .. }
            | Event::CameBack { .. } => None,
        });
    faults.collect()
}

fn shimmed(bench: &Bench, limits: Limits) -> (Shim, Pkcs11Backend) {
    let shim = Shim::new(bench);
    let key = make_key(&shim.token(bench), Algorithm::EcdsaP256, "key");
    let backend = Pkcs11Backend::open(shim.token(bench), key, limits).unwrap();
    (shim, backend)
}

// A session the library forgot is replaced, with the login of the process still there or made once more.
#[test]
fn a_lost_session_is_replaced() {
    in_child("faults::a_lost_session_is_replaced", |bench| {
        let (shim, backend) = shimmed(bench, limits());
        for code in ["0xb3", "0xb0"] {
            let before = shim.calls("C_OpenSession");
            shim.order("C_SignInit", &format!("return {code}"));
            assert!(signs(&backend));
            assert_eq!(shim.calls("C_OpenSession"), before + 1);
            assert_eq!(steps(&backend), [(Cause::SessionLost, Step::Reconnect)]);
        }
        assert_eq!(backend.status().connects, 3);
    });
}

/// Another part of this process that uses the same library.
fn log_out_behind_our_back() {
    let other = Pkcs11::new(SoftHsm::library().unwrap()).unwrap();
    let slot = other.get_slots_with_initialized_token().unwrap()[0];
    let session = other.open_ro_session(slot).unwrap();
    session.logout().unwrap();
}

// Anybody's logout ends the login of the whole process; the next signature logs in again, once.
#[test]
fn a_logout_behind_our_back_is_healed_by_one_login() {
    in_child(
        "faults::a_logout_behind_our_back_is_healed_by_one_login",
        |bench| {
            let (shim, backend) = shimmed(bench, limits());
            let before = shim.calls("C_Login");
            log_out_behind_our_back();
            assert!(signs(&backend));
            assert_eq!(shim.calls("C_Login"), before + 1);
            assert_eq!(steps(&backend), [(Cause::LoggedOut, Step::Reconnect)]);
        },
    );
}

// A login that another part of the process made is as good as ours.
#[test]
fn a_login_of_somebody_else_is_used() {
    in_child("faults::a_login_of_somebody_else_is_used", |bench| {
        let key = bench.key(Algorithm::EcdsaP256, "key");
        let other = Pkcs11::new(SoftHsm::library().unwrap()).unwrap();
        let slot = other.get_slots_with_initialized_token().unwrap()[0];
        let session = other.open_ro_session(slot).unwrap();
        session
            .login(UserType::User, Some(&AuthPin::from(PIN)))
            .unwrap();
        let shim = Shim::new(bench);
        let backend = Pkcs11Backend::open(shim.token(bench), key, limits()).unwrap();
        assert!(signs(&backend));
        assert_eq!(shim.calls("C_Login"), 0);
    });
}

fn wait_up(backend: &Pkcs11Backend) {
    while backend.wait_ready().is_err() {
        std::thread::yield_now();
    }
}

// The folder of the token is moved away and back: votes are missed with "token gone", and signing resumes by itself, through R2.
#[test]
fn a_token_that_goes_and_comes_back_is_found_again() {
    in_child(
        "faults::a_token_that_goes_and_comes_back_is_found_again",
        |bench| {
            let quick = Limits {
                backoff_ms_min: 20,
                backoff_ms_max: 20,
                ..limits()
            };
            let (shim, backend) = shimmed(bench, quick);
            let away = bench.folder.join("away");
            fs::rename(bench.hsm.tokens_folder(), &away).unwrap();
            fs::create_dir(bench.hsm.tokens_folder()).unwrap();
            let error = backend.sign_canary(&bytes(), BUDGET).unwrap_err();
            assert_eq!(error.fault, Fault::Token);
            assert!(backend.status().reinitialisations >= 1);
            fs::remove_dir(bench.hsm.tokens_folder()).unwrap();
            fs::rename(&away, bench.hsm.tokens_folder()).unwrap();
            wait_up(&backend);
            assert!(signs(&backend));
            assert!(shim.calls("C_Finalize") >= 1);
        },
    );
}

// Two backends share the library: what one of them does to it, the other survives.
#[test]
fn backends_of_one_process_survive_each_others_recovery() {
    in_child(
        "faults::backends_of_one_process_survive_each_others_recovery",
        |bench| {
            let quick = Limits {
                backoff_ms_min: 20,
                backoff_ms_max: 20,
                ..limits()
            };
            let shim = Shim::new(bench);
            let token = shim.token(bench);
            let keys = [
                make_key(&token, Algorithm::EcdsaP256, "one"),
                make_key(&token, Algorithm::Ed25519, "two"),
            ];
            let open = |key: &KeyConfig| {
                Pkcs11Backend::open(shim.token(bench), key.clone(), quick).unwrap()
            };
            let backends = keys.each_ref().map(open);
            for _ in 0..5 {
                shim.order("C_SignInit", "return 0x190");
                for backend in &backends {
                    assert!(signs(backend));
                }
            }
            let reinitialised: u64 = backends
                .iter()
                .map(|backend| backend.status().reinitialisations)
                .sum();
            assert!(reinitialised >= 5);
        },
    );
}

/// Lets the next signature hang until the body is done, which begins when its thread has been set aside. Its caller gets nothing.
fn while_a_call_hangs(shim: &Shim, backend: &Pkcs11Backend, body: impl FnOnce()) {
    shim.order("C_Sign", "hang");
    let error = std::thread::scope(|scope| {
        let stuck = scope.spawn(|| backend.sign_canary(&bytes(), BUDGET));
        shim.wait_taken("C_Sign");
        while backend.status().set_aside < 1 {
            std::thread::yield_now();
        }
        body();
        shim.release();
        stuck.join().unwrap().unwrap_err()
    });
    assert_eq!(error.fault, Fault::Timeout);
}

// A call that never returns costs its caller the signature and nothing else: another thread with another session serves the next request.
#[test]
fn a_stuck_call_misses_one_signature() {
    in_child("faults::a_stuck_call_misses_one_signature", |bench| {
        let (shim, backend) = shimmed(
            bench,
            Limits {
                sign_deadline_ms: 200,
                ..limits()
            },
        );
        while_a_call_hangs(&shim, &backend, || assert!(signs(&backend)));
        while backend.status().threads > 1 {
            std::thread::yield_now();
        }
        assert!(signs(&backend));
    });
}

// While a call is stuck the library is not finalised under it: the answer is that only a new process helps. When the call returns after
// all, signing heals.
#[test]
fn a_library_with_a_stuck_call_is_not_finalised() {
    in_child(
        "faults::a_library_with_a_stuck_call_is_not_finalised",
        |bench| {
            let patient = Limits {
                sign_deadline_ms: 200,
                connect_deadline_ms: 2_000,
                backoff_ms_min: 20,
                backoff_ms_max: 20,
                ..limits()
            };
            let (shim, backend) = shimmed(bench, patient);
            while_a_call_hangs(&shim, &backend, || {
                assert!(signs(&backend));
                shim.order("C_SignInit", "return 0x190");
                let error = backend.sign_canary(&bytes(), BUDGET).unwrap_err();
                assert_eq!(error.fault, Fault::Restart);
                assert_eq!(shim.calls("C_Finalize"), 0);
            });
            wait_up(&backend);
            assert!(signs(&backend));
        },
    );
}

// Wrong bytes never leave: one wrong signature is made again in a new session, a second one latches signing off for good.
#[test]
fn a_wrong_signature_is_never_released() {
    in_child("faults::a_wrong_signature_is_never_released", |bench| {
        let (shim, backend) = shimmed(bench, limits());
        shim.order("C_Sign", "flip");
        assert!(signs(&backend));
        assert_eq!(steps(&backend), [(Cause::WrongSignature, Step::Reconnect)]);
        shim.order("C_Sign", "flip");
        shim.order("C_OpenSession", "hang");
        let error = std::thread::scope(|scope| {
            let signing = scope.spawn(|| backend.sign_canary(&bytes(), BUDGET));
            // The first order is taken; the canary of the new session gets the second.
            shim.wait_taken("C_Sign");
            shim.wait_taken("C_OpenSession");
            shim.order("C_Sign", "flip");
            shim.release();
            signing.join().unwrap().unwrap_err()
        });
        assert_eq!(error.fault, Fault::Latched);
        assert!(matches!(backend.status().link, LinkStatus::Latched { .. }));
        assert!(!signs(&backend));
    });
}

// Codes of the device and of the vendor: throttling is waited out, a device error with a good canary refuses the request and no more, an
// unknown number gets one new session.
#[test]
fn codes_lead_to_the_step_of_the_table() {
    in_child("faults::codes_lead_to_the_step_of_the_table", |bench| {
        let (shim, backend) = shimmed(bench, limits());
        for (code, cause, step) in [
            ("0x6", Cause::Throttled, Step::SignAgain),
            ("0x31", Cause::Throttled, Step::SignAgain),
            ("0x5", Cause::LoggedOut, Step::Reconnect),
            ("0x60", Cause::LoggedOut, Step::Reconnect),
            ("0x82", Cause::LoggedOut, Step::Reconnect),
            ("0x90", Cause::OperationStuck, Step::Reconnect),
            ("0x30", Cause::DeviceOrParameter, Step::Reconnect),
            ("0x32", Cause::TokenGone, Step::Reconnect),
            ("0xe0", Cause::TokenGone, Step::Reconnect),
            ("0x70", Cause::MechanismRefused, Step::Reconnect),
            ("0x190", Cause::NotInitialised, Step::Reinitialise),
            ("0x80001234", Cause::Unknown, Step::Reconnect),
        ] {
            shim.order("C_SignInit", &format!("return {code}"));
            assert!(signs(&backend), "{code}");
            assert_eq!(steps(&backend), [(cause, step)], "{code}");
        }
    });
}

// Sessions the token will not give are waited for; the login that a rebooting device breaks off is not held against the PIN.
#[test]
fn a_device_that_comes_up_slowly_is_waited_for() {
    in_child(
        "faults::a_device_that_comes_up_slowly_is_waited_for",
        |bench| {
            let quick = Limits {
                backoff_ms_min: 1,
                backoff_ms_max: 1,
                ..limits()
            };
            let shim = Shim::new(bench);
            let key = make_key(&shim.token(bench), Algorithm::EcdsaP256, "key");
            let before = shim.calls("C_Login");
            shim.order("C_OpenSession", "return 0xb1");
            shim.order("C_Login", "return 0x32");
            let backend = Pkcs11Backend::start(shim.token(bench), key, quick).unwrap();
            wait_up(&backend);
            assert!(signs(&backend));
            assert_eq!(shim.calls("C_Login"), before + 2);
        },
    );
}

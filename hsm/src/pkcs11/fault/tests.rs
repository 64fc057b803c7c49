//! The fault table, row by row, over every number a library can return.

use super::*;
use cryptoki::error::Rv;
use std::collections::BTreeMap;

/// The rows of `docs/spec/hsm.md`, "Faults": number of PKCS #11 and what it means here. A number not listed is [`Cause::Unknown`].
const ROWS: &[(u64, Cause)] = &[
    (0x02, Cause::Throttled),          // CKR_HOST_MEMORY
    (0x03, Cause::TokenGone),          // CKR_SLOT_ID_INVALID
    (0x05, Cause::LoggedOut),          // CKR_GENERAL_ERROR
    (0x06, Cause::Throttled),          // CKR_FUNCTION_FAILED
    (0x07, Cause::DeviceOrParameter),  // CKR_ARGUMENTS_BAD
    (0x09, Cause::LibraryUnusable),    // CKR_NEED_TO_CREATE_THREADS
    (0x0a, Cause::LibraryUnusable),    // CKR_CANT_LOCK
    (0x1b, Cause::MechanismRefused),   // CKR_ACTION_PROHIBITED
    (0x20, Cause::DeviceOrParameter),  // CKR_DATA_INVALID
    (0x21, Cause::DeviceOrParameter),  // CKR_DATA_LEN_RANGE
    (0x30, Cause::DeviceOrParameter),  // CKR_DEVICE_ERROR
    (0x31, Cause::Throttled),          // CKR_DEVICE_MEMORY
    (0x32, Cause::TokenGone),          // CKR_DEVICE_REMOVED
    (0x50, Cause::Throttled),          // CKR_FUNCTION_CANCELED
    (0x54, Cause::MechanismRefused),   // CKR_FUNCTION_NOT_SUPPORTED
    (0x60, Cause::LoggedOut),          // CKR_KEY_HANDLE_INVALID
    (0x62, Cause::MechanismRefused),   // CKR_KEY_SIZE_RANGE
    (0x63, Cause::MechanismRefused),   // CKR_KEY_TYPE_INCONSISTENT
    (0x68, Cause::MechanismRefused),   // CKR_KEY_FUNCTION_NOT_PERMITTED
    (0x70, Cause::MechanismRefused),   // CKR_MECHANISM_INVALID
    (0x71, Cause::MechanismRefused),   // CKR_MECHANISM_PARAM_INVALID
    (0x82, Cause::LoggedOut),          // CKR_OBJECT_HANDLE_INVALID
    (0x90, Cause::OperationStuck),     // CKR_OPERATION_ACTIVE
    (0x91, Cause::OperationStuck),     // CKR_OPERATION_NOT_INITIALIZED
    (0xa0, Cause::PinRefused),         // CKR_PIN_INCORRECT
    (0xa1, Cause::PinRefused),         // CKR_PIN_INVALID
    (0xa2, Cause::PinRefused),         // CKR_PIN_LEN_RANGE
    (0xa3, Cause::PinUnset),           // CKR_PIN_EXPIRED
    (0xa4, Cause::PinLocked),          // CKR_PIN_LOCKED
    (0xb0, Cause::SessionLost),        // CKR_SESSION_CLOSED
    (0xb1, Cause::SessionsExhausted),  // CKR_SESSION_COUNT
    (0xb3, Cause::SessionLost),        // CKR_SESSION_HANDLE_INVALID
    (0xb8, Cause::LoggedOut),          // CKR_SESSION_READ_WRITE_SO_EXISTS
    (0xc0, Cause::WrongSignature),     // CKR_SIGNATURE_INVALID
    (0xc1, Cause::WrongSignature),     // CKR_SIGNATURE_LEN_RANGE
    (0xe0, Cause::TokenGone),          // CKR_TOKEN_NOT_PRESENT
    (0xe1, Cause::TokenGone),          // CKR_TOKEN_NOT_RECOGNIZED
    (0x101, Cause::LoggedOut),         // CKR_USER_NOT_LOGGED_IN
    (0x102, Cause::PinUnset),          // CKR_USER_PIN_NOT_INITIALIZED
    (0x104, Cause::LoggedOut),         // CKR_USER_ANOTHER_ALREADY_LOGGED_IN
    (0x105, Cause::LoggedOut),         // CKR_USER_TOO_MANY_TYPES
    (0x130, Cause::MechanismRefused),  // CKR_DOMAIN_PARAMS_INVALID
    (0x140, Cause::MechanismRefused),  // CKR_CURVE_NOT_SUPPORTED
    (0x150, Cause::DeviceOrParameter), // CKR_BUFFER_TOO_SMALL
    (0x190, Cause::NotInitialised),    // CKR_CRYPTOKI_NOT_INITIALIZED
    (0x1a0, Cause::Throttled),         // CKR_MUTEX_BAD
    (0x1a1, Cause::Throttled),         // CKR_MUTEX_NOT_LOCKED
    (0x1b0, Cause::PinUnset),          // CKR_NEW_PIN_MODE
    (0x1b1, Cause::PinUnset),          // CKR_NEXT_OTP
    (0x1b5, Cause::DeviceOrParameter), // CKR_EXCEEDED_MAX_ITERATIONS
    (0x1b6, Cause::SelfTestFailed),    // CKR_FIPS_SELF_TEST_FAILED
    (0x1b7, Cause::LibraryUnusable),   // CKR_LIBRARY_LOAD_FAILED
];

fn cause_of(number: u64) -> Option<Cause> {
    match Rv::from(number) {
        Rv::Ok => None,
        Rv::Error(code) => Some(classify(code)),
    }
}

// Every number from 1 to 0x400, and a vendor's, means what the table says and nothing else.
#[test]
fn every_return_value_has_the_cause_of_the_table() {
    let rows: BTreeMap<u64, Cause> = ROWS.iter().copied().collect();
    assert_eq!(rows.len(), ROWS.len(), "a number is listed twice");
    for number in 1..=0x400 {
        let expected = rows.get(&number).copied().unwrap_or(Cause::Unknown);
        assert_eq!(cause_of(number), Some(expected), "{number:#x}");
    }
    assert_eq!(cause_of(0), None);
    assert_eq!(cause_of(0x8000_0001), Some(Cause::Unknown));
}

/// One letter a step: `0` again, `1` reconnect, `2` reinitialise, `3` restart, `w` wait, `r` refuse, `x` latch.
const fn letter(step: Step) -> char {
    match step {
        Step::SignAgain => '0',
        Step::Reconnect => '1',
        Step::Reinitialise => '2',
        Step::Restart => '3',
        Step::Wait => 'w',
        Step::Refuse => 'r',
        Step::Latch => 'x',
    }
}

const STAGES: [Stage; 6] = [
    Stage::Sign,
    Stage::SignAgain,
    Stage::Reconnect,
    Stage::SignAfterReconnect,
    Stage::Reinitialise,
    Stage::SignAfterReinitialise,
];

/// Columns: the six stages in order.
const STEPS: [(Cause, &str); 25] = [
    (Cause::SessionLost, "1122ww"),
    (Cause::LoggedOut, "1122ww"),
    (Cause::TokenGone, "1122ww"),
    (Cause::TokenMissing, "1122ww"),
    (Cause::TokenAmbiguous, "xxxxxx"),
    (Cause::NotInitialised, "2222ww"),
    (Cause::Throttled, "01wwww"),
    (Cause::SessionsExhausted, "11wwww"),
    (Cause::OperationStuck, "1122ww"),
    (Cause::DeviceOrParameter, "112rwr"),
    (Cause::PinRefused, "xxxxxx"),
    (Cause::PinLocked, "xxxxxx"),
    (Cause::PinAtRisk, "xxxxxx"),
    (Cause::PinUnset, "xxxxxx"),
    (Cause::PinUnreadable, "xxxxxx"),
    (Cause::MechanismRefused, "11xxxx"),
    (Cause::KeyMissing, "xxxxxx"),
    (Cause::KeyDuplicate, "xxxxxx"),
    (Cause::KeyUnfit, "xxxxxx"),
    (Cause::WrongSignature, "11xxxx"),
    (Cause::Forbidden, "xxxxxx"),
    (Cause::LibraryUnusable, "xxxxxx"),
    (Cause::SelfTestFailed, "xxxxxx"),
    (Cause::CannotReinitialise, "333333"),
    (Cause::Unknown, "11wwww"),
];

// All 150 pairs of stage and cause, against the table of the specification.
#[test]
fn every_stage_and_cause_has_the_step_of_the_table() {
    for ((cause, row), expected) in STEPS.iter().zip(Cause::ALL) {
        assert_eq!(
            *cause, expected,
            "the table follows the order of Cause::ALL"
        );
        let found: String = STAGES
            .iter()
            .map(|stage| letter(next_step(*stage, *cause)))
            .collect();
        assert_eq!(found, *row, "{cause:?}");
    }
}

// No path repeats a stage, so one request makes at most four attempts whatever the token answers.
#[test]
fn every_path_through_the_escalation_ends() {
    const fn order(stage: Stage) -> u8 {
        match stage {
            Stage::Sign => 0,
            Stage::SignAgain => 1,
            Stage::Reconnect => 2,
            Stage::SignAfterReconnect => 3,
            Stage::Reinitialise => 4,
            Stage::SignAfterReinitialise => 5,
        }
    }
    for stage in STAGES {
        for cause in Cause::ALL {
            let next = match next_step(stage, cause) {
                Step::SignAgain => Stage::SignAgain,
                Step::Reconnect => Stage::Reconnect,
                Step::Reinitialise => Stage::Reinitialise,
                Step::Restart | Step::Wait | Step::Refuse | Step::Latch => continue,
            };
            assert!(order(next) > order(stage), "{stage:?} {cause:?}");
        }
    }
}

// A PIN that was refused is never followed by another attempt, at no stage.
#[test]
fn a_refused_pin_always_latches() {
    for stage in STAGES {
        for cause in [
            Cause::PinRefused,
            Cause::PinLocked,
            Cause::PinAtRisk,
            Cause::PinUnset,
        ] {
            assert_eq!(next_step(stage, cause), Step::Latch);
        }
    }
}

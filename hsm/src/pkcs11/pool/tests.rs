//! The escalation, the deadline and the queue, on a device that answers by script.

use super::*;
use crate::pkcs11::device::Device;
use crate::pkcs11::error::{Call, Code};
use crate::pkcs11::fault::Cause;
use cryptoki::context::Function;
use cryptoki::error::RvError;
use falaj_consensus::crypto::Algorithm;
use std::collections::VecDeque;
use std::thread;

/// More than any call of these tests takes on a busy machine.
const LONG: Duration = Duration::from_secs(60);

/// What the device does next.
enum Say {
    Fail(TokenError),
    /// Stays inside until the test lets it go, then succeeds.
    Hang,
}

#[derive(Default)]
struct Script {
    sign: VecDeque<Option<Say>>,
    reconnect: VecDeque<Option<Say>>,
    reinitialise: VecDeque<Option<Say>>,
    log: Vec<String>,
    /// Calls that hang now.
    hanging: usize,
    released: bool,
}

/// The script, which outlives the devices that follow it. `None` and the end of a list are success.
#[derive(Clone, Default)]
struct Actor(Arc<(Mutex<Script>, Condvar)>);

impl Actor {
    fn script(&self) -> MutexGuard<'_, Script> {
        self.0.0.lock().unwrap()
    }

    fn act(
        &self,
        what: &str,
        pick: impl FnOnce(&mut Script) -> Option<Say>,
    ) -> Result<(), TokenError> {
        let mut script = self.script();
        script.log.push(what.to_owned());
        match pick(&mut script) {
            None => Ok(()),
            Some(Say::Fail(error)) => Err(error),
            Some(Say::Hang) => {
                script.hanging += 1;
                self.0.1.notify_all();
                let mut script = self
                    .0
                    .1
                    .wait_while(script, |script| !script.released)
                    .unwrap();
                script.hanging -= 1;
                Ok(())
            }
        }
    }

    fn wait_hanging(&self, count: usize) {
        drop(
            self.0
                .1
                .wait_while(self.script(), |script| script.hanging < count)
                .unwrap(),
        );
    }

    fn release(&self) {
        self.script().released = true;
        self.0.1.notify_all();
    }

    fn log(&self) -> Vec<String> {
        self.script().log.clone()
    }

    fn on_sign(self, say: impl IntoIterator<Item = Option<Say>>) -> Self {
        self.script().sign.extend(say);
        self
    }

    fn on_reconnect(self, say: impl IntoIterator<Item = Option<Say>>) -> Self {
        self.script().reconnect.extend(say);
        self
    }

    fn on_reinitialise(self, say: impl IntoIterator<Item = Option<Say>>) -> Self {
        self.script().reinitialise.extend(say);
        self
    }

    fn start(&self, limits: Limits) -> Pool {
        Pool::start(Box::new(self.clone()), limits)
    }
}

impl MakeDevice for Actor {
    fn make(&self) -> Box<dyn Device> {
        Box::new(self.clone())
    }
}

impl Device for Actor {
    fn sign(&mut self, bytes: &[u8]) -> Result<Signature, TokenError> {
        let what = format!("sign {}", String::from_utf8_lossy(bytes));
        self.act(&what, |script| script.sign.pop_front().flatten())?;
        Ok(Signature::new(bytes.to_vec()).unwrap())
    }

    fn reconnect(&mut self) -> Result<Connected, TokenError> {
        self.act("reconnect", |script| script.reconnect.pop_front().flatten())?;
        Ok(Connected {
            token: "t".to_owned(),
            hardware: true,
        })
    }

    fn reinitialise(&mut self) -> Result<(), TokenError> {
        self.act("reinitialise", |script| {
            script.reinitialise.pop_front().flatten()
        })
    }

    fn recheck(&mut self) -> Result<(), TokenError> {
        self.act("recheck", |_| None)
    }
}

fn code(code: RvError) -> Option<Say> {
    Some(Say::Fail(TokenError::Vendor {
        call: Call(Function::Sign),
        code: Code(code),
    }))
}

fn fail(error: TokenError) -> Option<Say> {
    Some(Say::Fail(error))
}

fn limits() -> Limits {
    Limits {
        sign_deadline_ms: 60_000,
        connect_deadline_ms: 60_000,
        pause_ms: 0,
        backoff_ms_min: 3_600_000,
        backoff_ms_max: 3_600_000,
        ..Limits::default()
    }
}

/// Signs once on that script, and says what came and what the device was asked.
fn once(stage: &Actor) -> (Result<(), Cause>, Vec<String>) {
    let pool = stage.start(limits());
    let result = pool
        .sign(b"a", LONG)
        .map(|_| ())
        .map_err(|error| cause(&error));
    (result, stage.log())
}

fn cause(error: &CallError) -> Cause {
    match error {
        CallError::Unavailable(error) | CallError::Refused(error) | CallError::Latched(error) => {
            error.cause()
        }
        CallError::Timeout | CallError::QueueFull | CallError::Stuck | CallError::Closed => {
            panic!("{error}")
        }
    }
}

// R0: a busy token is asked a second time in the same session.
#[test]
fn r0_a_throttled_call_is_made_again_in_the_same_session() {
    let stage = Actor::default().on_sign([code(RvError::FunctionFailed)]);
    assert_eq!(
        once(&stage),
        (Ok(()), steps(&["reconnect", "sign a", "sign a"]))
    );
}

fn steps(words: &[&str]) -> Vec<String> {
    words.iter().map(|word| (*word).to_owned()).collect()
}

// R1: a lost session is replaced, and the very same bytes are signed.
#[test]
fn r1_a_lost_session_is_replaced_and_the_same_bytes_signed() {
    let stage = Actor::default().on_sign([code(RvError::SessionHandleInvalid)]);
    assert_eq!(
        once(&stage),
        (
            Ok(()),
            steps(&["reconnect", "sign a", "reconnect", "sign a"])
        )
    );
}

// R2: a token that a new session does not find needs the library initialised again.
#[test]
fn r2_a_token_that_went_away_needs_the_library_again() {
    let missing = TokenError::TokenMissing {
        wanted: "t".to_owned(),
        seen: Vec::new(),
    };
    let stage = Actor::default()
        .on_sign([code(RvError::ObjectHandleInvalid)])
        .on_reconnect([None, fail(missing)]);
    let asked = [
        "reconnect",
        "sign a",
        "reconnect",
        "reinitialise",
        "reconnect",
        "sign a",
    ];
    assert_eq!(once(&stage), (Ok(()), steps(&asked)));
}

// R3: with a call in flight the library stays as it is, and the answer says that only a new process helps.
#[test]
fn r3_a_library_with_calls_in_flight_is_left_alone() {
    let stage = Actor::default()
        .on_sign([code(RvError::CryptokiNotInitialized)])
        .on_reinitialise([fail(TokenError::CallsInFlight { in_flight: 1 })]);
    let asked = ["reconnect", "sign a", "reinitialise"];
    assert_eq!(
        once(&stage),
        (Err(Cause::CannotReinitialise), steps(&asked))
    );
}

// X: a refused PIN is never followed by another attempt, however often a signature is asked for.
#[test]
fn x_a_refused_pin_is_tried_once() {
    let refused = TokenError::PinRefused {
        token: "t".to_owned(),
        code: Code(RvError::PinIncorrect),
    };
    let stage = Actor::default().on_reconnect([fail(refused)]);
    let pool = stage.start(limits());
    for _ in 0..10 {
        let error = pool.sign(b"a", LONG).unwrap_err();
        assert!(matches!(error, CallError::Latched(_)), "{error}");
    }
    assert_eq!(stage.log(), steps(&["reconnect"]));
    assert!(matches!(pool.status().link, LinkStatus::Latched { .. }));
}

// X: two wrong signatures, the second in a new session with a good canary, are for a person to look at.
#[test]
fn x_a_second_wrong_signature_latches() {
    let wrong = || {
        fail(TokenError::WrongSignature {
            algorithm: Algorithm::EcdsaP256,
            bytes: 64,
        })
    };
    let stage = Actor::default().on_sign([wrong(), wrong()]);
    let (result, asked) = once(&stage);
    assert_eq!(result, Err(Cause::WrongSignature));
    assert_eq!(
        asked,
        steps(&["reconnect", "sign a", "reconnect", "sign a"])
    );
}

// A device error that the canary does not share is a bad request: it is refused, and the next one is signed in the same session.
#[test]
fn a_device_error_with_a_good_canary_refuses_the_request_only() {
    let stage = Actor::default().on_sign([code(RvError::DeviceError), code(RvError::DeviceError)]);
    let pool = stage.start(limits());
    assert!(matches!(pool.sign(b"a", LONG), Err(CallError::Refused(_))));
    assert!(pool.sign(b"b", LONG).is_ok());
    let asked = ["reconnect", "sign a", "reconnect", "sign a", "sign b"];
    assert_eq!(stage.log(), steps(&asked));
}

// An unknown code gets one new session; then the breaker opens and callers are answered without the device.
#[test]
fn an_unknown_code_opens_the_breaker_after_one_new_session() {
    let vendor = || code(RvError::VendorDefined(0x8000_0042));
    let stage = Actor::default().on_sign([vendor(), vendor()]);
    let pool = stage.start(limits());
    for _ in 0..5 {
        assert!(matches!(
            pool.sign(b"a", LONG),
            Err(CallError::Unavailable(_))
        ));
    }
    assert_eq!(
        stage.log(),
        steps(&["reconnect", "sign a", "reconnect", "sign a"])
    );
    assert!(matches!(pool.status().link, LinkStatus::Down { .. }));
    let waits = pool
        .take_events()
        .into_iter()
        .filter(|event| matches!(event, Event::Waiting { .. }));
    assert_eq!(waits.count(), 1);
}

// When the backoff is over the token is tried again without anybody asking for a signature.
#[test]
fn the_token_is_tried_again_by_itself() {
    let gone = || {
        fail(TokenError::TokenMissing {
            wanted: "t".to_owned(),
            seen: Vec::new(),
        })
    };
    let stage = Actor::default().on_reconnect([gone(), gone(), gone(), gone()]);
    let pool = stage.start(Limits {
        backoff_ms_min: 0,
        backoff_ms_max: 0,
        ..limits()
    });
    while pool.wait_ready(LONG).is_err() {}
    assert!(pool.sign(b"a", LONG).is_ok());
    let asked = stage.log();
    assert_eq!(
        asked.iter().filter(|word| *word == "reinitialise").count(),
        2
    );
}

// A call that hangs is set aside with its session; another thread serves the next request; what hung is dropped.
#[test]
fn a_stuck_call_is_set_aside_and_another_thread_serves() {
    let stage = Actor::default().on_sign([Some(Say::Hang)]);
    let pool = stage.start(Limits {
        sign_deadline_ms: 0,
        ..limits()
    });
    thread::scope(|scope| {
        let stuck = scope.spawn(|| pool.sign(b"a", LONG));
        stage.wait_hanging(1);
        assert_eq!(pool.sign(b"b", LONG).unwrap().bytes(), b"b");
        assert_eq!(pool.status().threads, 2);
        stage.release();
        assert!(matches!(stuck.join().unwrap(), Err(CallError::Timeout)));
    });
    assert_eq!(
        stage.log(),
        steps(&["reconnect", "sign a", "reconnect", "sign b"])
    );
    assert_eq!(pool.status().set_aside, 1);
}

// A caller leaves at its deadline whatever the library does.
#[test]
fn a_caller_leaves_at_its_deadline() {
    let stage = Actor::default().on_sign([Some(Say::Hang)]);
    let pool = stage.start(limits());
    pool.wait_ready(LONG).unwrap();
    assert!(matches!(
        pool.sign(b"a", Duration::from_millis(20)),
        Err(CallError::Timeout)
    ));
    assert_eq!(pool.status().timeouts, 1);
    stage.release();
}

// With every thread stuck callers are told so at once; when a call returns after all, its thread ends and a new one takes over.
#[test]
fn all_threads_stuck_is_said_and_healed() {
    let stage = Actor::default().on_sign([Some(Say::Hang), Some(Say::Hang)]);
    let pool = stage.start(Limits {
        sign_deadline_ms: 0,
        threads_max: 2,
        ..limits()
    });
    thread::scope(|scope| {
        let first = scope.spawn(|| pool.sign(b"a", LONG));
        stage.wait_hanging(1);
        let second = scope.spawn(|| pool.sign(b"b", LONG));
        stage.wait_hanging(2);
        assert!(matches!(pool.sign(b"c", LONG), Err(CallError::Stuck)));
        assert!(matches!(pool.status().link, LinkStatus::Stuck));
        stage.release();
        assert!(first.join().unwrap().is_err());
        assert!(second.join().unwrap().is_err());
    });
    while pool.wait_ready(LONG).is_err() {}
    assert!(pool.sign(b"d", LONG).is_ok());
}

// A request whose deadline passed while the session was opened is not signed any more.
#[test]
fn nothing_is_signed_after_its_deadline() {
    let stage = Actor::default()
        .on_sign([code(RvError::SessionClosed)])
        .on_reconnect([None, Some(Say::Hang)]);
    let pool = stage.start(limits());
    pool.wait_ready(LONG).unwrap();
    assert!(matches!(
        pool.sign(b"a", Duration::from_millis(200)),
        Err(CallError::Timeout)
    ));
    stage.release();
    pool.sign(b"b", LONG).unwrap();
    let signed = stage
        .log()
        .into_iter()
        .filter(|word| word == "sign a")
        .count();
    assert!(signed <= 1, "the retry came after the deadline");
}

// The queue has a bound, and a full one answers at once.
#[test]
fn a_full_queue_answers_at_once() {
    let stage = Actor::default().on_sign([Some(Say::Hang)]);
    let pool = stage.start(Limits {
        queue_max: 1,
        ..limits()
    });
    thread::scope(|scope| {
        let working = scope.spawn(|| pool.sign(b"a", LONG));
        stage.wait_hanging(1);
        let waiting = scope.spawn(|| pool.sign(b"b", LONG));
        while pool.status().queued < 1 {
            thread::yield_now();
        }
        assert!(matches!(pool.sign(b"c", LONG), Err(CallError::QueueFull)));
        stage.release();
        assert!(working.join().unwrap().is_ok());
        assert!(waiting.join().unwrap().is_ok());
    });
}

// Sixteen callers get their own signatures, each the one of its bytes.
#[test]
fn many_callers_get_their_own_signatures() {
    let stage = Actor::default();
    let pool = stage.start(limits());
    thread::scope(|scope| {
        for caller in 0..16 {
            let pool = &pool;
            scope.spawn(move || {
                for number in 0..50 {
                    let bytes = format!("{caller} {number}");
                    assert_eq!(
                        pool.sign(bytes.as_bytes(), LONG).unwrap().bytes(),
                        bytes.as_bytes()
                    );
                }
            });
        }
    });
    assert_eq!(pool.status().signed, 800);
}

// The hourly check runs on the same thread and goes through the same escalation.
#[test]
fn a_recheck_runs_on_the_worker() {
    let stage = Actor::default();
    let pool = stage.start(limits());
    pool.recheck(LONG).unwrap();
    assert_eq!(stage.log(), steps(&["reconnect", "recheck"]));
}

/// A device that breaks our own belief.
struct Panics;

impl Device for Panics {
    fn sign(&mut self, _: &[u8]) -> Result<Signature, TokenError> {
        panic!("a device that panics");
    }

    fn reconnect(&mut self) -> Result<Connected, TokenError> {
        Ok(Connected {
            token: "t".to_owned(),
            hardware: true,
        })
    }

    fn reinitialise(&mut self) -> Result<(), TokenError> {
        Ok(())
    }

    fn recheck(&mut self) -> Result<(), TokenError> {
        Ok(())
    }
}

struct MakePanics;

impl MakeDevice for MakePanics {
    fn make(&self) -> Box<dyn Device> {
        Box::new(Panics)
    }
}

// A thread that panics is replaced when the backoff is over; its caller gets an answer at once.
#[test]
fn a_thread_that_panics_is_replaced_after_a_backoff() {
    let pool = Pool::start(Box::new(MakePanics), limits());
    assert!(matches!(pool.sign(b"a", LONG), Err(CallError::Timeout)));
    while pool.status().threads > 1 {
        thread::yield_now();
    }
    let error = pool.sign(b"a", LONG).unwrap_err();
    assert!(
        matches!(error, CallError::Unavailable(TokenError::Panicked)),
        "{error}"
    );
}

//! Guard and token together, on real files: what was signed once is never asked of the token again, and a fault in between changes nothing.

use std::sync::Arc;

use falaj_consensus::crypto::{Algorithm, Signature};
use falaj_consensus::durable::{FolderLock, OsDisk};
use falaj_consensus::message::{PrevoteValue, Statement};
use falaj_consensus::types::{
    BlockId, ChainContext, Hash32, Height, Now, Round, ValidatorId, VotingPower,
};
use falaj_consensus::validator_set::{Declared, Validator, ValidatorSet};
use falaj_consensus::verify::{Checker, RealChecker};
use falaj_hsm::pkcs11::{KeyConfig, Limits, Pkcs11Backend};
use falaj_hsm::{
    Floor, Identity, Input, Output, Place, Refusal, RequestId, SetWindow, SignRequest, SignerHome,
};

use crate::bench::{Bench, in_child, limits, make_key};
use crate::shim::Shim;

/// Time stands still; only deadlines are compared with it.
const NOW: Now = Now {
    mono_ns: 0,
    wall_us: 0,
};
const LONG_NS: u64 = 30_000_000_000;
/// Ends a request that hangs; long enough that a busy machine begins it in time.
const SHORT_NS: u64 = 3_000_000_000;

struct Signing {
    identity: Identity,
    sets: Vec<Arc<ValidatorSet>>,
    lock: FolderLock,
}

impl Signing {
    /// A validator alone in its set, and the guard of its key.
    fn init(bench: &Bench, key: &KeyConfig) -> Self {
        let member = Validator {
            id: ValidatorId::new(1),
            power: VotingPower::new(1),
            key: key.public_key.clone(),
            declared: Declared::default(),
        };
        let set = Arc::new(ValidatorSet::new(vec![member]).unwrap());
        let chain = ChainContext {
            chain_id: "test".to_owned(),
            genesis_hash: Hash32::new([1; 32]),
        };
        let identity = Identity {
            chain,
            key: key.public_key.clone(),
        };
        let lock = FolderLock::acquire(&bench.folder.join("signer")).unwrap();
        let this = Self {
            identity,
            sets: vec![set],
            lock,
        };
        let floor = Floor {
            place: Place::GENESIS,
            instance: [9; 16],
            fence_epoch: 0,
            window: SetWindow::genesis(&this.sets[0]),
        };
        let (guard, audit) = this.disks();
        SignerHome::init(guard, audit, this.identity.clone(), checker(), floor).unwrap();
        this
    }

    fn disks(&self) -> (OsDisk, OsDisk) {
        let disk = |name| OsDisk::subfolder(&self.lock, name).unwrap();
        (disk("guard"), disk("audit"))
    }

    fn open(&self) -> SignerHome<OsDisk> {
        let (guard, audit) = self.disks();
        SignerHome::open(
            NOW,
            guard,
            audit,
            self.identity.clone(),
            checker(),
            &self.sets,
            None,
        )
        .unwrap()
    }
}

fn checker() -> Arc<dyn Checker> {
    Arc::new(RealChecker)
}

fn prevote(round: u32, block: Option<u8>) -> Statement {
    let value = block.map(|byte| PrevoteValue {
        id: BlockId::new(Hash32::new([byte; 32])),
        valid_round: None,
    });
    Statement::Prevote {
        height: Height::new(1),
        round: Round::new(round),
        value,
    }
}

/// Asks for one signature and waits for the answer.
fn ask(
    home: &mut SignerHome<OsDisk>,
    backend: &Pkcs11Backend,
    statement: Statement,
    deadline_ns: u64,
) -> Result<Signature, Refusal> {
    let request = SignRequest {
        id: RequestId::new(1),
        statement,
        polka: None,
        proof: None,
        deadline_ns,
    };
    let answers = home
        .run(NOW, Input::Sign(Box::new(request)), backend)
        .unwrap();
    let signed = answers.into_iter().find_map(|answer| match answer {
        Output::Signed { result, .. } => Some(result),
        Output::Attested { .. } | Output::Decided { .. } | Output::Alarm(_) => None,
    });
    signed.unwrap().map(|signed| signed.into_inner().signature)
}

// ECDSA gives another signature each time; the guard gives the first one back, over a restart too, and the token is not asked.
#[test]
fn a_statement_is_signed_once_over_a_restart() {
    in_child(
        "guarded::a_statement_is_signed_once_over_a_restart",
        |bench| {
            let shim = Shim::new(bench);
            let token = shim.token(bench);
            let key = make_key(&token, Algorithm::EcdsaP256, "key");
            let signing = Signing::init(bench, &key);
            let backend = Pkcs11Backend::open(token.clone(), key.clone(), limits()).unwrap();
            let mut home = signing.open();
            let first = ask(&mut home, &backend, prevote(0, None), LONG_NS).unwrap();
            let calls = shim.calls("C_Sign");
            assert_eq!(
                ask(&mut home, &backend, prevote(0, None), LONG_NS).unwrap(),
                first
            );
            let other = ask(&mut home, &backend, prevote(0, Some(7)), LONG_NS).unwrap_err();
            assert!(matches!(other, Refusal::DoubleSign { .. }), "{other}");
            assert_eq!(shim.calls("C_Sign"), calls);
            home.settle().unwrap();
            drop((home, backend));
            let backend = Pkcs11Backend::open(token, key, limits()).unwrap();
            let mut home = signing.open();
            let calls = shim.calls("C_Sign");
            assert_eq!(
                ask(&mut home, &backend, prevote(0, None), LONG_NS).unwrap(),
                first
            );
            assert!(ask(&mut home, &backend, prevote(0, Some(7)), LONG_NS).is_err());
            assert_eq!(shim.calls("C_Sign"), calls);
        },
    );
}

// The token hangs after the intent was written: the vote is missed, the position stays taken by its bytes, and those bytes are signed as
// soon as the token works again.
#[test]
fn a_fault_between_intent_and_signature_leaves_the_position_taken() {
    in_child(
        "guarded::a_fault_between_intent_and_signature_leaves_the_position_taken",
        |bench| {
            let shim = Shim::new(bench);
            let token = shim.token(bench);
            let key = make_key(&token, Algorithm::EcdsaP256, "key");
            let signing = Signing::init(bench, &key);
            let quick = Limits {
                sign_deadline_ms: 200,
                ..limits()
            };
            let backend = Pkcs11Backend::open(token, key, quick).unwrap();
            let mut home = signing.open();
            shim.order("C_Sign", "hang");
            let missed = ask(&mut home, &backend, prevote(0, Some(7)), SHORT_NS).unwrap_err();
            assert!(matches!(missed, Refusal::Backend { .. }), "{missed}");
            shim.wait_taken("C_Sign");
            while backend.status().set_aside < 1 {
                std::thread::yield_now();
            }
            let other = ask(&mut home, &backend, prevote(0, None), LONG_NS).unwrap_err();
            assert!(matches!(other, Refusal::DoubleSign { .. }), "{other}");
            assert!(ask(&mut home, &backend, prevote(0, Some(7)), LONG_NS).is_ok());
            assert!(ask(&mut home, &backend, prevote(1, None), LONG_NS).is_ok());
            shim.release();
            while backend.status().threads > 1 {
                std::thread::yield_now();
            }
        },
    );
}

//! A chain of four validators with keys that are hashes, for tests of the rules rather than of the arithmetic.
//!
//! Shape: a signature is a nonce and a hash over key, message and nonce, so that signing twice gives two valid signatures,
//! as RSA-PSS and ECDSA do. Validator 0 is the one under test.

use std::sync::{Arc, Mutex};
use std::time::Duration;

use falaj_consensus::crypto::{Algorithm, PublicKey, Signature};
use falaj_consensus::durable::MemDisk;
use falaj_consensus::hash::{self, Tag};
use falaj_consensus::message::{
    CommitCertificate, Outcome, Polka, PrecommitValue, PrevoteValue, Statement, Vote,
};
use falaj_consensus::types::{
    BlockId, ChainContext, Hash32, Height, Now, OutcomeHash, Round, ValidatorId, ValidatorIndex,
    VotingPower,
};
use falaj_consensus::validator_set::{Declared, Validator, ValidatorSet};
use falaj_consensus::verify::{Checker, SignedItem, SignedStatement, Verified};

use crate::backend::{Backend, BackendError, Fault};
use crate::guard::{Floor, HeightProof, Identity, Place, SetWindow};
use crate::home::{HomeError, SignerHome};
use crate::purpose::{
    BindingBytes, CanaryBytes, PossessionBytes, PrecommitBytes, PrevoteBytes, ProposalBytes,
};
use crate::signer::{Input, Output, RequestId, SignRequest};
use crate::{GuardProblem, Refusal};

const SIGN_TAG: Tag = Tag::new("falaj/test-signature/1");

pub(crate) fn chain() -> ChainContext {
    ChainContext {
        chain_id: "test".to_owned(),
        genesis_hash: Hash32::new([7; 32]),
    }
}

pub(crate) fn key(number: u8) -> PublicKey {
    let mut bytes = vec![number; 65];
    bytes[0] = 4;
    PublicKey::new(Algorithm::EcdsaP256, bytes).unwrap()
}

pub(crate) fn set_of(numbers: &[u8]) -> Arc<ValidatorSet> {
    let member = |number: &u8| Validator {
        id: ValidatorId::new(u32::from(*number)),
        power: VotingPower::new(1),
        key: key(*number),
        declared: Declared::default(),
    };
    Arc::new(ValidatorSet::new(numbers.iter().map(member).collect()).unwrap())
}

pub(crate) fn genesis_set() -> Arc<ValidatorSet> {
    set_of(&[1, 2, 3, 4])
}

pub(crate) fn identity() -> Identity {
    Identity {
        chain: chain(),
        key: key(1),
    }
}

pub(crate) fn floor() -> Floor {
    Floor {
        place: Place::GENESIS,
        instance: [9; 16],
        fence_epoch: 0,
        window: SetWindow::genesis(&genesis_set()),
    }
}

pub(crate) fn sign(key: &PublicKey, message: &[u8], nonce: u64) -> Signature {
    let nonce = nonce.to_le_bytes();
    let digest = hash::tagged_parts(SIGN_TAG, &[key.bytes(), message, &nonce]);
    let mut bytes = nonce.to_vec();
    bytes.extend_from_slice(digest.bytes());
    bytes.resize(64, 0);
    Signature::new(bytes).unwrap()
}

/// Accepts what [`sign`] makes.
pub(crate) struct HashChecker;

impl Checker for HashChecker {
    fn check(&self, item: SignedItem<'_>) -> bool {
        let Some((nonce, _)) = item.signature.bytes().split_first_chunk() else {
            return false;
        };
        sign(item.key, item.message, u64::from_le_bytes(*nonce)) == *item.signature
    }
}

pub(crate) fn checker() -> Arc<dyn Checker> {
    Arc::new(HashChecker)
}

/// What a backend does with its next calls, then signs again.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) enum Trouble {
    Fails(Fault),
    SignsOtherBytes,
    SignsWithOtherKey,
}

/// A token that remembers everything it ever signed.
pub(crate) struct TestToken {
    key: PublicKey,
    state: Mutex<TokenState>,
}

#[derive(Default)]
struct TokenState {
    signed: Vec<Vec<u8>>,
    trouble: Vec<Trouble>,
}

impl TestToken {
    pub(crate) fn new() -> Self {
        Self {
            key: key(1),
            state: Mutex::default(),
        }
    }

    pub(crate) fn trouble(&self, trouble: Trouble) {
        self.state.lock().unwrap().trouble.push(trouble);
    }

    /// Everything ever signed, in order.
    pub(crate) fn signed(&self) -> Vec<Vec<u8>> {
        self.state.lock().unwrap().signed.clone()
    }

    fn sign(&self, message: &[u8]) -> Result<Signature, BackendError> {
        let mut state = self.state.lock().unwrap();
        let nonce = state.signed.len() as u64;
        match state.trouble.pop() {
            Some(Trouble::Fails(fault)) => return Err(BackendError::new(fault)),
            Some(Trouble::SignsOtherBytes) => return Ok(sign(&self.key, b"other bytes", nonce)),
            Some(Trouble::SignsWithOtherKey) => return Ok(sign(&key(2), message, nonce)),
            None => {}
        }
        state.signed.push(message.to_vec());
        Ok(sign(&self.key, message, nonce))
    }
}

impl Backend for TestToken {
    fn public_key(&self) -> &PublicKey {
        &self.key
    }

    fn test_banner(&self) -> Option<&str> {
        Some("TEST")
    }

    fn sign_proposal(&self, bytes: &ProposalBytes, _: Duration) -> Result<Signature, BackendError> {
        self.sign(bytes.as_slice())
    }

    fn sign_prevote(&self, bytes: &PrevoteBytes, _: Duration) -> Result<Signature, BackendError> {
        self.sign(bytes.as_slice())
    }

    fn sign_precommit(
        &self,
        bytes: &PrecommitBytes,
        _: Duration,
    ) -> Result<Signature, BackendError> {
        self.sign(bytes.as_slice())
    }

    fn sign_binding(&self, bytes: &BindingBytes, _: Duration) -> Result<Signature, BackendError> {
        self.sign(bytes.as_slice())
    }

    fn sign_possession(
        &self,
        bytes: &PossessionBytes,
        _: Duration,
    ) -> Result<Signature, BackendError> {
        self.sign(bytes.as_slice())
    }

    fn sign_canary(&self, bytes: &CanaryBytes, _: Duration) -> Result<Signature, BackendError> {
        self.sign(bytes.as_slice())
    }
}

pub(crate) fn block(number: u8) -> BlockId {
    BlockId::new(Hash32::new([number; 32]))
}

pub(crate) fn outcome(number: u8) -> OutcomeHash {
    OutcomeHash::new(Hash32::new([number; 32]))
}

pub(crate) fn proposal(
    height: u64,
    round: u32,
    id: BlockId,
    valid_round: Option<u32>,
) -> Statement {
    let (height, round) = (Height::new(height), Round::new(round));
    Statement::Proposal {
        height,
        round,
        id,
        valid_round: valid_round.map(Round::new),
    }
}

pub(crate) fn prevote(height: u64, round: u32, value: Option<(BlockId, Option<u32>)>) -> Statement {
    let value = value.map(|(id, valid_round)| PrevoteValue {
        id,
        valid_round: valid_round.map(Round::new),
    });
    Statement::Prevote {
        height: Height::new(height),
        round: Round::new(round),
        value,
    }
}

pub(crate) fn precommit(
    height: u64,
    round: u32,
    value: Option<(BlockId, OutcomeHash)>,
) -> Statement {
    let value = value.map(|(id, outcome)| PrecommitValue { id, outcome });
    Statement::Precommit {
        height: Height::new(height),
        round: Round::new(round),
        value,
    }
}

/// The votes of three of four members of a set for a statement.
fn votes(set: &ValidatorSet, statement: Statement) -> Vec<Vote> {
    let message = statement.sign_bytes(&chain());
    let vote = |index: ValidatorIndex| {
        let signature = sign(&set.get(index).unwrap().key, message.as_slice(), 0);
        Vote::new(index, statement, signature).unwrap()
    };
    set.indices().skip(1).map(vote).collect()
}

pub(crate) fn polka(height: u64, round: u32, id: BlockId) -> Polka {
    let set = genesis_set();
    let votes = votes(&set, prevote(height, round, Some((id, None))));
    Polka::from_votes(set.len(), &votes.iter().collect::<Vec<_>>()).unwrap()
}

/// The certificate of `height` by `signers`, and the outcome that fixes `next` for two heights on.
pub(crate) fn proof_by(
    signers: &ValidatorSet,
    height: u64,
    next: &Arc<ValidatorSet>,
) -> HeightProof {
    let outcome = Outcome {
        version: Outcome::VERSION,
        state_root: Hash32::new([1; 32]),
        receipts_root: Hash32::ZERO,
        events_root: Hash32::ZERO,
        events: 0,
        supply: Vec::new(),
        set_hash: next.hash(),
        parameters_hash: Hash32::ZERO,
    };
    let votes = votes(
        signers,
        precommit(height, 0, Some((block(0xbb), outcome.hash()))),
    );
    let certificate =
        CommitCertificate::from_votes(signers.len(), &votes.iter().collect::<Vec<_>>()).unwrap();
    HeightProof {
        certificate,
        outcome,
        set: Arc::clone(next),
    }
}

pub(crate) fn proof(height: u64) -> HeightProof {
    proof_by(&genesis_set(), height, &genesis_set())
}

pub(crate) const NOW: Now = Now {
    mono_ns: 1_000,
    wall_us: 1_700_000_000_000_000,
};
pub(crate) const DEADLINE_NS: u64 = 2_000;

/// Round and block of the polka that the lock rule may ask for.
fn wanted(statement: &Statement) -> Option<(u32, BlockId)> {
    if let Statement::Precommit {
        round,
        value: Some(value),
        ..
    } = statement
    {
        Some((round.get(), value.id))
    } else if let Statement::Prevote {
        value: Some(value), ..
    } = statement
    {
        value.valid_round.map(|valid| (valid.get(), value.id))
    } else {
        None
    }
}

/// A request with the polka that the lock rule may ask for, and the proof of the height before.
pub(crate) fn request(id: u64, statement: Statement) -> SignRequest {
    let height = statement.height().get();
    let polka = wanted(&statement).map(|(round, id)| polka(height, round, id));
    let proof = (height > 1).then(|| Box::new(proof(height - 1)));
    SignRequest {
        id: RequestId::new(id),
        statement,
        polka,
        proof,
        deadline_ns: DEADLINE_NS,
    }
}

/// The disks of one signer.
#[derive(Clone, Debug, Default)]
pub(crate) struct Disks {
    pub(crate) guard: MemDisk,
    pub(crate) audit: MemDisk,
}

pub(crate) type Home = SignerHome<MemDisk>;

impl Disks {
    pub(crate) fn init(&self) -> Result<(), HomeError> {
        SignerHome::init(
            self.guard.clone(),
            self.audit.clone(),
            identity(),
            checker(),
            floor(),
        )
    }

    pub(crate) fn open(&self) -> Result<Home, HomeError> {
        let (guard, audit) = (self.guard.clone(), self.audit.clone());
        SignerHome::open(
            NOW,
            guard,
            audit,
            identity(),
            checker(),
            &[genesis_set()],
            None,
        )
    }

    /// A home on fresh disks.
    pub(crate) fn home() -> (Self, Home) {
        let disks = Self::default();
        disks.init().unwrap();
        let home = disks.open().unwrap();
        (disks, home)
    }

    /// Why the guard on these disks cannot be signed under.
    pub(crate) fn problem(&self) -> GuardProblem {
        self.open().unwrap().signer().guard().unwrap_err()
    }
}

pub(crate) type Answer = Result<Verified<SignedStatement>, Refusal>;

/// The answers to statements among what was released.
pub(crate) fn answers(outputs: Vec<Output>) -> Vec<(u64, Answer)> {
    let answer = |output| {
        if let Output::Signed { id, result } = output {
            Some((id.get(), result))
        } else {
            None
        }
    };
    outputs.into_iter().filter_map(answer).collect()
}

/// Has one statement signed from end to end.
pub(crate) fn ask(home: &mut Home, token: &TestToken, statement: Statement) -> Answer {
    ask_for(home, token, request(1, statement))
}

pub(crate) fn ask_for(home: &mut Home, token: &TestToken, request: SignRequest) -> Answer {
    let outputs = home
        .run(NOW, Input::Sign(Box::new(request)), token)
        .unwrap();
    let mut answers = answers(outputs);
    assert_eq!(answers.len(), 1, "every request has one answer");
    answers.remove(0).1
}

/// The code of a refusal.
pub(crate) fn code(answer: Answer) -> &'static str {
    answer.unwrap_err().code()
}

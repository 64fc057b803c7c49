//! A backend behind a whole signer: two heights of a chain with one validator, and a restart between them.
//!
//! Shape: one member has every quorum, so its own votes are polka and certificate, with signatures that the backend really made.

use std::sync::Arc;

use falaj_consensus::durable::MemDisk;
use falaj_consensus::message::{
    CommitCertificate, Outcome, Polka, PrecommitValue, Statement, Vote,
};
use falaj_consensus::types::{Hash32, Height, Now, Round, ValidatorId, VotingPower};
use falaj_consensus::validator_set::{Declared, Validator, ValidatorSet};
use falaj_consensus::verify::{Checker, SignedStatement};

use super::{BLOCK, chain, prevote, proposal};
use crate::backend::Backend;
use crate::guard::{Floor, HeightProof, Identity, Place, SetWindow};
use crate::home::SignerHome;
use crate::signer::{Input, Output, RequestId, SignRequest};

const NOW: Now = Now {
    mono_ns: 0,
    wall_us: 0,
};
const DEADLINE_NS: u64 = 10_000_000_000;

struct Life<'a> {
    backend: &'a dyn Backend,
    set: Arc<ValidatorSet>,
    checker: Arc<dyn Checker>,
    disks: [MemDisk; 2],
}

/// Proposal, prevote, precommit, restart, repetition, and the next height by the certificate of this one.
///
/// # Panics
/// When the signer refuses what it must sign.
pub fn lives_as_a_signer(backend: &dyn Backend, checker: &(impl Checker + Clone + 'static)) {
    let life = Life::begin(backend, Arc::new(checker.clone()));
    let mut home = life.open();
    life.sign(&mut home, proposal(1, 0), None, None);
    let vote = life.vote(life.sign(&mut home, prevote(1, 0), None, None));
    let polka = Polka::from_votes(1, &[&vote]).expect("one vote of one member is a quorum");
    let outcome = life.outcome();
    let signed = life.sign(
        &mut home,
        life.precommit(&outcome),
        Some(polka.clone()),
        None,
    );
    home.settle().expect("the disk is sound");
    drop(home);
    let mut home = life.open();
    let again = life.sign(&mut home, life.precommit(&outcome), Some(polka), None);
    assert_eq!(again, signed, "a repetition gets the stored signature");
    let certificate = CommitCertificate::from_votes(1, &[&life.vote(again)])
        .expect("one vote of one member is a quorum");
    let proof = HeightProof {
        certificate,
        outcome,
        set: Arc::clone(&life.set),
    };
    life.sign(&mut home, prevote(2, 0), None, Some(proof));
}

impl<'a> Life<'a> {
    fn begin(backend: &'a dyn Backend, checker: Arc<dyn Checker>) -> Self {
        let member = Validator {
            id: ValidatorId::new(1),
            power: VotingPower::new(1),
            key: backend.public_key().clone(),
            declared: Declared::default(),
        };
        let set = Arc::new(ValidatorSet::new(vec![member]).expect("one member is a set"));
        let life = Self {
            backend,
            set,
            checker,
            disks: [MemDisk::new(), MemDisk::new()],
        };
        let window = SetWindow::genesis(&life.set);
        let floor = Floor {
            place: Place::GENESIS,
            instance: [5; 16],
            fence_epoch: 0,
            window,
        };
        let [guard, audit] = life.disks.clone();
        SignerHome::init(
            guard,
            audit,
            life.identity(),
            Arc::clone(&life.checker),
            floor,
        )
        .expect("the disk is sound");
        life
    }

    fn identity(&self) -> Identity {
        Identity {
            chain: chain(),
            key: self.backend.public_key().clone(),
        }
    }

    fn open(&self) -> SignerHome<MemDisk> {
        let [guard, audit] = self.disks.clone();
        let (checker, sets) = (Arc::clone(&self.checker), [Arc::clone(&self.set)]);
        SignerHome::open(NOW, guard, audit, self.identity(), checker, &sets, None)
            .expect("the logs are sound")
    }

    fn sign(
        &self,
        home: &mut SignerHome<MemDisk>,
        statement: Statement,
        polka: Option<Polka>,
        proof: Option<HeightProof>,
    ) -> SignedStatement {
        let (id, proof) = (RequestId::new(1), proof.map(Box::new));
        let request = SignRequest {
            id,
            statement,
            polka,
            proof,
            deadline_ns: DEADLINE_NS,
        };
        let outputs = home
            .run(NOW, Input::Sign(Box::new(request)), self.backend)
            .expect("the disk is sound");
        match outputs.into_iter().next() {
            Some(Output::Signed {
                result: Ok(signed), ..
            }) => signed.into_inner(),
            other => panic!("{statement:?}: {other:?}"),
        }
    }

    fn vote(&self, signed: SignedStatement) -> Vote {
        let SignedStatement {
            validator,
            statement,
            signature,
        } = signed;
        Vote::new(validator, statement, signature).expect("prevotes and precommits are votes")
    }

    fn outcome(&self) -> Outcome {
        Outcome {
            version: Outcome::VERSION,
            state_root: Hash32::ZERO,
            receipts_root: Hash32::ZERO,
            events_root: Hash32::ZERO,
            events: 0,
            supply: Vec::new(),
            set_hash: self.set.hash(),
            parameters_hash: Hash32::ZERO,
        }
    }

    fn precommit(&self, outcome: &Outcome) -> Statement {
        let value = Some(PrecommitValue {
            id: BLOCK,
            outcome: outcome.hash(),
        });
        Statement::Precommit {
            height: Height::new(1),
            round: Round::new(0),
            value,
        }
    }
}

//! The first height at which certificates contradict each other, and who is proven to have broken the protocol there.
//!
//! Invariant: nobody is named but by two messages that it signed, which stand as evidence by themselves; every certificate and polka is
//! checked under the set of its height before it counts.
//! Shape: block logs give certificates and polkas, guards the polkas of locks and what their own keys signed.
//! Source: `docs/spec/consensus.md`, "Accountability".

use data_encoding::HEXLOWER;
use falaj_consensus::accountability::Words;
use falaj_consensus::durable::{LogError, LogId, Position};
use falaj_consensus::hash;
use falaj_consensus::message::{CommitCertificate, Evidence, Header, Polka, SignBytes};
use falaj_consensus::types::{Height, ValidatorIndex};
use falaj_consensus::validator_set::ValidatorSet;
use falaj_consensus::verify::{Context, RealChecker, SignedStatement, VerifyError};
use falaj_hsm::guard::{Record, StatementState};
use serde_json::{Value, json};
use std::collections::BTreeSet;
use std::path::{Path, PathBuf};
use std::sync::Arc;

use crate::shell::cli::inspect::chain::Chain;
use crate::shell::cli::inspect::look::Look;
use crate::shell::cli::inspect::replay::Replay;
use crate::shell::cli::inspect::{text, words};
use crate::shell::cli::{Failure, Scene, print};

/// Compares the chains of the homes, and says who forked them if they differ.
pub(super) fn show(scene: &Scene, homes: &[PathBuf]) -> Result<(), Failure> {
    let looks: Result<Vec<_>, Failure> = homes
        .iter()
        .map(|home| {
            let (home, json) = (home.clone(), scene.json);
            Look::at(&Scene { home, json })
        })
        .collect();
    let looks = looks?;
    same_chain(homes, &looks)?;
    let chains: Result<Vec<_>, Failure> = looks.iter().map(Chain::read).collect();
    let stores: Vec<Store<'_>> = homes
        .iter()
        .zip(chains?)
        .map(|(home, chain)| Store { home, chain })
        .collect();
    let (view, forked) = match first_fork(&stores)? {
        None => (whole(&stores), false),
        Some(height) => (Fork::at(height, &stores)?.view(), true),
    };
    if scene.json {
        print::json(&view);
    } else {
        text(&view, 0);
    }
    if forked {
        Err(Failure::new(Failure::CHECK, "the report says what is wrong").told())
    } else {
        Ok(())
    }
}

struct Store<'a> {
    home: &'a Path,
    chain: Chain<'a>,
}

fn same_chain(homes: &[PathBuf], looks: &[Look]) -> Result<(), Failure> {
    let mut all = homes.iter().zip(looks);
    let Some((first_home, first)) = all.next() else {
        return Ok(());
    };
    match all.find(|(_, look)| look.genesis.hash() != first.genesis.hash()) {
        None => Ok(()),
        Some((home, _)) => {
            let text = format!(
                "{} and {} are of different chains: their genesis differ",
                first_home.display(),
                home.display()
            );
            Err(Failure::new(Failure::CONFIG, text))
        }
    }
}

impl Store<'_> {
    /// Every certificate of a height, those included that contradict the first.
    fn certificates(&self, height: Height) -> Result<Vec<CommitCertificate>, Failure> {
        let recorded = self.chain.recorded(height);
        let places = recorded.certificates.iter().chain(&recorded.conflicting);
        places.map(|at| self.chain.certificate(*at)).collect()
    }

    fn polkas(&self, height: Height) -> Result<Vec<Polka>, Failure> {
        let places = self.chain.recorded(height).polkas;
        places.into_iter().map(|at| self.chain.polka(at)).collect()
    }

    fn headers(&self, height: Height) -> Result<Vec<Header>, Failure> {
        let places = self.chain.recorded(height).proposed;
        let read = places.into_iter().map(|(at, _)| self.chain.proposed(at));
        read.map(|block| block.map(|(header, _)| header)).collect()
    }

    /// The records of the guard; none where the home holds no guard.
    fn guard(&self) -> Result<Vec<Record>, Failure> {
        let look = self.chain.look;
        let view = match look.log(LogId::Guard) {
            Ok(view) => view,
            Err(LogError::Missing { .. }) => return Ok(Vec::new()),
            Err(error) => return Err(look.failed(LogId::Guard, error)),
        };
        let mut records = Vec::new();
        for record in view.iter_from(Position::START) {
            let (position, bytes) = record.map_err(|error| look.failed(LogId::Guard, error))?;
            let record = Record::decode(&bytes);
            let none = || look.not_a_record(&view, LogId::Guard, position);
            records.push(record.map_err(|_| none())?);
        }
        Ok(records)
    }

    fn lies(&self, what: &str, height: Height, error: VerifyError) -> Failure {
        let home = self.home.display();
        let text =
            format!("{home} holds a {what} of height {height} that does not verify: {error}");
        Failure::new(Failure::DATA, text)
    }
}

/// The first height at which the stores hold certificates of different blocks or outcomes.
fn first_fork(stores: &[Store<'_>]) -> Result<Option<Height>, Failure> {
    let heights: BTreeSet<Height> = stores
        .iter()
        .flat_map(|store| store.chain.heights())
        .collect();
    for height in heights {
        let mut decided = BTreeSet::new();
        for store in stores {
            let certificates = store.certificates(height)?.into_iter();
            decided.extend(certificates.map(|certificate| (certificate.id, certificate.outcome)));
        }
        if decided.len() > 1 {
            return Ok(Some(height));
        }
    }
    Ok(None)
}

/// What is said where nothing contradicts anything.
fn whole(stores: &[Store<'_>]) -> Value {
    let stores = stores.iter().map(|store| {
        let heights = store.chain.heights();
        let decided =
            heights.filter(|height| !store.chain.recorded(*height).certificates.is_empty());
        let last = decided.last().map(Height::get);
        json!({"home": store.home, "height": last})
    });
    json!({"forked": false, "stores": stores.collect::<Vec<_>>()})
}

/// A height with certificates that contradict each other.
struct Fork<'a> {
    height: Height,
    set: Arc<ValidatorSet>,
    certificates: Vec<(&'a Path, CommitCertificate)>,
    words: Words,
}

impl<'a> Fork<'a> {
    fn at(height: Height, stores: &'a [Store<'a>]) -> Result<Self, Failure> {
        let mut fork = Self {
            height,
            set: set_of(height, stores)?,
            certificates: Vec::new(),
            words: Words::of(height),
        };
        for store in stores {
            fork.take(store)?;
        }
        Ok(fork)
    }

    fn take(&mut self, store: &'a Store<'a>) -> Result<(), Failure> {
        let (height, set) = (self.height, Arc::clone(&self.set));
        let chain = store.chain.look.genesis.chain();
        let context = Context {
            chain: &chain,
            set: &set,
            checker: &RealChecker,
        };
        for certificate in store.certificates(height)? {
            let checked = context.certificate(certificate.clone());
            let checked = checked.map_err(|error| store.lies("certificate", height, error))?;
            self.words.certificate(&checked);
            self.certificates.push((store.home, certificate));
        }
        for polka in store.polkas(height)? {
            let checked = context.polka(polka);
            let checked = checked.map_err(|error| store.lies("polka", height, error))?;
            self.words.polka(&checked);
        }
        let headers = store.headers(height)?;
        for record in store.guard()? {
            self.guarded(&context, &headers, record)
                .map_err(|error| store.lies("record of the guard", height, error))?;
        }
        Ok(())
    }

    /// What a guard recorded: the polka of a lock, and a statement that its key signed.
    fn guarded(
        &mut self,
        context: &Context<'_>,
        headers: &[Header],
        record: Record,
    ) -> Result<(), VerifyError> {
        if record.height != self.height {
            return Ok(());
        }
        if let Some(polka) = record.polka {
            self.words.polka(&context.polka(polka)?);
        }
        let signed = record
            .signature
            .zip(record.sign_bytes)
            .filter(|_| record.state == Some(StatementState::Signed));
        let member = member_of(&self.set, record.key_fingerprint.bytes());
        if let (Some((signature, bytes)), Some(validator)) = (signed, member) {
            let Ok((_, statement)) = SignBytes::parse(context.chain, bytes.as_slice()) else {
                return Ok(());
            };
            let signed = context.statement(SignedStatement {
                validator,
                statement,
                signature,
            })?;
            let header = headers
                .iter()
                .find(|header| Some(header.id()) == statement.block());
            let proposal = header.and_then(|header| signed.clone().into_proposal(header.clone()));
            proposal.iter().for_each(|own| self.words.proposal(own));
            signed
                .into_vote()
                .iter()
                .for_each(|own| self.words.vote(own));
        }
        Ok(())
    }

    fn view(&self) -> Value {
        let culprits = self.words.culprits();
        let power = |named: &mut dyn Iterator<Item = &ValidatorIndex>| {
            named.fold(0, |sum: u128, index| {
                sum.saturating_add(self.set.power(*index))
            })
        };
        let named = power(&mut culprits.keys());
        let bearable = self.set.fault_power_max();
        let certificates = self.certificates.iter().map(|(home, certificate)| {
            let signers = certificate.signers.iter().map(|signer| self.id(signer));
            json!({
                "home": home,
                "round": certificate.round.get(),
                "id": certificate.id.to_string(),
                "outcome": certificate.outcome.to_string(),
                "signers": signers.collect::<Vec<_>>(),
            })
        });
        let shown = culprits
            .iter()
            .map(|(index, proof)| self.culprit(*index, proof));
        json!({
            "forked": true,
            "height": self.height.get(),
            "certificates": certificates.collect::<Vec<_>>(),
            "culprits": shown.collect::<Vec<_>>(),
            "power": {
                "total": self.set.total_power().to_string(),
                "bearable": bearable.to_string(),
                "named": named.to_string(),
            },
            "accounts_for_it": named > bearable,
        })
    }

    fn culprit(&self, index: ValidatorIndex, proof: &Evidence) -> Value {
        let (first, second) = proof.statements();
        json!({
            "validator": self.id(index),
            "index": index.get(),
            "power": self.set.power(index).to_string(),
            "kind": proof.key().kind.name(),
            "statements": [words(&first), words(&second)],
            "evidence": proof.id().to_hex(),
            "proof": HEXLOWER.encode(&hash::encode(proof)),
        })
    }

    fn id(&self, index: ValidatorIndex) -> Option<u32> {
        self.set.get(index).map(|member| member.id.get())
    }
}

fn member_of(set: &ValidatorSet, fingerprint: &[u8]) -> Option<ValidatorIndex> {
    let keys = set.members().iter();
    let mut fingerprints = keys.map(|member| member.key.fingerprint());
    let at = fingerprints.position(|of| of.bytes() == fingerprint)?;
    u16::try_from(at).ok().map(ValidatorIndex::new)
}

/// The set of a height up to which the stores agree: that of the genesis where a header says so, or else what executing the chain fixed.
fn set_of(height: Height, stores: &[Store<'_>]) -> Result<Arc<ValidatorSet>, Failure> {
    for store in stores {
        let genesis = &store.chain.look.genesis.validators;
        let headers = store.headers(height)?;
        if headers
            .iter()
            .any(|header| header.set_hash == genesis.hash())
        {
            return Ok(Arc::new(genesis.clone()));
        }
    }
    let mut last = None;
    for store in stores {
        let before = height.previous().unwrap_or_default();
        match Replay::from_genesis(&store.chain)?.state_after(before) {
            Ok(state) => return Ok(state.validators_at(height)),
            Err(failure) => last = Some(failure),
        }
    }
    Err(last
        .unwrap_or_else(|| Failure::new(Failure::DATA, "no store holds the chain up to the fork")))
}

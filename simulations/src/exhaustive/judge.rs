//! The oracles of a search: they see what instances do, and share no code with what they judge.
//!
//! Agreement is judged by what was *said*, before anybody decides: as soon as so many correct validators have precommitted a block
//! that the faulty one's vote would make a certificate, no other block may ever get as many, in whatever round. Whether anybody was
//! sent those votes does not matter, so it is stronger than comparing decisions, which is done too.
//! Invariant: only correct instances are judged.
//! Errors: the first [`Finding`] counts.
//! Source: `docs/spec/consensus.md`, "Lock, guard and restart"; `docs/simulation.md`, "Oracles".

use std::collections::BTreeMap;

use falaj_consensus::message::{CommitCertificate, Evidence, Kind, PrecommitValue, Statement};
use falaj_consensus::types::{Round, ValidatorIndex};

use super::words::{short, statement_in_words};
use super::{Act, VALIDATORS};
use crate::run::PANIC;

/// What an oracle found.
#[derive(Clone, Debug, PartialEq, Eq, PartialOrd, Ord)]
pub struct Finding {
    /// Which oracle.
    pub oracle: &'static str,
    /// What is wrong.
    pub what: String,
}

impl Finding {
    /// Something wrong.
    #[must_use]
    pub const fn new(oracle: &'static str, what: String) -> Self {
        Self { oracle, what }
    }

    /// An assertion of what is searched does not hold.
    #[must_use]
    pub(crate) fn broken_belief() -> Self {
        let what = "a broken belief: an assertion of what is searched does not hold";
        Self::new(PANIC, what.to_owned())
    }
}

/// What was said and decided so far.
#[derive(Clone, Debug)]
pub struct Judge {
    faulty: ValidatorIndex,
    said: BTreeMap<(ValidatorIndex, Round, Kind), Statement>,
    /// The block that a certificate can be made for, with the round.
    certifiable: Option<(Round, PrecommitValue)>,
    decided: Option<PrecommitValue>,
}

impl Judge {
    /// Nothing was said yet; one validator may do anything.
    #[must_use]
    pub const fn new(faulty: ValidatorIndex) -> Self {
        Self {
            faulty,
            said: BTreeMap::new(),
            certifiable: None,
            decided: None,
        }
    }

    /// What correct validators said, in order of validator, round and kind.
    pub fn statements(&self) -> impl Iterator<Item = (ValidatorIndex, &Statement)> {
        let said = self.said.iter();
        said.map(|((by, _, _), statement)| (*by, statement))
    }

    /// Judges what an instance of a validator did.
    ///
    /// # Errors
    /// What is wrong with it.
    pub fn observe(&mut self, by: ValidatorIndex, act: &Act) -> Result<(), Finding> {
        if by == self.faulty {
            return Ok(());
        }
        match act {
            Act::Said(statement) => self.said(by, statement),
            Act::Decided(certificate) => self.decided(by, certificate),
            Act::Proved(evidence) => self.proved(by, evidence),
            Act::Wrong(what) => {
                let what = format!("validator {by} is correct, and {what}");
                Err(Finding::new("alarms", what))
            }
            Act::Sent { .. } | Act::Wants { .. } => Ok(()),
        }
    }

    fn said(&mut self, by: ValidatorIndex, statement: &Statement) -> Result<(), Finding> {
        let place = (by, statement.round(), statement.kind());
        let first = *self.said.entry(place).or_insert(*statement);
        if first != *statement {
            let (first, second) = (statement_in_words(&first), statement_in_words(statement));
            let what = format!("validator {by} is correct and said {first} and {second}");
            return Err(Finding::new("double sign", what));
        }
        match statement {
            Statement::Precommit {
                round,
                value: Some(value),
                ..
            } => self.precommitted(*round, *value),
            Statement::Proposal { .. }
            | Statement::Prevote { .. }
            | Statement::Precommit { value: None, .. } => Ok(()),
        }
    }

    fn precommitted(&mut self, round: Round, value: PrecommitValue) -> Result<(), Finding> {
        let correct = self.precommits(round, value).count();
        if !is_quorum(correct + 1) {
            return Ok(());
        }
        let (before, first) = *self.certifiable.get_or_insert((round, value));
        if first == value {
            return Ok(());
        }
        let (first, second) = (short(first.id), short(value.id));
        let what = format!(
            "blocks {first} in round {before} and {second} in round {round} each lack only the faulty validator's precommit"
        );
        Err(Finding::new("agreement", what))
    }

    /// The correct validators that precommitted a value in a round.
    fn precommits(
        &self,
        round: Round,
        value: PrecommitValue,
    ) -> impl Iterator<Item = ValidatorIndex> + '_ {
        let said = self.said.iter().filter(move |((_, at, _), statement)| {
            matches!(statement, Statement::Precommit { value: Some(said), .. } if *at == round && *said == value)
        });
        said.map(|((by, _, _), _)| *by)
    }

    fn decided(
        &mut self,
        by: ValidatorIndex,
        certificate: &CommitCertificate,
    ) -> Result<(), Finding> {
        self.check(certificate)?;
        let value = value_of(certificate);
        let first = *self.decided.get_or_insert(value);
        if first == value {
            return Ok(());
        }
        let (first, second) = (short(first.id), short(value.id));
        let what = format!("validator {by} decided {second}, another decided {first}");
        Err(Finding::new("agreement", what))
    }

    /// A certificate has distinct members, a quorum, and no correct member that did not say so.
    fn check(&self, certificate: &CommitCertificate) -> Result<(), Finding> {
        let (round, value) = (certificate.round, value_of(certificate));
        let signers: Vec<_> = certificate.signers.iter().collect();
        let is_known = |signer: &ValidatorIndex| {
            *signer == self.faulty || self.precommits(round, value).any(|by| by == *signer)
        };
        let distinct = signers.is_sorted_by(|a, b| a < b);
        if distinct && is_quorum(signers.len()) && signers.iter().all(is_known) {
            return Ok(());
        }
        let what = format!(
            "the certificate of {} in round {round} by {signers:?} is none",
            short(value.id)
        );
        Err(Finding::new("certificates", what))
    }

    fn proved(&self, by: ValidatorIndex, evidence: &Evidence) -> Result<(), Finding> {
        let offender = evidence.key().validator;
        if offender == self.faulty {
            return Ok(());
        }
        let what = format!("validator {offender} is correct, and {by} proves it an offence");
        Err(Finding::new("alarms", what))
    }
}

const fn value_of(certificate: &CommitCertificate) -> PrecommitValue {
    PrecommitValue {
        id: certificate.id,
        outcome: certificate.outcome,
    }
}

/// More than two thirds of four, by the oracle's own arithmetic.
const fn is_quorum(validators: usize) -> bool {
    3 * validators > 2 * VALIDATORS as usize
}

#[cfg(test)]
mod tests;

//! What a node says became of a transaction, and what of it was checked.
//!
//! Invariant: with a genesis at hand, the receipt is what is told and the node's words are not; without, that is said.
//! Exit codes: 0 executed, or admitted without waiting; 1 not executed, with the ledger's code; 69 still open after the wait, or unknown.

use falaj_ledger::bundle::{VerifiedBundle, VerifiedReceipt};
use falaj_ledger::genesis::Genesis;
use falaj_ledger::rejection::{FINAL_ADVICE, Rejection};
use falaj_ledger::transaction::TxKey;
use serde::Deserialize;
use serde_json::Value;

use super::draft::Draft;
use super::sending::not_final;
use crate::shell::cli::client::Answer;
use crate::shell::cli::names::of_key;
use crate::shell::cli::print::row;
use crate::shell::cli::proof::{self, Proof};
use crate::shell::cli::time::utc;
use crate::shell::cli::{Failure, Scene, print};

/// What the API says of a transaction, as far as it is used.
#[derive(Debug, Deserialize)]
struct View {
    state: String,
    #[serde(rename = "final")]
    is_final: bool,
    #[serde(default)]
    replay: bool,
    code: Option<u16>,
    height: Option<u64>,
    index: Option<u32>,
    time_us: Option<u64>,
    proof: Option<Value>,
}

/// An answer.
pub(super) struct Told<'a> {
    key: TxKey,
    view: View,
    raw: Value,
    proof: Option<(Proof<'a>, VerifiedReceipt)>,
    /// What the request itself adds: the proposal it makes, and whether the receipt is of an earlier one under its id.
    notes: Vec<(&'static str, String)>,
    /// Whether the receipt is of another body than the one that was submitted.
    of_another: bool,
}

impl<'a> Told<'a> {
    /// Reads an answer, and checks its receipt if there is one and the genesis is at hand.
    pub(super) fn read(
        answer: &Answer,
        key: TxKey,
        genesis: Option<&'a Genesis>,
    ) -> Result<Self, Failure> {
        let raw: Value = answer.json()?;
        let view: View = answer.json()?;
        let proof = match (&view.proof, genesis) {
            (Some(bundle), Some(genesis)) => Some(checked(bundle, key, genesis)?),
            (Some(_) | None, _) => None,
        };
        Ok(Self {
            key,
            view,
            raw,
            proof,
            notes: Vec::new(),
            of_another: false,
        })
    }

    /// Adds what is known of the request that was answered.
    pub(super) fn of_request(mut self, draft: &Draft) -> Self {
        let proposal = draft.proposal().map(|id| ("proposal", id.to_string()));
        self.notes.extend(proposal);
        let other = |(_, receipt): &(Proof<'_>, VerifiedReceipt)| !receipt.is_of(draft.body());
        if self.proof.as_ref().is_some_and(other) {
            let text =
                "the receipt is of an earlier request under this id, signed for another window";
            self.notes.push(("note", text.into()));
            self.of_another = true;
        }
        self
    }

    /// Tells it, and ends with its exit code.
    pub(super) fn conclude(&self, scene: &Scene, waited: bool) -> Result<(), Failure> {
        if scene.json {
            print::json(&self.to_json());
        } else {
            self.lines().iter().for_each(|line| print::line(line));
        }
        match self.failure(waited) {
            None => Ok(()),
            Some(failure) if scene.json => Err(failure.told()),
            Some(failure) => Err(failure),
        }
    }

    fn failure(&self, waited: bool) -> Option<Failure> {
        match self.state() {
            "executed" => None,
            "failed" | "skipped" if self.of_another && !self.is_final() => {
                Some(not_final(self.key))
            }
            "failed" | "skipped" => Some(self.not_executed()),
            "admitted" | "included" if !waited => None,
            _ => Some(not_final(self.key)),
        }
    }

    fn not_executed(&self) -> Failure {
        let code = self.rejection();
        let text = code.map_or_else(|| self.state().to_owned(), |code| code.to_string());
        let failure = Failure::new(Failure::CHECK, format!("not executed: {text}"));
        match code {
            Some(_) if self.is_final() => failure.fix(FINAL_ADVICE),
            Some(code) => failure.fix(code.class().advice()),
            None => failure,
        }
    }

    /// `executed`, `failed`, `skipped`, `included`, `admitted` or `unknown`; by the receipt, if it was checked.
    fn state(&self) -> &str {
        use falaj_ledger::receipt::Verdict;
        match &self.proof {
            None => &self.view.state,
            Some((_, found)) => match found.receipt.verdict {
                Verdict::Executed => "executed",
                Verdict::Failed { .. } => "failed",
                Verdict::Skipped { .. } => "skipped",
            },
        }
    }

    fn is_final(&self) -> bool {
        match &self.proof {
            None => self.view.is_final,
            Some((_, found)) => found.receipt.verdict.is_final(),
        }
    }

    fn rejection(&self) -> Option<Rejection> {
        match &self.proof {
            Some((_, found)) => found.receipt.verdict.rejection(),
            None => self.view.code.and_then(Rejection::from_code),
        }
    }

    fn to_json(&self) -> Value {
        let mut object = self.raw.clone();
        object["transaction"] = of_key(self.key).into();
        object["checked"] = self.proof.is_some().into();
        for (word, fact) in &self.notes {
            object[*word] = fact.clone().into();
        }
        object
    }

    fn lines(&self) -> Vec<String> {
        let mut lines = match &self.proof {
            Some((proof, _)) => proof.lines(),
            None => self.words(),
        };
        if self.view.replay {
            lines.push(row("replay", "this is the answer to an earlier request"));
        }
        lines.extend(self.notes.iter().map(|(word, fact)| row(word, fact)));
        lines
    }

    /// The node's word.
    fn words(&self) -> Vec<String> {
        let view = &self.view;
        let end = if view.is_final { "final" } else { "not final" };
        let code = self.rejection().map(|code| format!(", {code}"));
        let state = format!("{}, {end}{}", view.state, code.unwrap_or_default());
        let mut lines = vec![row("transaction", &of_key(self.key)), row("state", &state)];
        if let (Some(height), Some(index), Some(time_us)) = (view.height, view.index, view.time_us)
        {
            let block = format!("height {height}, index {index}, at {}", utc(time_us));
            lines.push(row("block", &block));
        }
        if view.proof.is_some() {
            let text = "this node's word; name the chain's genesis with --genesis to check it";
            lines.push(row("not checked", text));
        }
        lines
    }
}

fn checked<'a>(
    bundle: &Value,
    key: TxKey,
    genesis: &'a Genesis,
) -> Result<(Proof<'a>, VerifiedReceipt), Failure> {
    let proof = proof::check(&proof::of_api(bundle)?, genesis)?;
    let VerifiedBundle::Receipt(receipt) = proof.verified else {
        return Err(proof::other("other-subject", "the node gave no receipt"));
    };
    if receipt.receipt.key != key {
        let text = format!(
            "the node gave the receipt of {}",
            of_key(receipt.receipt.key)
        );
        return Err(proof::other("other-subject", text));
    }
    Ok((proof, receipt))
}

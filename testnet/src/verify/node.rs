//! One node's logs, re-executed.

use anyhow::Result;
use falaj_consensus::durable::{FolderLock, OsDisk, Position};
use falaj_consensus::message::{Body, Header};
use falaj_consensus::types::{BlockId, ChainContext, OutcomeHash, ValidatorId};
use falaj_consensus::verify::{Context, RealChecker};
use falaj_ledger::genesis::Genesis;
use falaj_ledger::state::State;
use falaj_ledger::supply::audit;
use falaj_node::core::JobTools;
use falaj_node::storage::{DecidedRecord, NodeLogs, RecoveredLogs};
use std::path::Path;

use super::rules::Parent;
use super::start::Start;
use super::{Decided, History, NodeReport, copy, start};

/// Re-executes the logs of a data folder from genesis, or from the snapshot that they begin with.
///
/// # Errors
/// When there is no room for copies. Logs that cannot be read, and a snapshot that does not hold, are a problem of this node alone.
pub(super) fn verify(name: &str, data: &Path, genesis: &Genesis) -> Result<History> {
    let folder = tempfile::tempdir()?;
    let mut history = History {
        report: NodeReport {
            name: name.into(),
            ..NodeReport::default()
        },
        ..History::default()
    };
    let copied = copy::logs(data, folder.path());
    let opened = copied.and_then(|()| open(folder.path(), genesis));
    let read = opened.and_then(|logs| {
        let found = logs.scan()?;
        let start = start::of(genesis, data, &found)?;
        Ok((logs, found, start))
    });
    match read {
        Ok((logs, found, start)) => Replay::new(genesis, &logs, &found, start).run(&mut history),
        Err(error) => history.problem = Some(chain_of(&error)),
    }
    Ok(history)
}

/// The last height of a data folder's logs, which may have grown since they were re-executed.
///
/// # Errors
/// When the logs cannot be copied or read.
pub(super) fn height(data: &Path, genesis: &Genesis) -> Result<u64> {
    let folder = tempfile::tempdir()?;
    copy::logs(data, folder.path())?;
    Ok(open(folder.path(), genesis)?.scan()?.height().get())
}

/// Opens logs that nobody else has.
fn open(folder: &Path, genesis: &Genesis) -> Result<NodeLogs<OsDisk>> {
    let lock = FolderLock::acquire(folder)?;
    let disk = |log| OsDisk::subfolder(&lock, log);
    Ok(NodeLogs::open(
        disk("block")?,
        disk("batch")?,
        genesis.hash(),
    )?)
}

/// A height that was re-executed.
struct Step {
    decided: Decided,
    transactions: u64,
    /// Who precommitted.
    signers: Vec<ValidatorId>,
}

struct Replay<'a> {
    chain: ChainContext,
    logs: &'a NodeLogs<OsDisk>,
    found: &'a RecoveredLogs,
    state: State,
    parent: (BlockId, OutcomeHash),
    snapshot: Option<Decided>,
}

impl<'a> Replay<'a> {
    fn new(
        genesis: &Genesis,
        logs: &'a NodeLogs<OsDisk>,
        found: &'a RecoveredLogs,
        start: Start,
    ) -> Self {
        Self {
            chain: genesis.chain(),
            logs,
            found,
            state: start.state,
            parent: start.parent,
            snapshot: start.snapshot,
        }
    }

    fn run(mut self, history: &mut History) {
        if let Some(snapshot) = self.snapshot {
            history.before = self.state.height().get().saturating_sub(1);
            history.blocks.push(snapshot);
        }
        while self.state.height() < self.found.height() {
            match self.step() {
                Ok(step) => {
                    history.blocks.push(step.decided);
                    history.report.transactions += step.transactions;
                    let height = self.state.height();
                    let signers = step.signers.into_iter().map(|signer| (signer, height));
                    history.signed.extend(signers);
                }
                Err(error) => {
                    history.problem = Some(format!(
                        "height {}: {}",
                        self.state.height().next(),
                        chain_of(&error)
                    ));
                    break;
                }
            }
        }
        self.sum_up(history);
    }

    fn step(&mut self) -> Result<Step> {
        let height = self.state.height().next();
        let DecidedRecord {
            header,
            body,
            certificate,
            batches_at,
            ..
        } = self.logs.decided(self.found, height)?;
        let set = self.state.validators_at(height);
        self.check_block(&header, &body)?;
        self.check_batches(&body, &batches_at)?;
        anyhow::ensure!(
            certificate.id == header.id(),
            "the certificate is of another block"
        );
        anyhow::ensure!(
            header.round <= certificate.round,
            "it was certified in round {}, before round {} of its first proposal",
            certificate.round.get(),
            header.round.get()
        );
        let context = Context {
            chain: &self.chain,
            set: &set,
            checker: &RealChecker,
        };
        let certificate = context.certificate(certificate)?.into_inner();
        let signers = certificate
            .signers
            .iter()
            .filter_map(|index| set.get(index));
        let signers = signers.map(|member| member.id).collect();
        let rules = self.state.rules();
        let tools = JobTools {
            checker: &RealChecker,
            rules: &rules,
        };
        let block = self
            .logs
            .replay(self.found, &self.state, Header::FEATURES_KNOWN, tools)?;
        let decided = Decided {
            id: block.id,
            outcome: block.executed.outcome.hash(),
        };
        self.state = block.executed.state.clone();
        self.parent = (decided.id, decided.outcome);
        Ok(Step {
            decided,
            transactions: u64::from(header.transactions),
            signers,
        })
    }

    fn check_block(&self, header: &Header, body: &Body) -> Result<()> {
        let (id, outcome) = self.parent;
        let parent = Parent {
            genesis_hash: self.chain.genesis_hash,
            state: &self.state,
            id,
            outcome,
        };
        parent.check(header, body)
    }

    fn check_batches(&self, body: &Body, places: &[Position]) -> Result<()> {
        for (reference, at) in body.batches.iter().zip(places) {
            let digest = reference.digest;
            anyhow::ensure!(
                self.logs.reference_at(*at)? == Some(*reference),
                "the batch {digest} is not as the body names it"
            );
        }
        Ok(())
    }

    fn sum_up(&self, history: &mut History) {
        history.report.height = self.state.height().get();
        history.report.state_root = self.state.root().to_hex();
        match audit(&self.state) {
            Ok(supplies) => {
                let entries = supplies.entries().iter();
                let named = entries.map(|entry| {
                    (
                        String::from_utf8_lossy(&entry.currency).into_owned(),
                        entry.minor_units.to_string(),
                    )
                });
                history.report.supply_minor_units = named.collect();
            }
            Err(breach) => {
                history
                    .problem
                    .get_or_insert(format!("the money does not add up: {breach}"));
            }
        }
    }
}

fn chain_of(error: &anyhow::Error) -> String {
    error
        .chain()
        .map(ToString::to_string)
        .collect::<Vec<_>>()
        .join(": ")
}

#[cfg(test)]
mod tests;

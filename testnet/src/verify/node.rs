//! One node's logs, re-executed.

use anyhow::Result;
use falaj_consensus::durable::{FolderLock, OsDisk};
use falaj_consensus::message::Header;
use falaj_consensus::types::{BlockId, ChainContext, Height, OutcomeHash};
use falaj_consensus::verify::{Context, RealChecker};
use falaj_ledger::genesis::Genesis;
use falaj_ledger::state::State;
use falaj_ledger::supply::audit;
use falaj_node::core::JobTools;
use falaj_node::storage::{DecidedRecord, NodeLogs, RecoveredLogs};
use std::path::Path;

use super::{Decided, History, NodeReport, copy};

/// Re-executes the logs of a data folder from genesis.
///
/// # Errors
/// When the logs cannot be copied or genesis does not add up.
pub(super) fn verify(name: &str, data: &Path, genesis: &Genesis) -> Result<History> {
    let folder = tempfile::tempdir()?;
    copy::logs(data, folder.path())?;
    let lock = FolderLock::acquire(folder.path())?;
    let disk = |log| OsDisk::subfolder(&lock, log);
    let mut history = History {
        report: NodeReport {
            name: name.into(),
            ..NodeReport::default()
        },
        ..History::default()
    };
    let opened = NodeLogs::open(disk("block")?, disk("batch")?, genesis.hash());
    let read = opened
        .map_err(Into::into)
        .and_then(|logs| Ok((logs.scan()?, logs)));
    match read {
        Ok((found, logs)) => Replay::new(genesis, &logs, &found)?.run(&mut history),
        Err(error) => history.problem = Some(chain_of(&error)),
    }
    Ok(history)
}

struct Replay<'a> {
    chain: ChainContext,
    logs: &'a NodeLogs<OsDisk>,
    found: &'a RecoveredLogs,
    state: State,
    parent: (BlockId, OutcomeHash),
}

impl<'a> Replay<'a> {
    fn new(
        genesis: &Genesis,
        logs: &'a NodeLogs<OsDisk>,
        found: &'a RecoveredLogs,
    ) -> Result<Self> {
        let opened = State::open(genesis)?;
        let parent = (BlockId::default(), opened.outcome.hash());
        Ok(Self {
            chain: genesis.chain(),
            logs,
            found,
            state: opened.state,
            parent,
        })
    }

    fn run(mut self, history: &mut History) {
        while self.state.height() < self.found.height() {
            match self.step() {
                Ok((decided, transactions)) => {
                    history.blocks.push(decided);
                    history.report.transactions += transactions;
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

    fn step(&mut self) -> Result<(Decided, u64)> {
        let height = self.state.height().next();
        let DecidedRecord {
            header,
            body,
            certificate,
            ..
        } = self.logs.decided(self.found, height)?;
        let set = self.state.validators_at(height);
        self.check_header(&header, height)?;
        anyhow::ensure!(header.names(&body), "the header does not name this body");
        anyhow::ensure!(
            certificate.id == header.id(),
            "the certificate is of another block"
        );
        let context = Context {
            chain: &self.chain,
            set: &set,
            checker: &RealChecker,
        };
        context.certificate(certificate)?;
        let rules = self.state.rules();
        let tools = JobTools {
            checker: &RealChecker,
            rules: &rules,
        };
        let block = self.logs.replay(self.found, &self.state, tools)?;
        let decided = Decided {
            id: block.id,
            outcome: block.executed.outcome.hash(),
        };
        self.state = block.executed.state.clone();
        self.parent = (decided.id, decided.outcome);
        Ok((decided, u64::from(header.transactions)))
    }

    /// That the header follows from the block before, and from the state that it left.
    fn check_header(&self, header: &Header, height: Height) -> Result<()> {
        let (parent_id, parent_outcome) = self.parent;
        let set_hash = self.state.validators_at(height).hash();
        let rules = [
            (header.version == Header::VERSION, "version"),
            (header.genesis_hash == self.chain.genesis_hash, "genesis"),
            (header.height == height, "height"),
            (header.parent_id == parent_id, "parent"),
            (
                header.parent_outcome == parent_outcome,
                "outcome of the parent",
            ),
            (header.time_us > self.state.time_us(), "time"),
            (header.set_hash == set_hash, "validator set"),
        ];
        let wrong = rules.iter().find(|(holds, _)| !holds);
        wrong.map_or(Ok(()), |(_, what)| {
            anyhow::bail!("the header states another {what}")
        })
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
                history.report.supply = named.collect();
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

//! Work that the replica hands out because it is slow: checking signatures and executing blocks.
//!
//! Invariant: a job is a pure function of what it carries; any thread may run it, in any order, and a panic inside execution is caught.
//! The host runs it with the network's [`Checker`] and gives the result back as an input.
//! Source: `docs/spec/dissemination.md`, "Jobs"; `docs/spec/consensus.md`, "Execution".

mod batches;

use falaj_consensus::message::{Body, CommitCertificate, Evidence, Header, Polka, Proposal, Vote};
use falaj_consensus::mutated;
use falaj_consensus::types::{BatchDigest, BlockId, ChainContext};
use falaj_consensus::validator_set::ValidatorSet;
use falaj_consensus::verify::{Checker, Context, Verified};
use falaj_ledger::block::BlockInput;
use falaj_ledger::execute::{Executed, execute};
use falaj_ledger::rejection::Rejection;
use falaj_ledger::state::State;
use falaj_ledger::validate::{CheckedTx, Rules, check_batch as check_transactions};
use std::panic::{AssertUnwindSafe, catch_unwind};
use std::sync::Arc;

use super::batches::CheckedBatch;
use super::effect::PeerFault;
use super::input::{Sent, Ticket};
use batches::Arrived;

/// What every check of one height stands on.
#[derive(Clone, Debug, PartialEq, Eq, Hash)]
pub struct HeightContext {
    /// Identity of the chain.
    pub chain: Arc<ChainContext>,
    /// The validator set of the height.
    pub set: Arc<ValidatorSet>,
}

/// Signatures to check.
#[derive(Clone, Debug, PartialEq, Eq, Hash)]
pub enum VerifyJob {
    /// A proposal, with what travelled beside it.
    Proposal {
        /// Who sent it.
        from: Sent,
        /// Own wall clock when it came.
        received_us: u64,
        /// The height's set.
        context: HeightContext,
        /// The proposal.
        proposal: Box<Proposal>,
        /// Polka of its valid round.
        polka: Option<Box<Polka>>,
        /// The body.
        body: Arc<Body>,
    },
    /// Votes of one height.
    Votes {
        /// Who sent them.
        from: Sent,
        /// The height's set.
        context: HeightContext,
        /// The votes.
        votes: Vec<Vote>,
    },
    /// A polka.
    Polka {
        /// Who sent it.
        from: Sent,
        /// The height's set.
        context: HeightContext,
        /// The polka.
        polka: Box<Polka>,
    },
    /// A commit certificate, with its block if the sender gave one.
    Certificate {
        /// Who sent it.
        from: Sent,
        /// The height's set.
        context: HeightContext,
        /// The certificate.
        certificate: Box<CommitCertificate>,
        /// Header and body.
        block: Option<Box<(Header, Arc<Body>)>>,
    },
    /// A batch as its author closed it.
    Batch {
        /// Who sent it, `None` when it was read from our own log.
        from: Option<Sent>,
        /// Its name.
        digest: BatchDigest,
        /// Its bytes.
        encoded: Arc<[u8]>,
    },
    /// The inline tail of a body.
    Inline {
        /// The block.
        id: BlockId,
        /// The body.
        body: Arc<Body>,
    },
    /// The evidence of a body, each piece with the set of its height.
    BlockEvidence {
        /// The block.
        id: BlockId,
        /// The pieces.
        pieces: Vec<(HeightContext, Evidence)>,
    },
    /// A piece of evidence.
    Evidence {
        /// Who sent it.
        from: Sent,
        /// The set of its height.
        context: HeightContext,
        /// The piece.
        evidence: Box<Evidence>,
    },
    /// Transactions that clients sent.
    Submitted(Vec<(Ticket, Vec<u8>)>),
}

/// What a [`VerifyJob`] found.
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum VerifyResult {
    /// The proposal is signed by the validator it names.
    Proposal {
        /// Who sent it.
        from: Sent,
        /// Own wall clock when it came.
        received_us: u64,
        /// The proposal.
        proposal: Box<Verified<Proposal>>,
        /// Polka of its valid round.
        polka: Option<Box<Verified<Polka>>>,
        /// The body.
        body: Arc<Body>,
    },
    /// Those of the votes that are signed; `wrong` says how many are not.
    Votes {
        /// Who sent them.
        from: Sent,
        /// The good ones.
        votes: Vec<Verified<Vote>>,
        /// How many are wrong.
        wrong: u32,
    },
    /// A polka.
    Polka {
        /// Who sent it.
        from: Sent,
        /// The polka.
        polka: Box<Verified<Polka>>,
    },
    /// A certificate.
    Certificate {
        /// Who sent it.
        from: Sent,
        /// The certificate.
        certificate: Box<Verified<CommitCertificate>>,
        /// Header and body.
        block: Option<Box<(Header, Arc<Body>)>>,
    },
    /// A batch.
    Batch {
        /// Who sent it, `None` when it was read from our own log.
        from: Option<Sent>,
        /// The batch.
        batch: Arc<CheckedBatch>,
    },
    /// The inline tail of a body; `None` if a transaction of it is malformed or wrongly signed.
    Inline {
        /// The block.
        id: BlockId,
        /// The transactions.
        transactions: Option<Vec<Arc<CheckedTx>>>,
    },
    /// The evidence of a body: whether every piece proves what it says.
    BlockEvidence {
        /// The block.
        id: BlockId,
        /// Whether they do.
        is_right: bool,
    },
    /// A piece of evidence.
    Evidence {
        /// Who sent it.
        from: Sent,
        /// The piece.
        evidence: Box<Verified<Evidence>>,
    },
    /// Transactions that clients sent.
    Submitted(Vec<(Ticket, Result<Arc<CheckedTx>, Rejection>)>),
    /// A peer sent what is not what it says.
    Wrong {
        /// Who sent it, `None` when it was read from our own log.
        from: Option<Sent>,
        /// The batch it was sent as, if it was one.
        batch: Option<BatchDigest>,
        /// What kind of thing.
        fault: PeerFault,
    },
}

/// What jobs need besides what they carry.
#[derive(Clone, Copy)]
pub struct JobTools<'a> {
    /// The arithmetic of signatures.
    pub checker: &'a dyn Checker,
    /// The ledger's rules for the bytes of a transaction.
    pub rules: &'a Rules,
}

impl VerifyJob {
    /// Does the work.
    #[must_use]
    pub fn run(self, tools: JobTools<'_>) -> VerifyResult {
        match self {
            Self::Proposal {
                from,
                received_us,
                context,
                proposal,
                polka,
                body,
            } => verify_proposal(tools, &context, *proposal, polka).map_or(
                VerifyResult::Wrong {
                    from: Some(from),
                    batch: None,
                    fault: PeerFault::Proposal,
                },
                |(proposal, polka)| VerifyResult::Proposal {
                    from,
                    received_us,
                    proposal,
                    polka,
                    body,
                },
            ),
            Self::Votes {
                from,
                context,
                votes,
            } => verify_votes(tools, from, &context, votes),
            Self::Polka {
                from,
                context,
                polka,
            } => match context.with(tools).polka(*polka) {
                Ok(polka) => VerifyResult::Polka {
                    from,
                    polka: Box::new(polka),
                },
                Err(_) => VerifyResult::Wrong {
                    from: Some(from),
                    batch: None,
                    fault: PeerFault::Polka,
                },
            },
            Self::Certificate {
                from,
                context,
                certificate,
                block,
            } => match context.with(tools).certificate(*certificate) {
                Ok(certificate) => VerifyResult::Certificate {
                    from,
                    certificate: Box::new(certificate),
                    block,
                },
                Err(_) => VerifyResult::Wrong {
                    from: Some(from),
                    batch: None,
                    fault: PeerFault::Certificate,
                },
            },
            Self::Batch {
                from,
                digest,
                encoded,
            } => {
                let arrived = Arrived {
                    from,
                    digest,
                    encoded,
                };
                let results = batches::verify(tools, vec![arrived]);
                results
                    .into_iter()
                    .next()
                    .expect("one result for one batch")
            }
            Self::Inline { id, body } => {
                let checked = check_transactions(tools.rules, tools.checker, &body.inline);
                let transactions = checked.into_iter().map(Result::ok).collect();
                VerifyResult::Inline { id, transactions }
            }
            Self::BlockEvidence { id, pieces } => {
                let proves = |(context, evidence): (HeightContext, Evidence)| {
                    context.with(tools).evidence(evidence).is_ok()
                };
                let is_right = mutated!(EvidenceUnverified) || pieces.into_iter().all(proves);
                VerifyResult::BlockEvidence { id, is_right }
            }
            Self::Evidence {
                from,
                context,
                evidence,
            } => match context.with(tools).evidence(*evidence) {
                Ok(evidence) => VerifyResult::Evidence {
                    from,
                    evidence: Box::new(evidence),
                },
                Err(_) => VerifyResult::Wrong {
                    from: Some(from),
                    batch: None,
                    fault: PeerFault::Evidence,
                },
            },
            Self::Submitted(submitted) => {
                let (tickets, bytes): (Vec<_>, Vec<_>) = submitted.into_iter().unzip();
                let checked = check_transactions(tools.rules, tools.checker, &bytes);
                VerifyResult::Submitted(tickets.into_iter().zip(checked).collect())
            }
        }
    }
}

impl HeightContext {
    fn with<'a>(&'a self, tools: JobTools<'a>) -> Context<'a> {
        Context {
            chain: &self.chain,
            set: &self.set,
            checker: tools.checker,
        }
    }
}

type CheckedProposal = (Box<Verified<Proposal>>, Option<Box<Verified<Polka>>>);

fn verify_proposal(
    tools: JobTools<'_>,
    context: &HeightContext,
    proposal: Proposal,
    polka: Option<Box<Polka>>,
) -> Option<CheckedProposal> {
    let context = context.with(tools);
    let proposal = context.proposal(proposal).ok()?;
    let polka = match polka {
        Some(polka) => Some(Box::new(context.polka(*polka).ok()?)),
        None => None,
    };
    Some((Box::new(proposal), polka))
}

fn verify_votes(
    tools: JobTools<'_>,
    from: Sent,
    context: &HeightContext,
    votes: Vec<Vote>,
) -> VerifyResult {
    let sent = votes.len();
    let votes: Vec<_> = context
        .with(tools)
        .votes(votes)
        .into_iter()
        .filter_map(Result::ok)
        .collect();
    let wrong = u32::try_from(sent - votes.len()).unwrap_or(u32::MAX);
    VerifyResult::Votes { from, votes, wrong }
}

/// A block to execute on the state of its parent.
#[derive(Clone, Debug)]
pub struct ExecuteJob {
    /// The block.
    pub id: BlockId,
    /// The state of its parent.
    pub state: State,
    /// Header and transactions.
    pub block: BlockInput,
}

/// What execution gave; `None` if it panicked, which is caught: there is no outcome and no precommit.
#[derive(Clone, Debug)]
pub struct ExecuteResult {
    /// The block.
    pub id: BlockId,
    /// State, receipts and outcome.
    pub executed: Option<Box<Executed>>,
}

/// Another outcome for each node that executes a block.
#[cfg(feature = "mutations")]
fn depends_on_node(mut executed: Executed) -> Executed {
    if falaj_consensus::mutated!(ExecutionDependsOnNode) {
        executed.outcome.events = falaj_consensus::mutation::turn();
    }
    executed
}

impl ExecuteJob {
    /// Does the work.
    #[must_use]
    pub fn run(self) -> ExecuteResult {
        let Self { id, state, block } = self;
        let executed = catch_unwind(AssertUnwindSafe(|| execute(&state, &block))).ok();
        #[cfg(feature = "mutations")]
        let executed = executed.map(depends_on_node);
        ExecuteResult {
            id,
            executed: executed.map(Box::new),
        }
    }
}

//! Issues and redemptions for one bank, each proposed, approved by two persons and executed.
//!
//! Invariant: what customers pay in is issued before it is paid out to them, under a quorum of its own or of its group, and a redemption
//! takes only what has reached the reserve. What waits at the same time is one proposal of the sum; if the ledger refuses that, each is
//! proposed alone, so nobody is refused for his neighbour. The rules of the ledger are untouched: each proposal has one amount, one
//! reserve account, one RTGS reference and its own approvals.
//! Source: `docs/spec/ledger.md`, "Proposals" and "Issue and redeem".

use anyhow::{Context as _, Result};
use falaj_ledger::amount::Amount;
use falaj_ledger::participant::ParticipantNumber;
use falaj_ledger::proposal::{Action, ProposalId, SupplyChange};
use falaj_ledger::reference::Reference;
use falaj_ledger::transaction::{Flags, Op, Propose};
use std::sync::Arc;
use std::sync::atomic::{AtomicU64, Ordering};
use tokio::sync::mpsc::{UnboundedReceiver, UnboundedSender, unbounded_channel};
use tokio::sync::{Semaphore, oneshot};

use super::desk::{Desk, Verdict};
use crate::economy::{CENTRAL_BANK, ISSUER, REDEEMER, THRESHOLD, currency, reserve_of};
use crate::keys::{SoftKey, random};

/// Groups of one bank that are under way at a time; while they are, the next one fills.
const GROUPS_AT_ONCE: usize = 4;

/// Which way money goes.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) enum Change {
    /// Into the reserve account.
    Issue,
    /// Out of it.
    Redeem,
}

/// A window at which issues, or redemptions, of a bank are asked for.
#[derive(Clone)]
pub(super) struct Supply {
    wanted: UnboundedSender<Wanted>,
}

struct Wanted {
    amount: Amount,
    verdict: oneshot::Sender<Verdict>,
}

/// Who decides, for whom, and how many may be one proposal.
struct Window {
    desk: Arc<Desk>,
    bank: ParticipantNumber,
    change: Change,
    group_max: usize,
    proposals: Arc<AtomicU64>,
}

impl Supply {
    /// Opens it. Every proposal that is made is counted.
    #[must_use]
    pub(super) fn open(
        desk: Arc<Desk>,
        bank: ParticipantNumber,
        change: Change,
        group_max: usize,
        proposals: Arc<AtomicU64>,
    ) -> Self {
        let (wanted, waiting) = unbounded_channel();
        let window = Window {
            desk,
            bank,
            change,
            group_max,
            proposals,
        };
        tokio::spawn(serve(Arc::new(window), waiting));
        Self { wanted }
    }

    /// Asks for an amount, and waits until it is issued or redeemed.
    ///
    /// # Errors
    /// When the window is closed, because something could not be signed.
    pub(super) async fn settle(&self, amount: Amount) -> Result<Verdict> {
        let (verdict, answer) = oneshot::channel();
        // If the window is closed, the answer says so.
        drop(self.wanted.send(Wanted { amount, verdict }));
        answer.await.context("the bank's window is closed")
    }
}

async fn serve(window: Arc<Window>, mut waiting: UnboundedReceiver<Wanted>) {
    let room = Arc::new(Semaphore::new(GROUPS_AT_ONCE));
    let mut next = None;
    loop {
        let Ok(place) = Arc::clone(&room).acquire_owned().await else {
            return;
        };
        let first = match next.take() {
            Some(wanted) => wanted,
            None => match waiting.recv().await {
                Some(wanted) => wanted,
                None => return,
            },
        };
        let group = gather(first, &mut next, window.group_max, || {
            waiting.try_recv().ok()
        });
        let window = Arc::clone(&window);
        tokio::spawn(async move {
            // What is not answered closes the window for whoever waits.
            drop(window.settle(group).await);
            drop(place);
        });
    }
}

/// What waits, as far as it fits one proposal; what does not fit is the first of the next.
fn gather(
    first: Wanted,
    next: &mut Option<Wanted>,
    group_max: usize,
    mut more: impl FnMut() -> Option<Wanted>,
) -> Vec<Wanted> {
    let (mut sum, mut group) = (first.amount, vec![first]);
    while group.len() < group_max
        && let Some(wanted) = more()
    {
        match sum.checked_add(wanted.amount) {
            Some(larger) => sum = larger,
            None => {
                *next = Some(wanted);
                break;
            }
        }
        group.push(wanted);
    }
    group
}

impl Window {
    async fn settle(&self, group: Vec<Wanted>) -> Result<()> {
        let mut amounts = group.iter().map(|wanted| wanted.amount);
        let sum = amounts.try_fold(Amount::ZERO, Amount::checked_add);
        let sum = sum.context("a group whose sum fits")?;
        let verdict = self.change(sum).await?;
        let refused = verdict.is_err() && group.len() > 1;
        for wanted in group {
            let own = if refused {
                self.change(wanted.amount).await?
            } else {
                verdict
            };
            // Whoever asked may have given up.
            let _: Result<(), Verdict> = wanted.verdict.send(own);
        }
        Ok(())
    }

    /// One proposal: made by the bank, approved by two persons, executed by the bank.
    async fn change(&self, amount: Amount) -> Result<Verdict> {
        self.proposals.fetch_add(1, Ordering::Relaxed);
        let (desk, bank) = (&self.desk, self.bank);
        let proposal =
            desk.wallet
                .signed(bank, &[desk.wallet.key(bank)?], self.proposal(amount)?)?;
        let id = ProposalId::new(proposal.body.content_hash().hash());
        if let Err(code) = desk.settle(proposal.into()).await {
            return Ok(Err(code));
        }
        let approval = desk
            .wallet
            .sign(CENTRAL_BANK, &self.persons(), Op::Approve(id))?;
        if let Err(code) = desk.settle(approval).await {
            return Ok(Err(code));
        }
        desk.alone(bank, Op::Execute(id)).await
    }

    fn proposal(&self, amount: Amount) -> Result<Op> {
        let reference = data_encoding::HEXUPPER.encode(&random::<16>()?);
        let change = SupplyChange {
            currency: currency(),
            account: reserve_of(self.bank),
            amount,
            rtgs_reference: Reference::new(&reference).context("a reference of 32 letters")?,
        };
        let (authority, action) = match self.change {
            Change::Issue => (ISSUER, Action::Issue(change)),
            Change::Redeem => (REDEEMER, Action::Redeem(change)),
        };
        Ok(Op::Propose(Propose {
            authority,
            action,
            flags: Flags::NONE,
        }))
    }

    /// As many as must approve.
    fn persons(&self) -> Vec<&SoftKey> {
        let persons = match self.change {
            Change::Issue => &self.desk.persons.issuers,
            Change::Redeem => &self.desk.persons.redeemers,
        };
        persons.iter().take(usize::from(THRESHOLD)).collect()
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn wanted(units: u64) -> Wanted {
        let amount = Amount::new(units).unwrap();
        let (verdict, _) = oneshot::channel();
        Wanted { amount, verdict }
    }

    fn gathered(units: &[u64], group_max: usize) -> (Vec<u64>, Option<u64>) {
        let mut rest = units[1..].iter().map(|units| wanted(*units));
        let mut next = None;
        let group = gather(wanted(units[0]), &mut next, group_max, || rest.next());
        let units = |wanted: &Wanted| wanted.amount.get();
        (group.iter().map(units).collect(), next.as_ref().map(units))
    }

    #[test]
    fn a_group_is_what_waits_up_to_its_size() {
        assert_eq!(gathered(&[1, 2, 3], 8), (vec![1, 2, 3], None));
        assert_eq!(gathered(&[1, 2, 3], 2), (vec![1, 2], None));
        assert_eq!(gathered(&[1, 2, 3], 1), (vec![1], None));
    }

    // Goal: a proposal is never of more than one amount can be, and nothing that waits is lost for it.
    #[test]
    fn a_group_never_sums_above_the_greatest_amount() {
        let most = Amount::MAX.get();
        assert_eq!(gathered(&[most - 1, 1, 5], 8), (vec![most - 1, 1], Some(5)));
        assert_eq!(gathered(&[most, 1], 8), (vec![most], Some(1)));
    }
}

//! Caps, shares and turns of the pool.

use falaj_ledger::testing::{BANK_A, BANK_B, Ledger, Who, account, genesis, transfer};
use falaj_ledger::transaction::Op;

use super::*;

/// Payments to make.
struct Payments(Ledger);

impl Payments {
    fn new() -> Self {
        Self(Ledger::new(&genesis()))
    }

    /// Another payment of a bank; all are as long.
    fn of(&mut self, bank: ParticipantNumber) -> Arc<CheckedTx> {
        let payment = Op::Transfer(transfer(account(BANK_A, 1), account(BANK_B, 1), 5));
        self.0.tx(bank, payment, &[Who::Participant(bank)])
    }
}

/// No cap is met before a hundred transactions.
const fn roomy() -> MempoolLimits {
    MempoolLimits {
        transactions_max: 1_000,
        bytes_max: 1_000_000,
        participant_transactions_max: 1_000,
        participant_bytes_max: 1_000_000,
        reserved_percent: 10,
    }
}

/// How many payments of a bank a lane takes, and why not one more.
fn fill(
    pool: &mut Mempool,
    payments: &mut Payments,
    lane: Lane,
    bank: ParticipantNumber,
) -> (u32, Full) {
    for taken in 0.. {
        let before = pool.clone();
        if let Err(full) = pool.insert(lane, payments.of(bank)) {
            assert_eq!(*pool, before);
            return (taken, full);
        }
    }
    unreachable!("a pool has caps")
}

// docs/spec/dissemination.md, "Mempool": a key waits once.
#[test]
fn a_transaction_waits_once() {
    let (mut pool, mut payments) = (Mempool::new(roomy()), Payments::new());
    let payment = payments.of(BANK_A);
    assert_eq!(pool.insert(Lane::Retail, Arc::clone(&payment)), Ok(()));
    assert_eq!(
        pool.insert(Lane::Interbank, Arc::clone(&payment)),
        Err(Full::InFlight)
    );
    assert!(pool.contains(&payment.key()));
    assert_eq!((pool.len(), pool.bytes()), (1, length(&payment)));
    assert_eq!(pool.take(Lane::Retail, 9, 9_999), [Arc::clone(&payment)]);
    assert!(pool.is_empty() && pool.bytes() == 0 && !pool.contains(&payment.key()));
    assert_eq!(pool.insert(Lane::Retail, payment), Ok(()));
}

// docs/spec/dissemination.md, "Mempool": each lane keeps a tenth of the pool's transactions to itself.
#[test]
fn a_lane_never_takes_the_transactions_kept_for_another() {
    let limits = MempoolLimits {
        transactions_max: 100,
        ..roomy()
    };
    let (mut pool, mut payments) = (Mempool::new(limits), Payments::new());
    let others = [Lane::Governance, Lane::Interbank];
    assert_eq!(
        fill(&mut pool, &mut payments, Lane::Retail, BANK_A),
        (80, Full::Pool)
    );
    for lane in others {
        assert_eq!(
            fill(&mut pool, &mut payments, lane, BANK_B),
            (10, Full::Pool)
        );
    }
    assert_eq!(pool.len(), 100);
}

// docs/spec/dissemination.md, "Mempool": and of its bytes.
#[test]
fn a_lane_never_takes_the_bytes_kept_for_another() {
    let mut payments = Payments::new();
    let limits = MempoolLimits {
        bytes_max: 100 * length(&payments.of(BANK_A)),
        ..roomy()
    };
    let mut pool = Mempool::new(limits);
    assert_eq!(
        fill(&mut pool, &mut payments, Lane::Retail, BANK_A),
        (80, Full::Pool)
    );
    for lane in [Lane::Governance, Lane::Interbank] {
        assert_eq!(
            fill(&mut pool, &mut payments, lane, BANK_B),
            (10, Full::Pool)
        );
    }
    assert_eq!(pool.bytes(), limits.bytes_max);
}

// docs/spec/dissemination.md, "Mempool": a participant has a quota in each lane, in transactions and in bytes.
#[test]
fn a_participant_at_its_quota_leaves_the_others_theirs() {
    let mut payments = Payments::new();
    let bytes = length(&payments.of(BANK_A));
    let by_count = MempoolLimits {
        participant_transactions_max: 7,
        ..roomy()
    };
    let by_bytes = MempoolLimits {
        participant_bytes_max: 7 * bytes,
        ..roomy()
    };
    for limits in [by_count, by_bytes] {
        let mut pool = Mempool::new(limits);
        for lane in Lane::ALL {
            for bank in [BANK_A, BANK_B] {
                assert_eq!(
                    fill(&mut pool, &mut payments, lane, bank),
                    (7, Full::Participant)
                );
            }
        }
        // What leaves makes room for as much.
        assert_eq!(pool.take(Lane::Retail, 2, 9_999).len(), 2);
        for bank in [BANK_A, BANK_B] {
            assert_eq!(
                fill(&mut pool, &mut payments, Lane::Retail, bank),
                (1, Full::Participant)
            );
        }
    }
}

// docs/spec/dissemination.md, "Mempool": within a lane participants take turns, each first in, first out.
#[test]
fn participants_take_turns() {
    let (mut pool, mut payments) = (Mempool::new(roomy()), Payments::new());
    let many: Vec<_> = (0..4).map(|_| payments.of(BANK_A)).collect();
    let few: Vec<_> = (0..2).map(|_| payments.of(BANK_B)).collect();
    for payment in many.iter().chain(&few) {
        pool.insert(Lane::Retail, Arc::clone(payment)).unwrap();
    }
    let turns = [&many[0], &few[0], &many[1], &few[1], &many[2], &many[3]];
    // A turn goes on where the last batch left it.
    let mut taken = pool.take(Lane::Retail, 3, u64::MAX);
    taken.extend(pool.take(Lane::Retail, 9, u64::MAX));
    assert!(taken.iter().eq(turns));
}

// What does not fit any more waits for the next batch, and nothing overtakes it.
#[test]
fn a_batch_takes_no_more_bytes_than_it_may() {
    let (mut pool, mut payments) = (Mempool::new(roomy()), Payments::new());
    let three: Vec<_> = (0..3).map(|_| payments.of(BANK_A)).collect();
    for payment in &three {
        pool.insert(Lane::Retail, Arc::clone(payment)).unwrap();
    }
    let bytes = length(&three[0]);
    assert_eq!(pool.take(Lane::Retail, 9, 3 * bytes - 1), three[..2]);
    assert_eq!(pool.lane_bytes(Lane::Retail), bytes);
    assert_eq!(pool.take(Lane::Retail, 9, bytes), three[2..]);
}

// What left for a block that was not decided was counted before: no cap drops it.
#[test]
fn what_is_given_back_always_finds_room() {
    let limits = MempoolLimits {
        participant_transactions_max: 2,
        ..roomy()
    };
    let (mut pool, mut payments) = (Mempool::new(limits), Payments::new());
    fill(&mut pool, &mut payments, Lane::Retail, BANK_A);
    let gone = pool.take(Lane::Retail, 2, u64::MAX);
    fill(&mut pool, &mut payments, Lane::Retail, BANK_A);
    for payment in gone.iter().chain(&gone) {
        pool.give_back(Lane::Retail, Arc::clone(payment));
    }
    assert_eq!(pool.len(), 4);
    let bytes: u64 = gone.iter().map(|payment| length(payment)).sum();
    assert_eq!(pool.bytes(), 2 * bytes);
}

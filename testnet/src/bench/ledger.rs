//! The ledger alone: payments checked and executed by one thread of this process, without network, consensus or disk.
//!
//! Two floors. The first is one signature's check in a full batch: nobody who settles payments can leave it out, so it says what share of
//! a payment's necessary cost its execution adds. The second is hashing: each payment changes two accounts and adds an id and a receipt,
//! all four are leaves of trees whose roots are certified, and a leaf costs at least its own hash and one node above it, eight hashes of
//! 64 bytes in all; a whole tree costs more, so this floor is lower than any ledger with these roots can reach.
//! Units: microseconds of CPU of the one thread, for a payment.
//! Source: `docs/spec/ledger.md`, "Execution"; `docs/spec/state-root.md`.

use anyhow::{Result, ensure};
use falaj_consensus::hash::sha256;
use falaj_consensus::types::{Round, ValidatorIndex};
use falaj_consensus::verify::RealChecker;
use falaj_ledger::block::BlockInput;
use falaj_ledger::execute::execute;
use falaj_ledger::receipt::Verdict;
use falaj_ledger::state::State;
use falaj_ledger::validate::{CheckedTx, Rules, check_batch};
use serde::Serialize;
use std::sync::Arc;
use std::time::{SystemTime, UNIX_EPOCH};

use super::cost;
use super::drive::payment;
use super::numbers::{Spread, ratio, to_thousandths};
use super::plan::Depth;
use super::stage::Stage;
use crate::load::Chance;
use crate::manifest::read_genesis;

/// Payments that are checked together.
const SLICE: usize = 512;
/// Payments of a block.
const BLOCK: usize = 1_000;
/// Hashes of 64 bytes that a payment takes at least.
const HASHES: f64 = 8.0;
/// Hashes of a measurement, which is repeated.
const HASH_COUNT: u32 = 50_000;
const HASH_REPEATS: usize = 7;

/// What the ledger alone costs.
#[derive(Clone, Debug, Serialize)]
pub struct LedgerReport {
    /// Payments that were executed.
    pub payments: usize,
    /// Payments of a block.
    pub payments_per_block: usize,
    /// Executed payments a second of one thread's CPU.
    #[serde(serialize_with = "to_thousandths")]
    pub executed_per_cpu_s: f64,
    /// Payments checked and executed, a second of one thread's CPU.
    #[serde(serialize_with = "to_thousandths")]
    pub settled_per_cpu_s: f64,
    /// CPU of decoding and checking one payment.
    #[serde(serialize_with = "to_thousandths")]
    pub check_us: f64,
    /// CPU of executing one payment, over the blocks.
    pub execute_us: Option<Spread>,
    /// CPU of the hashes that a payment takes at least.
    #[serde(serialize_with = "to_thousandths")]
    pub hash_floor_us: f64,
    /// Execution by one payment's check.
    pub execute_to_check: Option<f64>,
    /// Execution by the hashes.
    pub execute_to_hashes: Option<f64>,
}

/// Checks and executes payments of a network's genesis.
pub(super) fn measure(stage: &Stage, depth: &Depth) -> Result<LedgerReport> {
    let genesis = read_genesis(&stage.network().genesis)?;
    let mut chance = Chance::new(3);
    let payments = (0..depth.ledger_payments).map(|_| payment(stage.wallet(), &mut chance));
    let bytes = payments
        .map(|signed| signed.map(|signed| signed.bytes))
        .collect::<Result<Vec<_>>>()?;
    let (check_us, checked) = check(&Rules::of_genesis(&genesis), &bytes)?;
    let each_us = run(State::open(&genesis)?.state, &checked)?;
    let mean_us = each_us.iter().sum::<f64>() / each_us.len() as f64;
    let hash_floor_us = HASHES * hash_us();
    Ok(LedgerReport {
        payments: bytes.len(),
        payments_per_block: BLOCK,
        executed_per_cpu_s: 1e6 / mean_us,
        settled_per_cpu_s: 1e6 / (mean_us + check_us),
        check_us,
        execute_us: Spread::of(each_us),
        hash_floor_us,
        execute_to_check: ratio(mean_us, check_us),
        execute_to_hashes: ratio(mean_us, hash_floor_us),
    })
}

fn check(rules: &Rules, bytes: &[bytes::Bytes]) -> Result<(f64, Vec<Arc<CheckedTx>>)> {
    let (mut all_us, mut checked) = (0.0, Vec::new());
    for slice in bytes.chunks(SLICE) {
        let (us, verdicts) = cost::of(|| check_batch(rules, &RealChecker, slice));
        all_us += us;
        for verdict in verdicts {
            let right = verdict
                .map_err(|rejection| anyhow::anyhow!("a payment was refused: {rejection:?}"))?;
            checked.push(right);
        }
    }
    Ok((all_us / bytes.len() as f64, checked))
}

/// CPU of a payment, block by block.
fn run(mut state: State, payments: &[Arc<CheckedTx>]) -> Result<Vec<f64>> {
    let now = SystemTime::now().duration_since(UNIX_EPOCH)?;
    let first_us = u64::try_from(now.as_micros())?;
    let mut each_us = Vec::new();
    for (time_us, block) in (first_us..).zip(payments.chunks(BLOCK)) {
        let input = BlockInput {
            height: state.height().next(),
            time_us,
            header_round: Round::new(0),
            proposer: ValidatorIndex::new(0),
            transactions: block.to_vec(),
            offences: Vec::new(),
        };
        let (us, executed) = cost::of(|| execute(&state, &input));
        ensure!(
            executed
                .receipts
                .iter()
                .all(|receipt| receipt.verdict == Verdict::Executed),
            "a payment of the ledger alone was not executed"
        );
        each_us.push(us / block.len() as f64);
        state = executed.state;
    }
    Ok(each_us)
}

/// CPU of one hash of 64 bytes: the least of several measurements, as a floor has to be.
fn hash_us() -> f64 {
    let once = || {
        let (us, last) = cost::of(|| {
            (0..HASH_COUNT).fold([0x5a_u8; 64], |mut node, _| {
                let hash = sha256(&node);
                node[..32].copy_from_slice(hash.bytes());
                node
            })
        });
        std::hint::black_box(last);
        us / f64::from(HASH_COUNT)
    };
    (0..HASH_REPEATS)
        .map(|_| once())
        .fold(f64::INFINITY, f64::min)
}

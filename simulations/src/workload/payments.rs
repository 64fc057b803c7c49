//! Payments: from any account to any other of its currency, some of which cannot all succeed.

use falaj_ledger::amount::Amount;
use falaj_ledger::transaction::{Flags, Op, SignedTx, Transfer, TxBody};

use super::making::Maker;
use super::pick;
use crate::chance::{Draw, Word};
use crate::economy::OwnedAccount;
use crate::types::{Ppm, SimTime};

/// Nearly all that an account has at first: two such payments at once cannot both succeed.
const NEARLY_ALL: (u64, u64) = (400_000, 1_000_000);

/// A payment, signed by the holder of the account that pays.
pub(super) fn payment(
    maker: &mut Maker,
    accounts: &[OwnedAccount],
    at: SimTime,
    (draw, hot): (&Draw, Ppm),
) -> (SignedTx, OwnedAccount) {
    let (payer, payee) = sides(accounts, draw, hot);
    let amount = if draw.word(2).below(8) == 0 {
        draw.word(3).within(NEARLY_ALL.0, NEARLY_ALL.1)
    } else {
        draw.word(3).log_uniform(1, 100_000)
    };
    let op = transfer(payer, payee, amount);
    let body = maker.body(at, draw.word(4), payer.participant, op);
    let signers = maker.economy.signers(&payer);
    (maker.signed(body, &signers), payer)
}

/// Something else under the same id: another amount, by the same holder.
pub(super) fn rival(maker: &Maker, of: &TxBody, payer: &OwnedAccount) -> Option<SignedTx> {
    let Op::Transfer(transfer) = &of.op else {
        return None;
    };
    let amount = Amount::new(transfer.amount.get() + 1)?;
    let other = Transfer {
        amount,
        ..transfer.clone()
    };
    let body = TxBody {
        op: Op::Transfer(other),
        ..of.clone()
    };
    let signers = maker.economy.signers(payer);
    Some(maker.signed(body, &signers))
}

/// Who pays whom: now and then the one hot account another.
fn sides(accounts: &[OwnedAccount], draw: &Draw, hot: Ppm) -> (OwnedAccount, OwnedAccount) {
    let is_hot = draw.word(5).happens(hot);
    let payer = if is_hot {
        accounts[0]
    } else {
        pick(accounts, draw.word(0))
    };
    let payees: Vec<_> = accounts
        .iter()
        .filter(|account| account.currency == payer.currency && account.id != payer.id)
        .copied()
        .collect();
    let word = if is_hot { Word::new(0) } else { draw.word(1) };
    (payer, pick(&payees, word))
}

fn transfer(payer: OwnedAccount, payee: OwnedAccount, amount: u64) -> Op {
    Op::Transfer(Transfer {
        debit: payer.id,
        credit: payee.id,
        currency: payer.currency,
        amount: Amount::new(amount).expect("below 2^63"),
        max_fee: Amount::ZERO,
        code: 0,
        credit_participant: None,
        expected_version: None,
        references: Default::default(),
        flags: Flags::NONE,
    })
}

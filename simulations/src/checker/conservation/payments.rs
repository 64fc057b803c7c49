//! Accounts that are opened, and transfers between them, in the books.
//!
//! Source: `docs/spec/ledger.md`, "Open account" and "Transfer".

use falaj_ledger::account::AccountKind;
use falaj_ledger::participant::Roles;
use falaj_ledger::transaction::{OpenAccount, Transfer};

use super::answer::{self, First, No};
use super::books::{AMOUNT_MAX, Book, Books, Call};

impl Books {
    pub(super) fn open_account(&mut self, call: Call<'_>, open: &OpenAccount) -> Result<(), No> {
        self.own_keys(call)?;
        let number = call.submitter();
        let roles = self.participant(number).map(|submitter| submitter.roles);
        let has_role = roles
            .zip(role(open.kind))
            .is_some_and(|(roles, role)| roles.bits() & role.bits() != 0);
        if !has_role || open.account.bytes()[..4] != number.to_be_bytes() {
            return Err(No::Entitled(answer::ROLE));
        }
        if !self.money.contains_key(&open.currency.bytes()) {
            return Err(No::Entitled(answer::CURRENCY));
        }
        if let Some(there) = self.accounts.get(&open.account) {
            let code = if is_same(there, open) {
                answer::EXISTS
            } else {
                answer::EXISTS_DIFFERENT
            };
            let (place, none) = (there.opened, None);
            return Err(No::Skip(code, Some(First { place, code: none })));
        }
        let book = Book {
            currency: open.currency,
            kind: open.kind,
            participant: number,
            controllers: open.controllers.clone(),
            kyc: open.kyc,
            debits: 0,
            credits: 0,
            version: 0,
            opened: call.place,
        };
        self.open(open.account, book);
        Ok(())
    }

    pub(super) fn transfer(&mut self, call: Call<'_>, transfer: &Transfer) -> Result<(), No> {
        let number = call.submitter();
        let Some(payer) = self.accounts.get(&transfer.debit) else {
            let missing = answer::NO_DEBIT_ACCOUNT;
            return Err(if call.any_signer(|key| self.speaks(number, key, call)) {
                No::Entitled(missing)
            } else {
                No::Stranger(missing)
            });
        };
        self.controllers(call, payer)?;
        self.check_transfer(number, transfer, payer)
            .map_err(No::Entitled)?;
        let amount = transfer.amount.get();
        self.book(transfer.debit, transfer.credit, amount);
        Ok(())
    }

    fn check_transfer(&self, number: u32, transfer: &Transfer, payer: &Book) -> Result<(), u16> {
        let payee = self
            .accounts
            .get(&transfer.credit)
            .ok_or(answer::NO_CREDIT_ACCOUNT)?;
        let sides = [payer, payee];
        let amount = i128::from(transfer.amount.get());
        let is_other_version = transfer
            .expected_version
            .is_some_and(|version| version != payer.version);
        let is_other_payee = transfer
            .credit_participant
            .is_some_and(|expected| expected.get() != payee.participant);
        let uetr = transfer.references.uetr;
        if sides.iter().any(|book| book.kind == AccountKind::Issuance) {
            Err(answer::ROLE)
        } else if sides.iter().any(|book| book.currency != transfer.currency) {
            Err(answer::CURRENCY)
        } else if is_other_version || is_other_payee {
            Err(answer::VERSION)
        } else if uetr.is_some_and(|uetr| self.has_used(number, uetr)) {
            Err(answer::REFERENCE_USED)
        } else if payer.posted() < amount {
            Err(answer::FUNDS)
        } else if payee.posted() + amount > AMOUNT_MAX {
            Err(answer::OVERFLOW)
        } else {
            Ok(())
        }
    }
}

/// Who may open an account of a kind after genesis.
const fn role(kind: AccountKind) -> Option<Roles> {
    match kind {
        AccountKind::Issuance | AccountKind::Reserve => None,
        AccountKind::Government => Some(Roles::GOVERNMENT),
        AccountKind::Wholesale
        | AccountKind::Retail0
        | AccountKind::Retail1
        | AccountKind::Retail2
        | AccountKind::Retail3
        | AccountKind::Merchant => Some(Roles::INTERMEDIARY),
    }
}

fn is_same(there: &Book, open: &OpenAccount) -> bool {
    there.currency == open.currency
        && there.kind == open.kind
        && there.controllers == open.controllers
        && there.kyc == open.kyc
}

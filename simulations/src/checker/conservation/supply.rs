//! Proposals, approvals, vetoes, issues and redemptions, in the books.
//!
//! Source: `docs/spec/ledger.md`, "Proposals" and "Issue and redeem".

use falaj_consensus::crypto::PublicKey;
use falaj_ledger::account::AccountKind;
use falaj_ledger::authority::{ActionClass, Authority};
use falaj_ledger::proposal::{Action, SupplyChange};
use falaj_ledger::transaction::Propose;

use super::answer::{self, No};
use super::books::{AMOUNT_MAX, Book, Books, Call};
use super::rolling::Whose;

/// A proposal that was not executed.
#[derive(Clone, Debug)]
pub(super) struct Proposal {
    pub(super) expires_us: u64,
    authority: u32,
    action: Action,
    participant: u32,
    proposers: Vec<PublicKey>,
    made_us: u64,
    vetoed: bool,
    approvals: Vec<PublicKey>,
}

impl Books {
    pub(super) fn propose(&mut self, call: Call<'_>, propose: &Propose) -> Result<(), No> {
        let number = propose.authority.get();
        let authority = self.authorities.get(&number);
        let authority = authority.ok_or(No::Stranger(answer::ROLE))?;
        let by_authority = self.is_by_authority(call, authority);
        match &propose.action {
            Action::Issue(_) if by_authority => {}
            Action::Issue(change) | Action::Redeem(change) => {
                let account = self.accounts.get(&change.account);
                self.controllers(call, account.ok_or(No::skip(answer::ROLE))?)?;
            }
            Action::Parameters(_) | Action::Validators(_) | Action::Gate(_) if by_authority => {}
            Action::Parameters(_) | Action::Validators(_) | Action::Gate(_) => {
                return Err(No::skip(answer::ROLE));
            }
        }
        if authority.class != class_of(&propose.action) {
            return Err(No::Entitled(answer::ROLE));
        }
        self.check_proposed(call, &propose.action)
            .map_err(No::Entitled)?;
        let proposal = Proposal {
            expires_us: call.time_us + self.proposal_life_us,
            authority: number,
            action: propose.action.clone(),
            participant: call.submitter(),
            proposers: call.tx.tx().signers().cloned().collect(),
            made_us: call.time_us,
            vetoed: false,
            approvals: Vec::new(),
        };
        let id = call.tx.content_hash().hash();
        self.proposals.insert(*id.bytes(), proposal);
        Ok(())
    }

    /// What is looked at when something is proposed, before anybody approves it.
    fn check_proposed(&self, call: Call<'_>, action: &Action) -> Result<(), u16> {
        let height = call.place.0;
        match action {
            Action::Issue(change) | Action::Redeem(change) => {
                self.check_reference(change)?;
                self.reserve(action, change).map(|_| ())
            }
            Action::Parameters(change) => {
                let next = self.governing.next_parameters(height, change);
                next.map(|_| ())
            }
            Action::Validators(step) => self.governing.next_set(height, step).map(|_| ()),
            Action::Gate(change) => self.gates.check(height, change),
        }
    }

    pub(super) fn approve(&mut self, call: Call<'_>, id: &[u8; 32]) -> Result<(), No> {
        let (proposal, authority) = self.open_proposal(call, id)?;
        let is_member = |key: &PublicKey| authority.members.contains(key);
        if call.submitter() != authority.participant.get() || !call.all_signers(is_member) {
            return Err(No::skip(answer::ROLE));
        }
        let wrong = if call.any_signer(|key| proposal.proposers.contains(key)) {
            Some(answer::ROLE)
        } else if proposal.vetoed {
            Some(answer::VETOED)
        } else {
            let again = call.any_signer(|key| proposal.approvals.contains(key));
            again.then_some(answer::STALE)
        };
        if let Some(code) = wrong {
            return Err(No::Entitled(code));
        }
        let signers = call.tx.tx().signers().cloned();
        if let Some(proposal) = self.proposals.get_mut(id) {
            proposal.approvals.extend(signers);
        }
        Ok(())
    }

    pub(super) fn veto(&mut self, call: Call<'_>, id: &[u8; 32]) -> Result<(), No> {
        let (proposal, authority) = self.open_proposal(call, id)?;
        let may_veto = |key: &PublicKey| authority.vetoers.contains(key);
        if call.submitter() != authority.participant.get() || !call.all_signers(may_veto) {
            return Err(No::skip(answer::ROLE));
        }
        if proposal.vetoed {
            return Err(No::Entitled(answer::VETOED));
        }
        if let Some(proposal) = self.proposals.get_mut(id) {
            proposal.vetoed = true;
        }
        Ok(())
    }

    pub(super) fn execute(&mut self, call: Call<'_>, id: &[u8; 32]) -> Result<(), No> {
        let (proposal, authority) = self.open_proposal(call, id)?;
        let of_authority = call.submitter() == authority.participant.get();
        if of_authority && !self.is_by_authority(call, authority) {
            return Err(No::skip(answer::ROLE));
        }
        if !of_authority {
            if call.submitter() != proposal.participant {
                return Err(No::skip(answer::ROLE));
            }
            self.own_keys(call)?;
        }
        self.check_execution(call, proposal, authority)
            .map_err(No::Entitled)?;
        let (action, number) = (proposal.action.clone(), proposal.authority);
        self.proposals.remove(id);
        let height = call.place.0;
        match &action {
            Action::Issue(change) | Action::Redeem(change) => {
                self.move_supply(call, &action, change, number);
            }
            Action::Parameters(change) => {
                self.governing.decide_parameters(height, change.parameters);
            }
            Action::Validators(step) => {
                let next = self.governing.next_set(height, step);
                self.governing
                    .decide_set(height, next.map_err(No::Entitled)?);
            }
            Action::Gate(change) => self.gates.decide(change),
        }
        Ok(())
    }

    /// Signed in the authority's name, by its members or the participant's own keys.
    fn is_by_authority(&self, call: Call<'_>, authority: &Authority) -> bool {
        let number = authority.participant.get();
        let may =
            |key: &PublicKey| authority.members.contains(key) || self.speaks(number, key, call);
        call.submitter() == number && call.all_signers(may)
    }

    fn open_proposal(&self, call: Call<'_>, id: &[u8; 32]) -> Result<(&Proposal, &Authority), No> {
        let open = self
            .proposals
            .get(id)
            .filter(|proposal| call.time_us < proposal.expires_us);
        let found = open.and_then(|proposal| {
            let authority = self.authorities.get(&proposal.authority)?;
            Some((proposal, authority))
        });
        found.ok_or(No::Stranger(answer::STALE))
    }

    fn check_execution(
        &self,
        call: Call<'_>,
        proposal: &Proposal,
        authority: &Authority,
    ) -> Result<(), u16> {
        let counts =
            |key: &&PublicKey| authority.members.contains(key) && !proposal.proposers.contains(key);
        let approvals = proposal.approvals.iter().filter(counts).count();
        if proposal.vetoed {
            Err(answer::VETOED)
        } else if approvals < usize::from(authority.threshold) {
            Err(answer::QUORUM)
        } else if call.time_us < proposal.made_us + authority.delay_ms * 1_000 {
            Err(answer::DELAY)
        } else {
            match &proposal.action {
                Action::Issue(change) | Action::Redeem(change) => {
                    self.check_change(call, &proposal.action, change, authority)
                }
                Action::Parameters(_) | Action::Validators(_) | Action::Gate(_) => {
                    self.check_proposed(call, &proposal.action)
                }
            }
        }
    }

    fn check_change(
        &self,
        call: Call<'_>,
        action: &Action,
        change: &SupplyChange,
        authority: &Authority,
    ) -> Result<(), u16> {
        self.check_reference(change)?;
        let money = self.money.get(&change.currency.bytes());
        let money = money.ok_or(answer::CURRENCY)?;
        let amount = u128::from(change.amount.get());
        let (number, cap) = (authority.id.get(), authority.rolling_cap.get());
        let has_room = |whose, cap| self.rolling.has_room(whose, call.time_us, amount, cap);
        let is_issue = matches!(action, Action::Issue(_));
        if is_issue && money.supply + amount > money.cap {
            return Err(answer::CAP);
        }
        let currency = Whose::Currency(change.currency.bytes());
        if !has_room(Whose::Authority(number), cap)
            || is_issue && !has_room(currency, money.rolling_cap)
        {
            return Err(answer::CAP);
        }
        let posted = self.reserve(action, change)?.posted();
        let amount = i128::from(change.amount.get());
        match action {
            Action::Issue(_) if posted + amount > AMOUNT_MAX => Err(answer::OVERFLOW),
            Action::Redeem(_) if posted < amount => Err(answer::FUNDS),
            Action::Issue(_)
            | Action::Redeem(_)
            | Action::Parameters(_)
            | Action::Validators(_)
            | Action::Gate(_) => Ok(()),
        }
    }

    fn move_supply(
        &mut self,
        call: Call<'_>,
        action: &Action,
        change: &SupplyChange,
        authority: u32,
    ) {
        let (code, amount) = (change.currency.bytes(), u128::from(change.amount.get()));
        let whose = Whose::Authority(authority);
        self.rolling.add(whose, call.time_us, amount);
        let Some(money) = self.money.get_mut(&code) else {
            return;
        };
        let reference = change.rtgs_reference.as_str().to_owned();
        money.references.insert(reference);
        let (issuance, amount_units) = (money.issuance, change.amount.get());
        match action {
            Action::Issue(_) => {
                money.supply += amount;
                let whose = Whose::Currency(code);
                self.rolling.add(whose, call.time_us, amount);
                self.book(issuance, change.account, amount_units);
            }
            Action::Redeem(_) | Action::Parameters(_) | Action::Validators(_) | Action::Gate(_) => {
                money.supply -= amount;
                self.book(change.account, issuance, amount_units);
            }
        }
    }

    fn check_reference(&self, change: &SupplyChange) -> Result<(), u16> {
        let money = self.money.get(&change.currency.bytes());
        let text = change.rtgs_reference.as_str();
        if money.is_some_and(|money| money.references.contains(text)) {
            Err(answer::REFERENCE_USED)
        } else {
            Ok(())
        }
    }

    /// The reserve account that an action is about.
    fn reserve(&self, action: &Action, change: &SupplyChange) -> Result<&Book, u16> {
        let missing = match action {
            Action::Issue(_) => answer::NO_CREDIT_ACCOUNT,
            Action::Redeem(_) | Action::Parameters(_) | Action::Validators(_) | Action::Gate(_) => {
                answer::NO_DEBIT_ACCOUNT
            }
        };
        let book = self.accounts.get(&change.account).ok_or(missing)?;
        if book.kind != AccountKind::Reserve {
            Err(answer::ROLE)
        } else if book.currency != change.currency {
            Err(answer::CURRENCY)
        } else {
            Ok(book)
        }
    }
}

const fn class_of(action: &Action) -> ActionClass {
    match action {
        Action::Issue(change) => ActionClass::Issue(change.currency),
        Action::Redeem(change) => ActionClass::Redeem(change.currency),
        Action::Parameters(_) => ActionClass::Parameters,
        Action::Validators(_) => ActionClass::Validators,
        Action::Gate(_) => ActionClass::Releases,
    }
}

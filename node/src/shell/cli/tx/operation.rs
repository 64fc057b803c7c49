//! Operations as flags, and their forms.
//!
//! A currency that is not named is the chain's only one. What flags do not reach is in the JSON form, see `falaj tx build`.

use clap::{Args, ValueEnum};
use falaj_ledger::genesis::Genesis;

use crate::shell::cli::Failure;
use crate::shell::form::{
    ActionForm, ControllersForm, Decimal, KeyForm, OpenAccountForm, OperationForm, ProposalForm,
    ProposeForm, ReferencesForm, SupplyChangeForm, TransferForm,
};

/// Flags that name an operation.
pub(in crate::shell::cli) trait Operation: Args {
    /// Its form on a chain.
    fn form(&self, genesis: &Genesis) -> Result<OperationForm, Failure>;
}

/// Moves money.
#[derive(Args)]
pub(in crate::shell::cli) struct Transfer {
    /// The account that pays.
    #[arg(long)]
    debit: String,
    /// The account that is paid.
    #[arg(long)]
    credit: String,
    /// How much, with exactly the currency's decimals.
    #[arg(long)]
    amount: String,
    /// Its currency; the chain's only one if absent.
    #[arg(long)]
    currency: Option<String>,
    /// The most the payer accepts to be charged beside the amount.
    #[arg(long)]
    max_fee: Option<String>,
    /// Kind of payment by the scheme's own list.
    #[arg(long, default_value_t = 0)]
    code: u16,
    /// The participant that must serve the credit account.
    #[arg(long)]
    credit_participant: Option<u32>,
    /// The version the debit account must have.
    #[arg(long)]
    expected_version: Option<u64>,
    /// Unique end-to-end transaction reference, a version 4 UUID.
    #[arg(long)]
    uetr: Option<String>,
    /// End-to-end id, at most 35 characters.
    #[arg(long)]
    end_to_end: Option<String>,
    /// Purpose code of ISO 20022.
    #[arg(long)]
    purpose: Option<String>,
}

/// Opens an account.
#[derive(Args)]
pub(in crate::shell::cli) struct OpenAccount {
    /// Its id; `falaj account id` makes one.
    #[arg(long)]
    account: String,
    /// Its currency; the chain's only one if absent.
    #[arg(long)]
    currency: Option<String>,
    /// What it is for, such as `retail-1`.
    #[arg(long)]
    account_kind: String,
    /// A key of its own, `ALGORITHM:HEX`; without any, its participant's keys sign for it. May be repeated.
    #[arg(long = "controller", value_name = "KEY", value_parser = key)]
    controllers: Vec<KeyForm>,
    /// How many of its keys must sign a debit.
    #[arg(long, default_value_t = 1, requires = "controllers")]
    threshold: u8,
    /// Commitment to the owner's screening.
    #[arg(long)]
    kyc: Option<String>,
}

/// Proposes to issue or redeem.
#[derive(Args)]
pub(in crate::shell::cli) struct Propose {
    /// What.
    #[arg(value_enum)]
    action: Action,
    /// Number of the authority.
    #[arg(long)]
    authority: u32,
    /// The reserve account that takes or gives.
    #[arg(long)]
    account: String,
    /// How much, with exactly the currency's decimals.
    #[arg(long)]
    amount: String,
    /// Its currency; the chain's only one if absent.
    #[arg(long)]
    currency: Option<String>,
    /// Reference of the RTGS payment on the other side.
    #[arg(long)]
    rtgs_reference: String,
}

#[derive(Clone, Copy, ValueEnum)]
enum Action {
    /// Make money.
    Issue,
    /// Take money back.
    Redeem,
}

macro_rules! on_a_proposal {
    ($(#[doc = $doc:literal] $name:ident)*) => { $(
        #[doc = $doc]
        #[derive(Args)]
        pub(in crate::shell::cli) struct $name {
            /// The proposal, as `falaj tx propose` named it.
            #[arg(long)]
            proposal: String,
        }

        impl Operation for $name {
            fn form(&self, _: &Genesis) -> Result<OperationForm, Failure> {
                let proposal = self.proposal.clone();
                Ok(OperationForm::$name(ProposalForm { proposal }))
            }
        }
    )* };
}

on_a_proposal! {
    #[doc = "Approves a proposal."] Approve
    #[doc = "Executes a proposal."] Execute
    #[doc = "Stops a proposal."] Veto
}

impl Operation for Transfer {
    fn form(&self, genesis: &Genesis) -> Result<OperationForm, Failure> {
        Ok(OperationForm::Transfer(TransferForm {
            debit: self.debit.clone(),
            credit: self.credit.clone(),
            currency: currency(self.currency.as_ref(), genesis)?,
            amount: Decimal::Text(self.amount.clone()),
            max_fee: self.max_fee.clone().map(Decimal::Text),
            code: self.code,
            credit_participant: self.credit_participant,
            expected_version: self.expected_version,
            references: ReferencesForm {
                uetr: self.uetr.clone(),
                end_to_end: self.end_to_end.clone(),
                purpose: self.purpose.clone(),
                ..ReferencesForm::default()
            },
        }))
    }
}

impl Operation for OpenAccount {
    fn form(&self, genesis: &Genesis) -> Result<OperationForm, Failure> {
        let (threshold, keys) = (self.threshold, self.controllers.clone());
        let controllers = (!keys.is_empty()).then_some(ControllersForm { threshold, keys });
        Ok(OperationForm::OpenAccount(OpenAccountForm {
            account: self.account.clone(),
            currency: currency(self.currency.as_ref(), genesis)?,
            account_kind: self.account_kind.clone(),
            controllers,
            kyc: self.kyc.clone(),
        }))
    }
}

impl Operation for Propose {
    fn form(&self, genesis: &Genesis) -> Result<OperationForm, Failure> {
        let change = SupplyChangeForm {
            currency: currency(self.currency.as_ref(), genesis)?,
            account: self.account.clone(),
            amount: Decimal::Text(self.amount.clone()),
            rtgs_reference: self.rtgs_reference.clone(),
        };
        let action = match self.action {
            Action::Issue => ActionForm::Issue(change),
            Action::Redeem => ActionForm::Redeem(change),
        };
        let authority = self.authority;
        Ok(OperationForm::Propose(ProposeForm { authority, action }))
    }
}

fn currency(named: Option<&String>, genesis: &Genesis) -> Result<String, Failure> {
    match (named, genesis.currencies.as_slice()) {
        (Some(code), _) => Ok(code.clone()),
        (None, [only]) => Ok(only.code.to_string()),
        (None, _) => Err(Failure::new(
            Failure::USAGE,
            "the chain has several currencies; name one with --currency",
        )),
    }
}

/// Reads `ALGORITHM:HEX`.
pub(super) fn key(text: &str) -> Result<KeyForm, String> {
    let (algorithm, public_key) = text.split_once(':').ok_or("ALGORITHM:HEX is needed")?;
    let form = KeyForm {
        algorithm: algorithm.to_owned(),
        public_key: public_key.to_owned(),
    };
    match form.to_key() {
        Ok(_) => Ok(form),
        Err(error) => Err(error.reason),
    }
}

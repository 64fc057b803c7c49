//! One payment of a file.
//!
//! Shapes and units: amounts in minor units; a line is counted from 1, the header being one.

/// What kind of payment it is.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord)]
pub(super) enum Kind {
    /// Money is issued through the bank's reserve to the customer.
    CashIn,
    /// The customer's money goes to the bank's reserve and is redeemed.
    CashOut,
    /// The same, to a bank's account.
    Debit,
    /// From a customer to a merchant.
    Payment,
    /// From a customer to a customer.
    Transfer,
}

impl Kind {
    /// All of them.
    pub(super) const ALL: [Self; 5] = [
        Self::CashIn,
        Self::CashOut,
        Self::Debit,
        Self::Payment,
        Self::Transfer,
    ];

    /// Its name in a file.
    #[must_use]
    pub(super) const fn name(self) -> &'static str {
        match self {
            Self::CashIn => "CASH_IN",
            Self::CashOut => "CASH_OUT",
            Self::Debit => "DEBIT",
            Self::Payment => "PAYMENT",
            Self::Transfer => "TRANSFER",
        }
    }

    /// The kind of a name.
    #[must_use]
    pub(super) fn from_name(name: &str) -> Option<Self> {
        Self::ALL.into_iter().find(|kind| kind.name() == name)
    }
}

/// One of the two accounts of a payment, as the file has it.
#[derive(Clone, Debug, PartialEq, Eq)]
pub(super) struct Party {
    /// Name of the account.
    pub name: Box<str>,
    /// What the file says it held before.
    pub old: u64,
    /// What the file says it held after.
    pub new: u64,
}

impl Party {
    /// Whether it is a merchant, by its name.
    #[must_use]
    pub(super) fn is_merchant(&self) -> bool {
        self.name.starts_with('M')
    }

    /// What it is opened with.
    #[must_use]
    pub(super) fn opening(&self) -> u64 {
        if self.is_merchant() { 0 } else { self.old }
    }
}

/// A payment.
#[derive(Clone, Debug, PartialEq, Eq)]
pub(super) struct Row {
    /// Its line in the file.
    pub line: u64,
    /// Its kind.
    pub kind: Kind,
    /// How much.
    pub amount: u64,
    /// The account that starts it.
    pub origin: Party,
    /// The account on the other side.
    pub destination: Party,
}

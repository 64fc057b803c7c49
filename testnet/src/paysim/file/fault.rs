//! What can be wrong with a file of payments.
//!
//! Invariant: each fault has a code that stays, and is told with its line; what the ledger has a name for has that name.
//! Source: `docs/guide/testnet.md`, "A day of payments".

use std::path::{Path, PathBuf};
use thiserror::Error;

use crate::paysim::decimal::NumberFault;

/// A file that is refused, and why.
#[derive(Debug, Error)]
#[error("{}, line {line}: {} ({fault})", path.display(), fault.code())]
pub struct FileError {
    path: PathBuf,
    /// The line, from 1.
    pub line: u64,
    /// What is wrong with it.
    pub fault: Fault,
}

impl FileError {
    pub(super) fn new(path: &Path, line: u64, fault: Fault) -> Self {
        let path = path.into();
        Self { path, line, fault }
    }
}

/// What is wrong with a line.
#[derive(Debug, Error)]
pub enum Fault {
    /// The system gives no bytes of it.
    #[error("cannot be read: {0}")]
    Unreadable(std::io::Error),
    /// It is a folder or a pipe, which cannot be read twice.
    #[error("not a plain file")]
    NotAFile,
    /// It has no line.
    #[error("the file has no header")]
    Empty,
    /// A column is not there.
    #[error("the header has no column {0}")]
    MissingColumn(&'static str),
    /// Other columns, or in another order.
    #[error("the columns are not the eleven of the data set in their order")]
    WrongHeader,
    /// Too few fields.
    #[error("{0} fields instead of 11")]
    ShortRow(usize),
    /// Too many fields.
    #[error("{0} fields instead of 11")]
    LongRow(usize),
    /// Too many bytes.
    #[error("more than {} bytes", super::LINE_BYTES_MAX)]
    LongLine,
    /// Not text.
    #[error("not UTF-8")]
    NotUtf8,
    /// The step is no number.
    #[error("the step {0:?} is not a number")]
    Step(String),
    /// None of the five types.
    #[error("the type {0:?} is none of CASH_IN, CASH_OUT, DEBIT, PAYMENT, TRANSFER")]
    UnknownType(String),
    /// The name of an account has other characters, or too many.
    #[error("{0} is not 1 to 64 letters and digits")]
    Name(&'static str),
    /// A flag that is neither.
    #[error("{0} is neither 0 nor 1")]
    Flag(&'static str),
    /// A number that is no amount.
    #[error("{column} {text:?}: {fault}")]
    Number {
        /// In which column.
        column: &'static str,
        /// What stands there.
        text: String,
        /// Why it is none.
        fault: NumberFault,
    },
    /// It is another file than the one that was checked.
    #[error("the file changed while it was read")]
    Changed,
}

impl Fault {
    /// Its code.
    #[must_use]
    pub const fn code(&self) -> &'static str {
        match self {
            Self::Unreadable(_) => "unreadable",
            Self::NotAFile => "not-a-file",
            Self::Empty => "empty-file",
            Self::MissingColumn(_) => "missing-column",
            Self::WrongHeader => "wrong-header",
            Self::ShortRow(_) => "short-row",
            Self::LongRow(_) => "long-row",
            Self::LongLine => "long-line",
            Self::NotUtf8 => "not-utf8",
            Self::Step(_) => "malformed-step",
            Self::UnknownType(_) => "unknown-type",
            Self::Name(_) => "malformed-name",
            Self::Flag(_) => "malformed-flag",
            Self::Number { fault, .. } => match fault {
                NumberFault::Malformed => "malformed-number",
                NumberFault::Decimals => "scale-mismatch",
                NumberFault::AboveMaximum => "amount-above-maximum",
            },
            Self::Changed => "file-changed",
        }
    }
}

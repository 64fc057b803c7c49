//! Reads a file of payments line by line, and names what is wrong with it.
//!
//! Invariant: a row is taken whole or the file is refused with the line and a code that stays; memory is bounded by [`LINE_BYTES_MAX`],
//! whatever the file holds. [`check`] reads the whole file before anything of it is sent.
//! Shape: the columns of the `PaySim` data set, in their order, separated by commas, without quotes.
//! Source: `docs/guide/testnet.md`, "A day of payments"; Lopez-Rojas, Elmir, Axelsson, "PaySim: a financial mobile money simulator
//! for fraud detection" (2016).

mod fault;
mod limited;

pub use fault::{Fault, FileError};

use csv::{ByteRecord, ErrorKind, Position, Reader, ReaderBuilder, Terminator};
use std::fs::File;
use std::path::{Path, PathBuf};
use std::time::SystemTime;

use super::decimal;
use super::row::{Kind, Party, Row};
use limited::{Limited, WrongLine};

/// The longest line.
pub(super) const LINE_BYTES_MAX: usize = 4_096;
/// The longest name of an account.
const NAME_BYTES_MAX: usize = 64;
/// The columns, in their order.
pub const COLUMNS: [&str; 11] = [
    "step",
    "type",
    "amount",
    "nameOrig",
    "oldbalanceOrg",
    "newbalanceOrig",
    "nameDest",
    "oldbalanceDest",
    "newbalanceDest",
    "isFraud",
    "isFlaggedFraud",
];

/// The rows of a file, in their order.
pub(super) struct Rows {
    path: PathBuf,
    reader: Reader<Limited<File>>,
    record: ByteRecord,
}

/// What a whole file was when it was checked.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) struct Checked {
    /// Its rows.
    pub rows: u64,
    bytes: u64,
    modified: Option<SystemTime>,
}

/// Reads a whole file and sends nothing.
///
/// # Errors
/// The first thing that is wrong with it.
pub(super) fn check(path: &Path) -> Result<Checked, FileError> {
    let (bytes, modified) = shape(path)?;
    let mut rows = Rows::open(path)?;
    let mut count = 0;
    while rows.next()?.is_some() {
        count += 1;
    }
    Ok(Checked {
        rows: count,
        bytes,
        modified,
    })
}

/// Whether a file still is what was checked.
///
/// # Errors
/// [`Fault::Changed`] if it is not.
pub(super) fn check_unchanged(path: &Path, checked: &Checked) -> Result<(), FileError> {
    if shape(path)? == (checked.bytes, checked.modified) {
        return Ok(());
    }
    Err(FileError::new(path, 1, Fault::Changed))
}

fn shape(path: &Path) -> Result<(u64, Option<SystemTime>), FileError> {
    let unreadable = |error| FileError::new(path, 1, Fault::Unreadable(error));
    let shape = std::fs::metadata(path).map_err(unreadable)?;
    if !shape.is_file() {
        return Err(FileError::new(path, 1, Fault::NotAFile));
    }
    Ok((shape.len(), shape.modified().ok()))
}

impl Rows {
    /// Opens a file and reads its header.
    ///
    /// # Errors
    /// When it cannot be read or its header is another.
    pub(super) fn open(path: &Path) -> Result<Self, FileError> {
        let file = File::open(path);
        let file = file.map_err(|error| FileError::new(path, 1, Fault::Unreadable(error)))?;
        let mut rows = Self {
            path: path.into(),
            reader: ReaderBuilder::new()
                .has_headers(false)
                .flexible(true)
                .quoting(false)
                .terminator(Terminator::Any(b'\n'))
                .from_reader(Limited::new(file)),
            record: ByteRecord::new(),
        };
        if !rows.advance()? {
            return Err(rows.wrong(Fault::Empty));
        }
        check_header(&rows.record).map_err(|fault| rows.wrong(fault))?;
        Ok(rows)
    }

    /// The next row; none at the end of the file.
    ///
    /// # Errors
    /// What is wrong with it, and where.
    pub(super) fn next(&mut self) -> Result<Option<Row>, FileError> {
        if !self.advance()? {
            return Ok(None);
        }
        let row = row_of(&self.record, self.line());
        row.map(Some).map_err(|fault| self.wrong(fault))
    }

    fn advance(&mut self) -> Result<bool, FileError> {
        let read = self.reader.read_byte_record(&mut self.record);
        read.map_err(|error| self.unreadable(error))
    }

    fn line(&self) -> u64 {
        self.record.position().map_or(1, Position::line)
    }

    fn unreadable(&self, error: csv::Error) -> FileError {
        let text = error.to_string();
        let ErrorKind::Io(error) = error.into_kind() else {
            let error = std::io::Error::other(text);
            return self.wrong(Fault::Unreadable(error));
        };
        let wrong = error.get_ref().and_then(|inner| inner.downcast_ref());
        match wrong {
            Some(WrongLine::Long { line }) => self.at(*line, Fault::LongLine),
            Some(WrongLine::Empty { line }) => self.at(*line, Fault::ShortRow(0)),
            None => self.at(self.reader.position().line(), Fault::Unreadable(error)),
        }
    }

    fn wrong(&self, fault: Fault) -> FileError {
        self.at(self.line(), fault)
    }

    fn at(&self, line: u64, fault: Fault) -> FileError {
        FileError::new(&self.path, line, fault)
    }
}

fn check_header(record: &ByteRecord) -> Result<(), Fault> {
    let found = fields(record)?;
    if found == COLUMNS {
        return Ok(());
    }
    let missing = COLUMNS.into_iter().find(|column| !found.contains(column));
    Err(missing.map_or(Fault::WrongHeader, Fault::MissingColumn))
}

fn fields(record: &ByteRecord) -> Result<Vec<&str>, Fault> {
    let fields = record.iter().map(std::str::from_utf8);
    let fields: Result<Vec<_>, _> = fields.collect();
    let mut fields = fields.map_err(|_| Fault::NotUtf8)?;
    // A line may end as those of other systems do.
    if let Some(last) = fields.last_mut() {
        *last = last.strip_suffix('\r').unwrap_or(last);
    }
    Ok(fields)
}

fn row_of(record: &ByteRecord, line: u64) -> Result<Row, Fault> {
    let fields = fields(record)?;
    let count = fields.len();
    let fields: [&str; COLUMNS.len()] = fields.try_into().map_err(|_| {
        if count < COLUMNS.len() {
            Fault::ShortRow(count)
        } else {
            Fault::LongRow(count)
        }
    })?;
    let [step, kind, _, _, _, _, _, _, _, fraud, flagged] = fields;
    if step.is_empty() || !step.bytes().all(|byte| byte.is_ascii_digit()) {
        return Err(Fault::Step(step.into()));
    }
    let kind = Kind::from_name(kind).ok_or_else(|| Fault::UnknownType(kind.into()))?;
    for (column, flag) in [(9, fraud), (10, flagged)] {
        if !matches!(flag, "0" | "1") {
            return Err(Fault::Flag(COLUMNS[column]));
        }
    }
    Ok(Row {
        line,
        kind,
        amount: number(&fields, 2)?,
        origin: party(&fields, 3)?,
        destination: party(&fields, 6)?,
    })
}

fn party(fields: &[&str; COLUMNS.len()], first: usize) -> Result<Party, Fault> {
    let name = fields[first];
    let is_name = (1..=NAME_BYTES_MAX).contains(&name.len())
        && name.bytes().all(|byte| byte.is_ascii_alphanumeric());
    if !is_name {
        return Err(Fault::Name(COLUMNS[first]));
    }
    Ok(Party {
        name: name.into(),
        old: number(fields, first + 1)?,
        new: number(fields, first + 2)?,
    })
}

fn number(fields: &[&str; COLUMNS.len()], column: usize) -> Result<u64, Fault> {
    decimal::units(fields[column]).map_err(|fault| Fault::Number {
        column: COLUMNS[column],
        text: fields[column].into(),
        fault,
    })
}

#[cfg(test)]
mod tests;

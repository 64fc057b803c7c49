//! The records of a sweep as one Parquet file, for those who read them in columns.
//!
//! Invariant: the same records give the same bytes; a row is a record, in their order.
//! Shape: a column a key of the record; what has keys of its own, `values`, `finality_ns` and `marks`, is JSON in its column. Nothing is compressed.
//! Errors: [`ParquetError`], when the sink cannot be written.
//! Source: Apache Parquet, "File Format".

use std::io::Write;
use std::sync::Arc;

use parquet::data_type::{ByteArray, ByteArrayType, Int64Type};
use parquet::errors::ParquetError;
use parquet::file::properties::WriterProperties;
use parquet::file::writer::SerializedFileWriter;
use parquet::schema::parser::parse_message_type;
use serde::Serialize;

use super::Record;

const SCHEMA: &str = "message run {
    required binary id (STRING);
    required int64 point (INTEGER(64, false));
    required binary values (JSON);
    required int64 seed (INTEGER(64, false));
    required binary verdict (STRING);
    required binary finding (STRING);
    required binary token (STRING);
    required binary trace_hash (STRING);
    required int64 events (INTEGER(64, false));
    required int64 sim_ns (INTEGER(64, false));
    required int64 heights (INTEGER(64, false));
    required int64 receipts (INTEGER(64, false));
    required binary finality_ns (JSON);
    required int64 sent_bytes (INTEGER(64, false));
    required binary marks (JSON);
}";

/// A column of all records, in the order of the schema.
enum Column {
    Number(fn(&Record) -> u64),
    Text(fn(&Record) -> String),
}

const COLUMNS: [Column; 15] = [
    Column::Text(|record| record.id.clone()),
    Column::Number(|record| record.point),
    Column::Text(|record| json(&record.values)),
    Column::Number(|record| record.seed),
    Column::Text(|record| record.verdict.name().to_owned()),
    Column::Text(|record| record.finding.clone()),
    Column::Text(|record| record.token.clone()),
    Column::Text(|record| record.trace_hash.clone()),
    Column::Number(|record| record.events),
    Column::Number(|record| record.sim_ns),
    Column::Number(|record| record.heights),
    Column::Number(|record| record.receipts),
    Column::Text(|record| json(&record.finality_ns)),
    Column::Number(|record| record.sent_bytes),
    Column::Text(|record| json(&record.marks)),
];

/// Writes the records.
///
/// # Errors
/// [`ParquetError`], when the sink cannot be written.
pub fn write_parquet(records: &[Record], sink: impl Write + Send) -> Result<(), ParquetError> {
    let schema = Arc::new(parse_message_type(SCHEMA)?);
    let properties = Arc::new(WriterProperties::builder().build());
    let mut writer = SerializedFileWriter::new(sink, schema, properties)?;
    let mut rows = writer.next_row_group()?;
    for column in COLUMNS {
        let Some(mut open) = rows.next_column()? else {
            break;
        };
        match column {
            Column::Number(of) => {
                let numbers: Vec<i64> = records
                    .iter()
                    .map(|record| of(record).cast_signed())
                    .collect();
                open.typed::<Int64Type>()
                    .write_batch(&numbers, None, None)?;
            }
            Column::Text(of) => {
                let texts: Vec<ByteArray> = records
                    .iter()
                    .map(|record| ByteArray::from(of(record).into_bytes()))
                    .collect();
                open.typed::<ByteArrayType>()
                    .write_batch(&texts, None, None)?;
            }
        }
        open.close()?;
    }
    rows.close()?;
    writer.close()?;
    Ok(())
}

fn json(value: &impl Serialize) -> String {
    serde_json::to_string(value).expect("it has no key that is no text")
}

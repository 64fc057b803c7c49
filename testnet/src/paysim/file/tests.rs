//! Bad files: each fault is named with its line and its code; good ones are read as they are written.

use super::*;
use proptest::prelude::*;
use tempfile::TempDir;

const HEADER: &str = "step,type,amount,nameOrig,oldbalanceOrg,newbalanceOrig,nameDest,oldbalanceDest,newbalanceDest,isFraud,isFlaggedFraud";
const ROW: &str = "1,PAYMENT,9839.64,C1231006815,170136.0,160296.36,M1979787155,0.0,0.0,0,0";

fn file(bytes: &[u8]) -> (TempDir, PathBuf) {
    let folder = tempfile::tempdir().unwrap();
    let path = folder.path().join("day.csv");
    std::fs::write(&path, bytes).unwrap();
    (folder, path)
}

fn found(bytes: &[u8]) -> Result<u64, (u64, &'static str)> {
    let (_folder, path) = file(bytes);
    match check(&path) {
        Ok(checked) => Ok(checked.rows),
        Err(FileError { line, fault, .. }) => Err((line, fault.code())),
    }
}

/// What is said of a second row, in line 3.
fn with_row(row: &str) -> Result<u64, (u64, &'static str)> {
    found(format!("{HEADER}\n{ROW}\n{row}\n{ROW}\n").as_bytes())
}

/// A good row with one column replaced.
fn with(column: &str, text: &str) -> String {
    let place = COLUMNS.iter().position(|name| *name == column).unwrap();
    let mut fields: Vec<_> = ROW.split(',').collect();
    fields[place] = text;
    fields.join(",")
}

#[test]
fn a_row_is_read_as_it_is_written() {
    let (_folder, path) = file(format!("{HEADER}\r\n{ROW}\r\n").as_bytes());
    let mut rows = Rows::open(&path).unwrap();
    let row = rows.next().unwrap().unwrap();
    assert_eq!(
        (row.line, row.kind, row.amount),
        (2, Kind::Payment, 983_964)
    );
    assert_eq!((row.origin.old, row.origin.new), (17_013_600, 16_029_636));
    assert_eq!(&*row.destination.name, "M1979787155");
    assert!(row.destination.is_merchant() && !row.origin.is_merchant());
    assert_eq!(rows.next().unwrap(), None);
}

#[test]
fn a_file_of_a_header_alone_has_no_rows() {
    assert_eq!(found(HEADER.as_bytes()), Ok(0));
    assert_eq!(with_row(ROW), Ok(3));
}

#[test]
fn a_missing_column_is_named() {
    let header = HEADER.replace("nameDest,", "");
    let text = format!("{header}\n{ROW}\n");
    assert_eq!(found(text.as_bytes()), Err((1, "missing-column")));
    let (_folder, path) = file(text.as_bytes());
    let said = check(&path).unwrap_err().to_string();
    assert!(
        said.contains("line 1") && said.contains("nameDest"),
        "{said}"
    );
}

#[test]
fn a_wrong_header_is_refused() {
    let swapped = HEADER.replace("step,type", "type,step");
    for header in [swapped, format!("{HEADER},more")] {
        let text = format!("{header}\n{ROW}\n");
        assert_eq!(found(text.as_bytes()), Err((1, "wrong-header")), "{header}");
    }
    assert_eq!(found(ROW.as_bytes()), Err((1, "missing-column")));
    assert_eq!(found(b""), Err((1, "empty-file")));
}

#[test]
fn short_and_long_rows_are_refused() {
    assert_eq!(with_row("1,PAYMENT,5.0"), Err((3, "short-row")));
    assert_eq!(with_row(&format!("{ROW},0")), Err((3, "long-row")));
    assert_eq!(with_row(&"x".repeat(5_000)), Err((3, "long-line")));
    assert_eq!(with_row(""), Err((3, "short-row")));
    assert_eq!(with_row("\r"), Err((3, "short-row")));
}

// Goal: the line that is named is the one an editor shows, however lines end, and the first that is wrong.
#[test]
fn lines_are_counted_as_an_editor_does() {
    let rows = format!("{ROW}\r\n").repeat(1_000);
    let late = format!("{HEADER}\r\n{rows}short\r\n\r\n{rows}");
    assert_eq!(found(late.as_bytes()), Err((1_002, "short-row")));
    let (early, end) = (format!("{HEADER}\nshort\n"), "x".repeat(5_000));
    assert_eq!(
        found(format!("{early}{end}").as_bytes()),
        Err((2, "short-row"))
    );
}

#[test]
fn what_is_not_utf8_is_refused() {
    let mut bytes = format!("{HEADER}\n{ROW}\n").into_bytes();
    bytes.extend_from_slice(b"1,PAYMENT,1.0,C\xff1,0.0,0.0,M1,0.0,0.0,0,0\n");
    assert_eq!(found(&bytes), Err((3, "not-utf8")));
    assert_eq!(found(b"\xff\xfe,\n"), Err((1, "not-utf8")));
}

#[test]
fn an_unknown_type_is_refused() {
    for kind in ["", "payment", "CASH-IN", "REFUND"] {
        assert_eq!(
            with_row(&with("type", kind)),
            Err((3, "unknown-type")),
            "{kind}"
        );
    }
}

#[test]
fn each_number_is_exact_or_refused() {
    for column in [
        "amount",
        "oldbalanceOrg",
        "newbalanceOrig",
        "oldbalanceDest",
        "newbalanceDest",
    ] {
        for (text, code) in [
            ("1.005", "scale-mismatch"),
            ("1e3", "malformed-number"),
            ("-1.0", "malformed-number"),
            ("", "malformed-number"),
            ("99999999999999999999.0", "amount-above-maximum"),
        ] {
            assert_eq!(
                with_row(&with(column, text)),
                Err((3, code)),
                "{column} {text}"
            );
        }
    }
}

#[test]
fn names_steps_and_flags_have_their_form() {
    for (column, text, code) in [
        ("nameOrig", "", "malformed-name"),
        ("nameDest", "C 1", "malformed-name"),
        ("nameDest", "\"C1\"", "malformed-name"),
        ("step", "one", "malformed-step"),
        ("step", "-1", "malformed-step"),
        ("isFraud", "2", "malformed-flag"),
        ("isFlaggedFraud", "yes", "malformed-flag"),
    ] {
        assert_eq!(with_row(&with(column, text)), Err((3, code)), "{column}");
    }
}

#[test]
fn what_is_no_plain_file_is_refused() {
    let folder = tempfile::tempdir().unwrap();
    let code = |path: &Path| check(path).unwrap_err().fault.code();
    assert_eq!(code(folder.path()), "not-a-file");
    assert_eq!(code(&folder.path().join("none.csv")), "unreadable");
}

#[test]
fn a_file_that_changes_is_told() {
    let (_folder, path) = file(format!("{HEADER}\n{ROW}\n").as_bytes());
    let checked = check(&path).unwrap();
    check_unchanged(&path, &checked).unwrap();
    std::fs::write(&path, format!("{HEADER}\n{ROW}\n{ROW}\n")).unwrap();
    let changed = check_unchanged(&path, &checked).unwrap_err();
    assert_eq!(changed.fault.code(), "file-changed");
}

proptest! {
    // Goal: no bytes make the reader panic, and every refusal has a line.
    #[test]
    fn any_bytes_are_read_or_refused(bytes in proptest::collection::vec(any::<u8>(), 0..400)) {
        let mut whole = format!("{HEADER}\n{ROW}\n").into_bytes();
        whole.extend_from_slice(&bytes);
        if let Err((line, _)) = found(&whole) {
            prop_assert!(line >= 1);
        }
    }
}

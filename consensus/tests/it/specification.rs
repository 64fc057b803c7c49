//! The numbers of `docs/spec/encoding.md` against the code: bounds and the table of algorithms.

use falaj_consensus::crypto::Algorithm;
use falaj_consensus::message::{
    BATCH_BYTES_MAX, BODY_BYTES_MAX, CERTIFICATE_BYTES_MAX, EVIDENCE_BYTES_MAX, HEADER_BYTES,
    OUTCOME_BYTES_MAX, POLKA_BYTES_MAX, PROPOSAL_BYTES_MAX, VOTE_BYTES_MAX,
};

const PAGE: &str = include_str!("../../../docs/spec/encoding.md");

/// Cells of the rows of all tables under a heading, digits without their commas.
fn rows(heading: &str) -> Vec<Vec<String>> {
    let (_, section) = PAGE.split_once(&format!("\n## {heading}\n")).unwrap();
    let section = section.split("\n## ").next().unwrap();
    let cells = |row: &str| {
        row.split('|')
            .map(|cell| cell.trim().replace(',', ""))
            .collect()
    };
    section
        .lines()
        .filter(|line| line.starts_with('|'))
        .map(cells)
        .collect()
}

#[test]
fn the_page_states_the_bounds_of_the_code() {
    let bounds = [
        ("header", HEADER_BYTES),
        ("vote", VOTE_BYTES_MAX),
        ("proposal", PROPOSAL_BYTES_MAX),
        ("polka", POLKA_BYTES_MAX),
        ("commit certificate", CERTIFICATE_BYTES_MAX),
        ("evidence", EVIDENCE_BYTES_MAX),
        ("body", BODY_BYTES_MAX),
        ("batch", BATCH_BYTES_MAX),
        ("outcome", OUTCOME_BYTES_MAX),
    ];
    let rows = rows("Bounds");
    for (message, bytes) in bounds {
        let row = rows.iter().find(|row| row[1] == message).unwrap();
        assert_eq!(row[2], bytes.to_string(), "{message}");
    }
}

#[test]
fn the_page_states_the_algorithms_of_the_code() {
    let rows = rows("Keys");
    for algorithm in Algorithm::ALL {
        let name = format!("`{algorithm}`");
        let row = rows.iter().find(|row| row.get(3) == Some(&name)).unwrap();
        assert_eq!(row[1], (algorithm as u8).to_string(), "{name}");
        assert_eq!(row[4], algorithm.public_key_bytes().to_string(), "{name}");
        assert_eq!(row[6], algorithm.signature_bytes().to_string(), "{name}");
    }
}

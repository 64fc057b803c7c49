//! The live table: the network at a glance, drawn anew in place.

#![expect(clippy::print_stdout, reason = "it is the screen")]

use std::io::Write as _;

use crate::load::{FinalityMs, Totals};

/// What a table shows.
pub(super) struct Picture {
    pub(super) title: String,
    pub(super) height: u64,
    pub(super) totals: Totals,
    pub(super) per_second: f64,
    pub(super) supply: String,
    pub(super) rows: Vec<Row>,
    pub(super) notes: Vec<String>,
}

/// A validator's line.
pub(super) struct Row {
    pub(super) name: String,
    pub(super) state: &'static str,
    pub(super) height: Option<u64>,
    pub(super) voted_s: Option<f64>,
    pub(super) api: String,
}

const CLEAR: &str = "\x1b[2J";
const HOME: &str = "\x1b[H";
const CLEAR_LINE: &str = "\x1b[K\r\n";
const CLEAR_BELOW: &str = "\x1b[J";
const KEYS: &str =
    "k kill a validator, again: start it   h take an HSM away, again: bring it back   q quit";

/// Makes room.
pub(super) fn clear() {
    print!("{CLEAR}");
}

/// Draws the table over the one before.
pub(super) fn draw(picture: &Picture) {
    let mut text = String::from(HOME);
    for line in lines(picture) {
        text.push_str(&line);
        text.push_str(CLEAR_LINE);
    }
    text.push_str(CLEAR_BELOW);
    print!("{text}");
    // A screen that cannot be written shows nothing; the demo goes on.
    let _ = std::io::stdout().flush();
}

fn lines(picture: &Picture) -> Vec<String> {
    let Totals {
        submitted,
        settled,
        rejected,
        open,
        recent,
    } = &picture.totals;
    let FinalityMs { p50, p99, .. } = recent;
    let mut lines = vec![
        picture.title.clone(),
        String::new(),
        format!(
            "height {:<9} {:.1} payments a second, finality p50 {p50:.1} ms, p99 {p99:.1} ms",
            picture.height, picture.per_second
        ),
        format!("payments {submitted} sent, {settled} final, {open} open, {rejected} rejected"),
        format!("supply {}", picture.supply),
        String::new(),
        format!(
            "{:<14} {:<10} {:>8}  {:>10}  API",
            "validator", "state", "height", "last vote"
        ),
    ];
    lines.extend(picture.rows.iter().map(row));
    lines.push(String::new());
    lines.push(KEYS.into());
    lines.push(String::new());
    lines.extend(picture.notes.iter().cloned());
    lines
}

fn row(row: &Row) -> String {
    let height = row
        .height
        .map_or_else(|| "-".to_owned(), |height| height.to_string());
    let voted = row
        .voted_s
        .map_or_else(|| "-".to_owned(), |seconds| format!("{seconds:.1} s ago"));
    format!(
        "{:<14} {:<10} {height:>8}  {voted:>10}  {}",
        row.name, row.state, row.api
    )
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn the_table_reads_at_a_glance() {
        let row = |name: &str, state, height| Row {
            name: name.into(),
            state,
            height,
            voted_s: height.map(|_| 0.5),
            api: "http://127.0.0.1:1".into(),
        };
        let picture = Picture {
            title: "Falaj testnet-1, 2 validators".into(),
            height: 12,
            totals: Totals {
                submitted: 10,
                settled: 7,
                rejected: 1,
                open: 2,
                recent: FinalityMs {
                    p50: 1.25,
                    p99: 3.5,
                    max: 9.0,
                },
            },
            per_second: 3.5,
            supply: "5000.00 XTS, unchanged".into(),
            rows: vec![
                row("validator-1", "runs", Some(12)),
                row("validator-2", "killed", None),
            ],
            notes: vec!["validator-2 was killed".into()],
        };
        insta::assert_snapshot!(lines(&picture).join("\n"));
    }
}

//! `falaj-sim compare`: the first event that differs between two traces of one run.
//!
//! Invariant: a line holds the hash over its event and all before it, so the first lines that differ are of the first event that does,
//! also where nothing differs but its bytes.
//! Shape: what is no line of a trace, such as the verdict at the end, is of no account; the files are read as they come, not kept.

use std::fs::File;
use std::io::{BufRead, BufReader};
use std::path::{Path, PathBuf};
use std::process::ExitCode;

use clap::Args;
use falaj_simulations::token::Token;
use falaj_simulations::trace::Line;
use serde_json::{Value, json};

use super::exit::{DIFFERENT, Failure};
use super::print;

#[derive(Args)]
pub(super) struct CompareArgs {
    /// A trace, as `run --trace` and `replay --trace` print it.
    first: PathBuf,
    /// Another of the same run.
    second: PathBuf,
    /// Print one object of JSON.
    #[arg(long)]
    json: bool,
}

pub(super) fn compare(args: &CompareArgs) -> Result<ExitCode, Failure> {
    let (mut first, mut second) = (Lines::open(&args.first)?, Lines::open(&args.second)?);
    let other = |one: &Token, two: &Token| !one.is_same_run(two);
    if let (Some(one), Some(two)) = (&first.token, &second.token)
        && other(one, two)
    {
        let path = args.second.clone();
        return Err(Failure::OtherRun { path });
    }
    let found = difference(&mut first, &mut second)?;
    let text = if args.json {
        found.json().to_string()
    } else {
        found.text(&args.first, &args.second)
    };
    print::line(&text)?;
    Ok(if found.is_none() {
        ExitCode::SUCCESS
    } else {
        ExitCode::from(DIFFERENT)
    })
}

/// Where two traces part, if they do.
struct Found {
    events: u64,
    lines: [Option<Line>; 2],
}

fn difference(first: &mut Lines, second: &mut Lines) -> Result<Found, Failure> {
    let mut events = 0;
    loop {
        let lines = [first.next_line()?, second.next_line()?];
        match &lines {
            [Some(one), Some(two)] if one == two => events = one.event,
            _ => return Ok(Found { events, lines }),
        }
    }
}

impl Found {
    fn is_none(&self) -> bool {
        self.lines.iter().all(Option::is_none)
    }

    /// The first event that differs.
    fn event(&self) -> Option<u64> {
        self.lines.iter().flatten().map(|line| line.event).min()
    }

    fn json(&self) -> Value {
        let line = |line: &Option<Line>| line.as_ref().map(ToString::to_string);
        json!({
            "same": self.is_none(),
            "events_in_common": self.events,
            "first_different": self.event(),
            "lines": self.lines.iter().map(line).collect::<Vec<_>>(),
        })
    }

    fn text(&self, first: &Path, second: &Path) -> String {
        let Some(event) = self.event() else {
            return format!("the same: {} events", self.events);
        };
        let line = |line: &Option<Line>| {
            let text = line.as_ref().map(ToString::to_string);
            text.unwrap_or_else(|| "(ends here)".to_owned())
        };
        let [one, two] = self.lines.each_ref().map(line);
        let (first, second) = (first.display(), second.display());
        format!("event {event} is the first that differs\n{first}: {one}\n{second}: {two}")
    }
}

/// The lines of a trace in a file.
struct Lines {
    path: PathBuf,
    reader: BufReader<File>,
    token: Option<Token>,
    ahead: Option<Line>,
}

impl Lines {
    fn open(path: &Path) -> Result<Self, Failure> {
        let path = path.to_owned();
        let file = File::open(&path).map_err(|source| Failure::Unreadable {
            path: path.clone(),
            source,
        })?;
        let mut lines = Self {
            path,
            reader: BufReader::new(file),
            token: None,
            ahead: None,
        };
        lines.ahead = lines.read()?;
        if lines.ahead.is_none() {
            return Err(Failure::NoTrace { path: lines.path });
        }
        Ok(lines)
    }

    fn next_line(&mut self) -> Result<Option<Line>, Failure> {
        match self.ahead.take() {
            Some(line) => Ok(Some(line)),
            None => self.read(),
        }
    }

    /// The next line of the trace; notes the token on the way.
    fn read(&mut self) -> Result<Option<Line>, Failure> {
        let mut text = String::new();
        loop {
            text.clear();
            let read = self.reader.read_line(&mut text);
            let bytes = read.map_err(|source| Failure::Unreadable {
                path: self.path.clone(),
                source,
            })?;
            if bytes == 0 {
                return Ok(None);
            }
            let text = text.trim_end_matches(['\n', '\r']);
            if let Ok(line) = text.parse() {
                return Ok(Some(line));
            }
            let token = text
                .strip_prefix("token ")
                .and_then(|token| token.parse().ok());
            self.token = self.token.take().or(token);
        }
    }
}

//! What commands take from the command line: seeds, scenario files, tokens.

use std::fs;
use std::ops::Range;
use std::path::Path;

use clap::Args;
use falaj_simulations::scenario::file::File;
use falaj_simulations::scenario::shipped;
use falaj_simulations::sweep::Shard;
use falaj_simulations::token::Token;

use super::exit::Failure;
use crate::report::Source;

/// `FIRST..END`, END not among them.
pub(super) fn parse_range(text: &str) -> Result<Range<u64>, String> {
    let number = |digits: &str| digits.parse::<u64>().map_err(|error| error.to_string());
    let (first, end) = text.split_once("..").ok_or("a range is FIRST..END")?;
    let range = number(first)?..number(end)?;
    if range.is_empty() {
        Err("there is nothing in that range: END is not among it".to_owned())
    } else {
        Ok(range)
    }
}

/// `INDEX/COUNT`, counted from 0.
pub(super) fn parse_shard(text: &str) -> Result<Shard, String> {
    let number = |digits: &str| digits.parse::<u64>().map_err(|error| error.to_string());
    let (index, count) = text.split_once('/').ok_or("a shard is INDEX/COUNT")?;
    let shard = Shard {
        index: number(index)?,
        count: number(count)?,
    };
    if shard.index < shard.count {
        Ok(shard)
    } else {
        Err("shards are counted from 0, so INDEX is below COUNT".to_owned())
    }
}

/// The text of a file.
pub(super) fn read_text(path: &Path) -> Result<String, Failure> {
    fs::read_to_string(path).map_err(|source| Failure::Unreadable {
        path: path.to_owned(),
        source,
    })
}

/// A scenario file, read and checked; where there is no such file, the scenario of that name that ships.
pub(super) fn read_scenario(path: &Path) -> Result<File, Failure> {
    let shipped = path.to_str().and_then(shipped::text_of);
    let text = match shipped.filter(|_| !path.exists()) {
        Some(text) => text.to_owned(),
        None => read_text(path)?,
    };
    File::parse(&text).map_err(|source| Failure::Scenario {
        path: path.to_owned(),
        source: Box::new(source),
    })
}

/// A run that was printed as a token.
#[derive(Args)]
pub(super) struct TokenArgs {
    /// The token that a run printed.
    pub(super) token: String,
    /// Take a token of another build too; its run may be another one here.
    #[arg(long)]
    pub(super) any_build: bool,
}

impl TokenArgs {
    /// What to run.
    pub(super) fn source(&self) -> Result<(Source, u64), Failure> {
        let wrong = |source| Failure::Token {
            token: self.token.clone(),
            source,
        };
        let token: Token = self.token.parse().map_err(wrong)?;
        if !self.any_build && !token.is_of_this_build() {
            let theirs = token.build().to_owned();
            return Err(Failure::OtherBuild { theirs });
        }
        let plan = token.plan().map_err(wrong)?;
        Ok((Source { plan }, token.seed()))
    }
}

//! What commands take from the command line: seeds, and scenario files.

use std::fs;
use std::ops::Range;
use std::path::Path;

use falaj_simulations::scenario::file::File;
use falaj_simulations::sweep::Shard;

use super::exit::Failure;

/// `FIRST..END`, END not among them.
pub(super) fn parse_seeds(text: &str) -> Result<Range<u64>, String> {
    let number = |digits: &str| digits.parse::<u64>().map_err(|error| error.to_string());
    let (first, end) = text.split_once("..").ok_or("seeds are FIRST..END")?;
    let seeds = number(first)?..number(end)?;
    if seeds.is_empty() {
        Err("there is no seed in that range".to_owned())
    } else {
        Ok(seeds)
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

/// A scenario file, read and checked.
pub(super) fn read_scenario(path: &Path) -> Result<File, Failure> {
    let text = read_text(path)?;
    File::parse(&text).map_err(|source| Failure::Scenario {
        path: path.to_owned(),
        source: Box::new(source),
    })
}

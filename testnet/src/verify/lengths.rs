//! How far each node's log must reach, judged by what was signed.
//!
//! A node may be behind: it was down, cut off, or the network stopped before it heard of the last blocks.
//! But whatever a validator says at a height leaves only once the heights before are on its disk (`docs/spec/durable.md`), so a
//! certificate that carries its signature, in anybody's log, says that its own log reaches the height before at least.
//! The node's guard does not say as much: it may be ahead of the logs after a power cut, since nothing it signed had left.
//!
//! Invariant: a node of a running network is never blamed for what it did after its logs were copied; its logs are read once more first.
//! Errors: a node without any block is always one, because nothing of it was verified.

use anyhow::Result;
use falaj_consensus::types::ValidatorId;

use super::History;

/// Heights that a node must have and has not.
#[derive(Debug, PartialEq, Eq)]
struct Lack {
    node: usize,
    needs: u64,
    why: String,
}

/// Notes for each node how many heights the one with the most has beyond its own.
pub(super) fn note_behind(histories: &mut [History]) {
    let tip = tip(histories);
    for history in histories {
        history.report.behind = tip.saturating_sub(history.height());
    }
}

/// What is wrong with the lengths of the nodes' logs; `again` reads the last height of a node's log once more.
pub(super) fn problems(
    histories: &[History],
    ids: &[ValidatorId],
    again: impl Fn(usize) -> Result<u64>,
) -> Vec<String> {
    if tip(histories) == 0 {
        return vec!["no node has a block, so nothing was verified".into()];
    }
    let lacks = histories.iter().zip(ids).enumerate();
    let lacks = lacks.filter_map(|(node, (history, id))| lack(histories, node, history, *id));
    let standing = lacks.filter(|lack| again(lack.node).map_or(true, |height| height < lack.needs));
    standing
        .map(|lack| format!("{}: {}", histories[lack.node].report.name, lack.why))
        .collect()
}

fn lack(histories: &[History], node: usize, history: &History, id: ValidatorId) -> Option<Lack> {
    // Where re-execution broke off the log may go on.
    if history.problem.is_some() {
        return None;
    }
    let own = history.height();
    let signed = histories
        .iter()
        .filter_map(|history| history.signed.get(&id));
    let signed = signed.max().map_or(0, |height| height.get());
    let needs = signed.saturating_sub(1).max(1);
    let why = match own {
        own if own >= needs => return None,
        0 => format!("it has no block, another node has {}", tip(histories)),
        own => format!(
            "its log ends at height {own}, but it signed at height {signed}, which it must have had height {needs} for"
        ),
    };
    Some(Lack { node, needs, why })
}

fn tip(histories: &[History]) -> u64 {
    let heights = histories.iter().map(History::height);
    heights.max().unwrap_or(0)
}

#[cfg(test)]
mod tests {
    use super::super::forge::Forge;
    use super::super::node::{height, verify};
    use super::*;
    use std::path::Path;
    use tempfile::TempDir;

    /// Four nodes of one chain, with so many heights each; validators 1 to 3 sign all of it.
    struct Nodes {
        forge: Forge,
        folder: TempDir,
        ids: Vec<ValidatorId>,
        histories: Vec<History>,
    }

    impl Nodes {
        fn new(heights: [usize; 4]) -> Self {
            let forge = Forge::of(5);
            let folder = tempfile::tempdir().unwrap();
            let verified = |(node, heights): (usize, usize)| {
                let data = data(folder.path(), node);
                forge.write(&data, heights);
                verify(&format!("node-{node}"), &data, &forge.genesis).unwrap()
            };
            let mut histories: Vec<_> = heights.into_iter().enumerate().map(verified).collect();
            note_behind(&mut histories);
            Self {
                ids: (1..=4).map(ValidatorId::new).collect(),
                forge,
                folder,
                histories,
            }
        }

        fn problems(&self) -> Vec<String> {
            let again = |node| height(&data(self.folder.path(), node), &self.forge.genesis);
            problems(&self.histories, &self.ids, again)
        }
    }

    fn data(folder: &Path, node: usize) -> std::path::PathBuf {
        folder.join(node.to_string())
    }

    // Goal: what a stopped network leaves is no fault. Node 1 signed height 5 and did not hear that it was decided; node 4 never voted.
    #[test]
    fn a_node_may_be_behind_and_says_how_far() {
        let nodes = Nodes::new([4, 5, 5, 2]);
        assert_eq!(nodes.problems(), Vec::<String>::new());
        let behind = nodes.histories.iter().map(|history| history.report.behind);
        assert_eq!(behind.collect::<Vec<_>>(), [1, 0, 0, 3]);
    }

    #[test]
    fn a_log_without_any_block_is_found() {
        for heights in [[0, 5, 5, 5], [5, 5, 5, 0]] {
            let found = Nodes::new(heights).problems();
            assert_eq!(found.len(), 1);
            assert!(
                found[0].contains("no block, another node has 5"),
                "{found:?}"
            );
        }
    }

    // Goal: a validator's own signature says that its log went further.
    #[test]
    fn a_shortened_log_is_found() {
        let found = Nodes::new([5, 3, 5, 5]).problems();
        assert_eq!(found.len(), 1);
        assert!(
            found[0].starts_with("node-1: its log ends at height 3"),
            "{found:?}"
        );
        assert!(found[0].contains("it signed at height 5"), "{found:?}");
    }

    #[test]
    fn a_network_without_any_block_is_not_verified() {
        let found = Nodes::new([0; 4]).problems();
        assert_eq!(found, ["no node has a block, so nothing was verified"]);
    }

    // Goal: the network may run while its logs are copied one after the other.
    #[test]
    fn a_node_that_has_it_when_asked_again_is_not_blamed() {
        let nodes = Nodes::new([5, 3, 5, 5]);
        assert!(problems(&nodes.histories, &nodes.ids, |_| Ok(4)).is_empty());
        assert_eq!(problems(&nodes.histories, &nodes.ids, |_| Ok(3)).len(), 1);
    }
}

//! Domain tags: each is made in one place, and those of consensus stand in the specification.

use std::collections::BTreeMap;

use crate::repository::{Text, assert_none, read, texts_ending};

/// What stands between the quotes of a constant tag: of a hash, or of 16 bytes that are signed.
fn tag(line: &str) -> Option<&str> {
    let line = line.trim();
    let starts = ["Tag = Tag::new(\"", ": [u8; 16] = *b\""];
    let rest = starts
        .iter()
        .find_map(|start| Some(line.split_once(start)?.1))
        .filter(|_| line.contains("const "))?;
    rest.split(['"', '\\']).next()
}

/// Each tag and where it is made.
fn tags(texts: &[Text]) -> BTreeMap<String, Vec<String>> {
    let mut tags: BTreeMap<String, Vec<String>> = BTreeMap::new();
    for text in texts {
        for tag in text.content.lines().filter_map(tag) {
            let places = tags.entry(tag.to_owned()).or_default();
            places.push(text.path.clone());
        }
    }
    assert!(tags.len() > 10, "the tags were not found");
    tags
}

/// Goal: two kinds of content never share a preimage, and no signature serves two purposes.
#[test]
fn a_domain_tag_is_made_in_one_place() {
    let offenders: Vec<String> = tags(&texts_ending(".rs"))
        .into_iter()
        .filter(|(_, places)| places.len() > 1)
        .map(|(tag, places)| format!("{tag}: {}", places.join(", ")))
        .collect();
    assert_none(&offenders, "a domain tag with two owners");
}

/// Goal: an auditor finds the preimage of each hash of consensus; a test's own tags begin with `falaj/testing/`.
#[test]
fn the_tags_of_consensus_are_specified() {
    let page = read("docs/spec/encoding.md");
    let offenders: Vec<String> = tags(&texts_ending(".rs"))
        .into_iter()
        .filter(|(_, places)| places[0].starts_with("consensus/src/"))
        .map(|(tag, _)| tag)
        .filter(|tag| !tag.starts_with("falaj/testing/"))
        .filter(|tag| !page.contains(&format!("`{tag}`")))
        .collect();
    assert_none(&offenders, "is not in docs/spec/encoding.md");
}

//! The documents: no link leads nowhere or out of the project.

use std::path::{Component, Path, PathBuf};

use crate::repository::{CRATES, assert_none, read, root, texts_ending};

/// Goal: each relative link names a file or folder that exists, and each anchor a heading.
#[test]
fn links_lead_somewhere() {
    let mut dead = Vec::new();
    for text in texts_ending(".md") {
        for link in links(&prose(&text.content)) {
            if let Err(why) = follow(&text.path, &link) {
                dead.push(format!("{}: ({link}) {why}", text.path));
            }
        }
    }
    assert_none(&dead, "dead links");
}

/// Goal: a page of the documentation that code cites is there.
#[test]
fn cited_pages_exist() {
    let mut missing = Vec::new();
    for text in [texts_ending(".rs"), texts_ending(".toml")].concat() {
        for page in cited_pages(&text.content) {
            if !root().join(page).exists() {
                missing.push(format!("{}: {page}", text.path));
            }
        }
    }
    assert_none(&missing, "cites a page that does not exist");
}

/// Goal: a heading that code cites after its page stands on that page.
#[test]
fn cited_headings_exist() {
    let mut missing = Vec::new();
    for text in texts_ending(".rs") {
        let words = joined(&text.content);
        for page in cited_pages(&words).filter(|page| root().join(page).exists()) {
            let headings = headings(&read(page));
            let after = words.split(page).skip(1);
            for cited in after.flat_map(quoted_after) {
                if !headings.contains(&slug(cited)) {
                    missing.push(format!("{}: {page}, \"{cited}\"", text.path));
                }
            }
        }
    }
    missing.dedup();
    assert_none(&missing, "cites a heading that does not exist");
}

/// A text whose comments go on over the ends of lines.
fn joined(content: &str) -> String {
    let lines = content.lines().map(|line| {
        let line = line.trim_start();
        let marks = ["//! ", "/// ", "// "];
        marks
            .iter()
            .find_map(|mark| line.strip_prefix(mark))
            .unwrap_or(line)
    });
    lines.collect::<Vec<_>>().join(" ")
}

/// What is quoted right behind a page: `, "One" and "Two"`.
fn quoted_after(rest: &str) -> Vec<&str> {
    let mut rest = rest.strip_prefix('`').unwrap_or(rest);
    let mut quoted = Vec::new();
    while let Some((text, behind)) = [", \"", " and \""]
        .iter()
        .find_map(|before| rest.strip_prefix(before))
        .and_then(|text| text.split_once('"'))
    {
        quoted.push(text);
        rest = behind;
    }
    quoted
}

/// `docs/….md`, wherever it stands in a text.
fn cited_pages(content: &str) -> impl Iterator<Item = &str> {
    content.match_indices("docs/").filter_map(|(at, _)| {
        let path = content[at..]
            .split(|c: char| !(c.is_ascii_alphanumeric() || matches!(c, '/' | '.' | '_' | '-')))
            .next()?;
        path.split_inclusive(".md")
            .next()
            .filter(|page| page.ends_with(".md"))
    })
}

/// Goal: a source file or folder that a document names is there.
#[test]
fn named_sources_exist() {
    let mut missing = Vec::new();
    for text in texts_ending(".md") {
        for code in text
            .content
            .split('`')
            .skip(1)
            .step_by(2)
            .filter(|code| names_source(code))
        {
            if !root().join(code).exists() {
                missing.push(format!("{}: {code}", text.path));
            }
        }
    }
    assert_none(&missing, "names a source that does not exist");
}

/// Whether it is a path inside a crate, such as `consensus/src/verify.rs`.
fn names_source(code: &str) -> bool {
    let inside = |name: &&str| {
        code.strip_prefix(*name)
            .is_some_and(|rest| rest.starts_with("/src/") || rest.starts_with("/tests/"))
    };
    CRATES.iter().any(inside) && !code.contains(char::is_whitespace)
}

/// Goal: the index of the specification names each of its pages.
#[test]
fn specification_index_is_whole() {
    let index = read("docs/spec/README.md");
    let pages = texts_ending(".md")
        .into_iter()
        .filter_map(|text| text.path.strip_prefix("docs/spec/").map(str::to_owned));
    let unnamed: Vec<String> = pages
        .filter(|page| page != "README.md" && !index.contains(&format!("]({page})")))
        .collect();
    assert_none(&unnamed, "not in docs/spec/README.md");
}

/// Goal: an architecture decision is numbered without a gap and has the five parts.
#[test]
fn decisions_are_numbered_and_whole() {
    let decisions: Vec<_> = texts_ending(".md")
        .into_iter()
        .filter(|text| text.path.starts_with("docs/adr/"))
        .collect();
    let mut offenders = Vec::new();
    for (index, decision) in decisions.iter().enumerate() {
        if !decision
            .path
            .starts_with(&format!("docs/adr/{:04}-", index + 1))
        {
            offenders.push(format!(
                "{}: number {} is missing before it",
                decision.path,
                index + 1
            ));
        }
        for part in [
            "## Status",
            "## Context",
            "## Options",
            "## Decision",
            "## Consequences",
        ] {
            if !decision.content.lines().any(|line| line == part) {
                offenders.push(format!("{}: no {part}", decision.path));
            }
        }
    }
    assert_none(&offenders, "decisions");
}

/// The text without code: fenced blocks and code spans hold examples, not links.
fn prose(content: &str) -> String {
    let mut fenced = false;
    let mut prose = String::new();
    for line in content.lines() {
        if line.trim_start().starts_with("```") {
            fenced = !fenced;
        } else if !fenced {
            prose.extend(line.split('`').step_by(2));
            prose.push('\n');
        }
    }
    prose
}

/// The targets of `[text](target)`.
fn links(prose: &str) -> Vec<String> {
    prose
        .split("](")
        .skip(1)
        .filter_map(|rest| rest.split(')').next())
        .map(str::to_owned)
        .collect()
}

fn follow(from: &str, link: &str) -> Result<(), String> {
    if ["https://", "http://", "mailto:"]
        .iter()
        .any(|scheme| link.starts_with(scheme))
    {
        return Ok(());
    }
    let (path, anchor) = link.split_once('#').unwrap_or((link, ""));
    let target = if path.is_empty() {
        PathBuf::from(from)
    } else {
        resolve(from, path).ok_or("leaves the project")?
    };
    if !root().join(&target).exists() {
        return Err("does not exist".to_owned());
    }
    let target = target.to_string_lossy();
    if anchor.is_empty()
        || headings(&read(&target))
            .iter()
            .any(|heading| heading == anchor)
    {
        Ok(())
    } else {
        Err("has no such heading".to_owned())
    }
}

/// `path` as seen from the folder of `from`, or nothing when it climbs out of the root.
fn resolve(from: &str, path: &str) -> Option<PathBuf> {
    let mut resolved = Path::new(from)
        .parent()
        .map(Path::to_path_buf)
        .unwrap_or_default();
    for component in Path::new(path).components() {
        match component {
            Component::Normal(name) => resolved.push(name),
            Component::CurDir => {}
            Component::ParentDir => {
                if !resolved.pop() {
                    return None;
                }
            }
            Component::RootDir | Component::Prefix(_) => return None,
        }
    }
    Some(resolved)
}

/// Anchors of a document, made as code hosts make them: lower case, blanks to hyphens, other punctuation dropped.
fn headings(content: &str) -> Vec<String> {
    let lines = content.lines().filter(|line| line.starts_with('#'));
    lines
        .map(|line| slug(line.trim_start_matches('#').trim()))
        .collect()
}

fn slug(heading: &str) -> String {
    let kept = heading
        .chars()
        .filter(|c| c.is_alphanumeric() || matches!(c, ' ' | '-' | '_'));
    kept.flat_map(char::to_lowercase)
        .map(|c| if c == ' ' { '-' } else { c })
        .collect()
}

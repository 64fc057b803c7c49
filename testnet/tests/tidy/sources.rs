//! The source files: headers, names, layers, and nothing that belongs to one machine.

use std::collections::BTreeSet;

use crate::repository::{Text, assert_none, texts, texts_ending};

/// Goal: each file says what it is before it does anything.
#[test]
fn every_file_starts_with_its_doc() {
    let offenders: Vec<String> = texts_ending(".rs")
        .into_iter()
        .filter(|text| !text.content.starts_with("//! "))
        .map(|text| text.path)
        .collect();
    assert_none(&offenders, "does not start with `//! `");
}

/// Goal: `foo.rs` stands beside `foo/`.
#[test]
fn no_module_is_named_mod() {
    let offenders: Vec<String> = texts_ending(".rs")
        .into_iter()
        .map(|text| text.path)
        .filter(|path| path.ends_with("/mod.rs"))
        .collect();
    assert_none(&offenders, "is named mod.rs");
}

/// Goal: no test is switched off, and nothing is left for later in code.
#[test]
fn nothing_is_skipped_or_unfinished() {
    let words = [
        concat!("#[", "ignore"),
        concat!("FIX", "ME"),
        concat!("TO", "DO"),
        concat!("todo", "!("),
        concat!("unimplemented", "!("),
    ];
    assert_none(
        &lines_with(&texts_ending(".rs"), &words),
        "skipped or unfinished",
    );
}

/// Goal: a clone works anywhere: no file names a place of one machine or a file outside the project.
#[test]
fn no_file_names_a_place_of_one_machine() {
    let mut offenders = Vec::new();
    for text in texts()
        .iter()
        .filter(|text| text.path != "Cargo.lock" && text.path != "LICENSE")
    {
        for (number, line) in text.content.lines().enumerate() {
            if ["root", "home", "tmp", "srv", "mnt", "work", "Users"]
                .iter()
                .any(|top| names_place(line, top))
            {
                offenders.push(format!("{}:{}: {}", text.path, number + 1, line.trim()));
            }
        }
    }
    assert_none(&offenders, "absolute path of a machine");
    assert_none(
        &lines_with(
            &texts(),
            &[concat!("shared", "/design"), concat!("design", " page")],
        ),
        "cites what is outside the project",
    );
}

/// Whether the line holds `/top/x` as an absolute path, not as a part of a longer one.
fn names_place(line: &str, top: &str) -> bool {
    let place = format!("/{top}/");
    line.match_indices(&place).any(|(at, _)| {
        let before = line[..at].chars().next_back();
        let after = line[at + place.len()..].chars().next();
        !before.is_some_and(|c| {
            c.is_ascii_alphanumeric() || matches!(c, '.' | '_' | '-' | '}' | ')' | '>' | '*')
        }) && after.is_some_and(|c| c.is_ascii_alphabetic())
    })
}

/// One layer: which files, which words they must not hold outside tests, and who is excepted.
struct Layer {
    files: &'static [&'static str],
    words: &'static [&'static str],
    except: &'static [&'static str],
}

const WORLD: &[&str] = &[
    "std::fs",
    "std::net",
    "std::thread",
    "std::process",
    "std::env",
    "Instant",
    "SystemTime",
    "tokio",
    "libp2p",
    "async fn",
    ".await",
    "thread_rng",
    "OsRng",
];
const FLOAT: &[&str] = &["f32", "f64"];
const HASH_ORDER: &[&str] = &["HashMap", "HashSet", "RandomState"];

const LAYERS: [Layer; 7] = [
    // The protocol touches no world; the one real disk stands behind its feature.
    Layer {
        files: &["consensus/src/"],
        words: WORLD,
        except: &["consensus/src/durable/os"],
    },
    // Execution touches no world; sled stands behind its feature.
    Layer {
        files: &["ledger/src/"],
        words: WORLD,
        except: &["ledger/src/store/sled"],
    },
    // The replica and its storage are driven by a host.
    Layer {
        files: &["node/src/core", "node/src/storage"],
        words: WORLD,
        except: &[],
    },
    // The guard is a pure machine; only a backend may wait for something.
    Layer {
        files: &["hsm/src/signer", "hsm/src/guard"],
        words: WORLD,
        except: &[],
    },
    // The model of the rules and the code of the rules can be wrong apart only as long as neither is made of the other.
    Layer {
        files: &["simulations/src/model"],
        words: &["falaj_consensus", "falaj_node"],
        except: &[],
    },
    // What decides has one order on every validator.
    Layer {
        files: &[
            "consensus/src/",
            "ledger/src/",
            "node/src/core",
            "hsm/src/signer",
            "hsm/src/guard",
        ],
        words: HASH_ORDER,
        except: &[],
    },
    // Money, votes and signatures are integers.
    Layer {
        files: &[
            "consensus/src/",
            "ledger/src/",
            "hsm/src/",
            "node/src/core",
            "node/src/storage",
        ],
        words: FLOAT,
        except: &[],
    },
];

/// Goal: each layer keeps to itself, also where the lints of one crate cannot tell its layers apart.
#[test]
fn layers_keep_to_themselves() {
    let sources = texts_ending(".rs");
    let mut offenders = Vec::new();
    for layer in &LAYERS {
        let starts = |path: &str, with: &[&str]| with.iter().any(|prefix| path.starts_with(prefix));
        for text in sources
            .iter()
            .filter(|text| starts(&text.path, layer.files) && !starts(&text.path, layer.except))
        {
            offenders.extend(code_lines_with(text, layer.words));
        }
    }
    assert_none(&offenders, "reaches beyond its layer");
}

/// Goal: nothing but its own backend names sled.
#[test]
fn only_its_backend_names_sled() {
    let sources = texts_ending(".rs");
    let others = sources.iter().filter(|text| {
        text.path.contains("/src/") && !text.path.starts_with("ledger/src/store/sled")
    });
    let offenders: Vec<String> = others
        .flat_map(|text| code_lines_with(text, &["sled::"]))
        .filter(|line| !line.contains("store::sled::") && !line.contains("mod sled"))
        .collect();
    assert_none(&offenders, "names sled");
}

/// Goal: a node checks real signatures: of everything that answers `Checker`, its sources name the real one alone, and make none.
#[test]
fn the_node_names_only_the_real_checker() {
    let sources = texts_ending(".rs");
    let lines = sources.iter().flat_map(|text| text.content.lines());
    let mut checkers: BTreeSet<&str> = lines.filter_map(made_checker).collect();
    assert!(checkers.remove("RealChecker") && checkers.len() >= 3);
    let words: Vec<&str> = checkers.into_iter().chain(["Checker for"]).collect();
    let node: Vec<&Text> = sources
        .iter()
        .filter(|text| text.path.starts_with("node/src/"))
        .collect();
    let named = |words: &[&str]| -> Vec<String> {
        let lines = node.iter().flat_map(|text| code_lines_with(text, words));
        lines.collect()
    };
    assert_none(&named(&words), "names another checker of signatures");
    assert!(!named(&["RealChecker"]).is_empty());
}

/// `impl<C: Checker> Checker for Name<C> {` as the name.
fn made_checker(line: &str) -> Option<&str> {
    let (_, name) = line.strip_prefix("impl")?.split_once(" Checker for ")?;
    name.split(|c: char| !c.is_ascii_alphanumeric()).next()
}

/// Of `consensus` these crates use the words, the encodings and the checks, and nothing of the protocol (`docs/adr/0007-modules-of-consensus.md`).
const CONSENSUS_MODULES: [(&str, &[&str]); 2] = [
    (
        "ledger/src/",
        &[
            "bounded",
            "crypto",
            "durable",
            "hash",
            "message",
            "params",
            "proposer",
            "types",
            "validator_set",
            "verify",
        ],
    ),
    (
        "hsm/src/",
        &[
            "bounded",
            "crypto",
            "durable",
            "hash",
            "message",
            "params",
            "types",
            "validator_set",
            "verify",
        ],
    ),
];

/// Goal: `ledger` and `hsm` use of `consensus` what the decision record allows, tests aside.
#[test]
fn ledger_and_hsm_use_the_modules_of_consensus_that_are_decided() {
    let mut offenders = Vec::new();
    for (crate_sources, allowed) in CONSENSUS_MODULES {
        for text in texts_ending(".rs") {
            if text.path.starts_with(crate_sources) {
                offenders.extend(modules_beyond(&text, allowed));
            }
        }
    }
    assert_none(&offenders, "uses another module of consensus");
}

/// Lines of code that name a module of `consensus` which is not among these. The macro `mutated!` is none, and `false` in all that ships.
fn modules_beyond(text: &Text, allowed: &[&str]) -> Vec<String> {
    let named = code_lines_with(text, &["falaj_consensus::"]);
    let is_beyond = |line: &String| {
        let mut named = line.split("falaj_consensus::").skip(1);
        named.any(|rest| {
            let part = |c: char| !c.is_ascii_alphanumeric() && c != '_';
            let module = rest.split(part).next().unwrap_or_default();
            module != "mutated" && !allowed.contains(&module)
        })
    };
    named.into_iter().filter(is_beyond).collect()
}

/// Goal: a mutation is chosen by the self-check of the simulator and by nothing else.
#[test]
fn only_the_selfcheck_chooses_mutations() {
    let sources = texts_ending(".rs");
    let allowed = [
        "consensus/src/mutation",
        "simulations/src/selfcheck",
        "simulations/src/cli/selfcheck",
    ];
    let others = sources
        .iter()
        .filter(|text| !allowed.iter().any(|path| text.path.starts_with(path)));
    let offenders: Vec<String> = others
        .flat_map(|text| code_lines_with(text, &["Mutation", "Chosen"]))
        .collect();
    assert_none(&offenders, "names a mutation other than by `mutated!`");
}

/// Lines of code that hold one of the words as a whole; comments and what follows `#[cfg(test)]` do not count.
fn code_lines_with(text: &Text, words: &[&str]) -> Vec<String> {
    if text.path.ends_with("/tests.rs") || text.path.contains("/tests/") {
        return Vec::new();
    }
    let code = text
        .content
        .lines()
        .take_while(|line| !line.trim_start().starts_with("#[cfg(test)]"));
    let held = code.enumerate().filter(|(_, line)| {
        let code = line.split("//").next().unwrap_or("");
        words.iter().any(|word| holds_word(code, word))
    });
    held.map(|(number, line)| format!("{}:{}: {}", text.path, number + 1, line.trim()))
        .collect()
}

fn holds_word(line: &str, word: &str) -> bool {
    let part_of_name = |c: char| c.is_ascii_alphanumeric() || c == '_';
    line.match_indices(word).any(|(at, _)| {
        let before = line[..at].chars().next_back();
        let after = line[at + word.len()..].chars().next();
        !before.is_some_and(part_of_name)
            && (word.ends_with(':') || !after.is_some_and(part_of_name))
    })
}

fn lines_with(texts: &[Text], words: &[&str]) -> Vec<String> {
    let mut found = Vec::new();
    for text in texts {
        for (number, line) in text.content.lines().enumerate() {
            if words.iter().any(|word| line.contains(word)) {
                found.push(format!("{}:{}: {}", text.path, number + 1, line.trim()));
            }
        }
    }
    found
}

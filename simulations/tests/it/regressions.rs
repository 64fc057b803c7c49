//! The corpus: minimised failures, each named after its lesson. None comes back, and each would be seen if it did.

use std::path::Path;

use falaj_simulations::scenario::file::{File, Regression};

use crate::shipped::{files_of, keeps_its_promise};

/// What minimised failures teach, each in a file named after its lesson.
pub(crate) fn regressions() -> Vec<(String, String)> {
    files_of("scenarios/regressions")
}

/// Those that a known-bad variant brings back, and how.
fn brought_back() -> Vec<(String, File, Regression)> {
    let files = regressions().into_iter().filter_map(|(name, text)| {
        let file = File::parse(&text).expect("a scenario file");
        let regression = file.regression.clone()?;
        Some((name, file, regression))
    });
    files.collect()
}

/// Goal: no failure that was found and made small comes back: each comes to what the mended program has to come to.
#[test]
fn no_regression_comes_back() {
    let regressions = regressions();
    assert!(!regressions.is_empty());
    regressions.iter().for_each(keeps_its_promise);
}

/// Goal: an entry can fail: with the rule broken that it is about, the oracle that it names sees it under its very seed.
#[cfg(feature = "mutations")]
#[test]
fn a_mistake_that_is_made_again_is_seen() {
    use falaj_simulations::selfcheck::{broken, named};
    for (name, file, Regression { mutation, oracle }) in brought_back() {
        let mutation = named(&mutation).unwrap_or_else(|| panic!("{name}: {mutation}"));
        let seed = file.seeds().start;
        let report = broken(mutation, seed, &file.scenario(seed));
        assert_eq!(report.oracle, oracle, "{name}: {}", report.finding);
    }
}

/// Goal: each is on the page that explains them, in order, with what brings it back and who sees it, and no other is.
#[test]
fn each_regression_is_explained() {
    let page = Path::new(env!("CARGO_MANIFEST_DIR")).join("../docs/guide/regressions.md");
    let page = std::fs::read_to_string(page).unwrap();
    let rows = page.lines().filter(|line| line.starts_with("| `"));
    let told: Vec<(String, String)> = rows
        .map(|row| {
            let cells: Vec<_> = row.split('|').map(str::trim).collect();
            (cells[1].trim_matches('`').to_owned(), cells[3..5].join(" "))
        })
        .collect();
    let kept: Vec<(String, String)> = regressions()
        .into_iter()
        .map(|(name, text)| {
            let regression = File::parse(&text).expect("a scenario file").regression;
            let words = regression.map(|one| format!("`{}` {}", one.mutation, one.oracle));
            (
                name,
                words.unwrap_or_else(|| "\u{2014} \u{2014}".to_owned()),
            )
        })
        .collect();
    assert_eq!(told, kept);
    assert!(brought_back().len() >= 6);
}

/// Goal: what is minimised with a rule broken says which, promises what the real code comes to, and is read and run again before it is
/// written.
#[cfg(feature = "mutations")]
#[test]
fn a_broken_rule_is_minimised() {
    use crate::program::{falaj_sim, last_line};
    let folder = tempfile::tempdir().unwrap();
    let out = folder.path().join("lesson.toml");
    let out = out.to_str().unwrap();
    let token =
        last_line(&falaj_sim(&["run", "calm-day", "--seed", "0", "--json"]))["token"].clone();
    let token = token.as_str().unwrap();
    let arguments = [
        "minimise",
        token,
        "--runs",
        "60",
        "--out",
        out,
        "--mutation",
    ];
    let output = falaj_sim(&[&arguments[..], &["supply_misstated"]].concat());
    let words = String::from_utf8_lossy(&output.stderr).into_owned();
    assert_eq!(output.status.code(), Some(0), "{words}");
    let file = File::parse(&std::fs::read_to_string(out).unwrap()).unwrap();
    let regression = file
        .regression
        .expect("it was minimised with a rule broken");
    assert_eq!(
        (regression.mutation.as_str(), regression.oracle.as_str()),
        ("supply_misstated", "conservation")
    );
    assert_eq!(falaj_sim(&["run", out]).status.code(), Some(0));
    let output = falaj_sim(&[&arguments[..], &["suply_misstated"]].concat());
    assert_eq!(output.status.code(), Some(2));
}

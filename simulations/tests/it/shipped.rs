//! The scenarios that ship: each is what the schema says, is explained, and comes to what it promises.

use std::fs;
use std::path::Path;

use falaj_simulations::campaign::campaign;
use falaj_simulations::scenario::Plan;
use falaj_simulations::scenario::file::File;

use crate::program::falaj_sim;
use crate::regressions::regressions;

/// Name and text of each, in order of name.
fn shipped() -> Vec<(String, String)> {
    files_of("scenarios")
}

pub(crate) fn files_of(folder: &str) -> Vec<(String, String)> {
    let folder = Path::new(env!("CARGO_MANIFEST_DIR")).join(folder);
    let entries = fs::read_dir(folder).expect("the scenarios ship");
    let mut scenarios: Vec<_> = entries
        .map(|entry| entry.expect("the folder can be read").path())
        .filter(|path| path.is_file())
        .map(|path| {
            let text = fs::read_to_string(&path).expect("a file that ships");
            let name = path.file_stem().map(|name| name.to_string_lossy());
            (name.unwrap_or_default().into_owned(), text)
        })
        .collect();
    scenarios.sort();
    scenarios
}

/// Goal: the studies, of which each takes minutes, are at least read and checked, and their page shows each with its command.
#[test]
fn each_study_can_be_run_and_is_explained() {
    let page = include_str!("../../../docs/guide/studies.md");
    for (name, text) in files_of("studies") {
        let points = File::points(&text).unwrap_or_else(|refused| panic!("{name}: {refused}"));
        assert!(!points.is_empty(), "{name}");
        let command = format!("falaj-sim run simulations/studies/{name}.toml");
        assert!(page.contains(&command), "{command}");
    }
}

/// Goal: an editor that knows the printed schema accepts each of them, and refuses an unknown key.
#[test]
fn each_is_valid_under_the_schema() {
    let output = falaj_sim(&["schema"]);
    let schema = serde_json::from_slice(&output.stdout).unwrap();
    let validator = jsonschema::validator_for(&schema).unwrap();
    for (name, text) in shipped()
        .into_iter()
        .chain(files_of("studies"))
        .chain(regressions())
    {
        let value: serde_json::Value = toml::from_str(&text).unwrap();
        let errors: Vec<_> = validator
            .iter_errors(&value)
            .map(|error| error.to_string())
            .collect();
        assert!(errors.is_empty(), "{name}: {errors:?}");
    }
    for wrong in [
        r#"{"about": "", "vaildators": 4}"#,
        r#"{"about": "", "network": {"loss_pm": 4}}"#,
        r#"{"about": "", "validators": "four"}"#,
        r#"{"about": "", "mute": [{"side": "some", "at_ms": 4}]}"#,
        r#"{"validators": 4}"#,
    ] {
        assert!(
            !validator.is_valid(&serde_json::from_str(wrong).unwrap()),
            "{wrong}"
        );
    }
}

/// Goal: each is on the page that explains them, in order, and no other is.
#[test]
fn each_is_explained() {
    let page = Path::new(env!("CARGO_MANIFEST_DIR")).join("../docs/guide/scenarios.md");
    let page = fs::read_to_string(page).unwrap();
    let explained: Vec<_> = page
        .lines()
        .filter_map(|line| line.strip_prefix("| `")?.split_once(".toml`"))
        .map(|(name, _)| name.to_owned())
        .collect();
    let names: Vec<_> = shipped().into_iter().map(|(name, _)| name).collect();
    assert_eq!(explained, names);
}

/// What takes minutes without optimisation; `make test` runs it with the program that it builds for its seeds.
const LONG: [&str; 1] = ["hundred-validators"];

/// Goal: each comes to the verdict that it promises, and hits its marks; what is long does so where it is run.
#[test]
fn each_comes_to_what_it_promises() {
    let (long, short): (Vec<_>, Vec<_>) = shipped()
        .into_iter()
        .partition(|(name, _)| LONG.contains(&name.as_str()));
    short.iter().for_each(keeps_its_promise);
    assert_eq!(long.len(), LONG.len());
    let steps = Path::new(env!("CARGO_MANIFEST_DIR")).join("../testnet/scripts/test.sh");
    let steps = fs::read_to_string(steps).unwrap();
    for (name, text) in long {
        assert!(
            steps.contains(&format!("falaj-sim\" run {name} ")),
            "{name}"
        );
        File::parse(&text).expect("a scenario file");
    }
}

/// Comes to the verdict that it promises, and hits its marks.
pub(crate) fn keeps_its_promise((name, text): &(String, String)) {
    let file = File::parse(text).expect("a scenario file");
    let (seeds, expected) = (file.seeds(), file.expect.verdict);
    let campaign = campaign(&Plan::File(Box::new(file)), seeds, 2, |_| {});
    let found: Vec<_> = campaign
        .failures
        .iter()
        .map(|report| &report.finding)
        .collect();
    assert_eq!(
        campaign.missing,
        [],
        "{name} promises marks that nothing hits"
    );
    assert_eq!(campaign.verdict, expected, "{name}: {found:?}");
}

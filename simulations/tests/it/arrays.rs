//! The files for job arrays, run here as Slurm and Kubernetes run them: index and number of shards are right.
//!
//! Source: `docs/guide/job-arrays.md`.

use std::fs;
use std::path::{Path, PathBuf};
use std::process::{Command, Output};

use crate::program::{falaj_sim, written};

/// Eight runs.
const SWEEP: &str = "about = \"a sweep\"\nvalidators = 1\nhorizon_ms = 50\n[sweep]\ndelay_ms = [1, 5]\n[expect]\nseeds = 4\n";

fn guide(name: &str) -> PathBuf {
    Path::new(env!("CARGO_MANIFEST_DIR"))
        .join("../docs/guide")
        .join(name)
}

fn text_of(path: &Path) -> String {
    fs::read_to_string(path).expect("a file that is there")
}

/// What a task does whose index is in this variable; the program is found in the path.
fn task(variable: &str, index: &str, words: &[&str]) -> Output {
    let program = Path::new(env!("CARGO_BIN_EXE_falaj-sim"));
    let here = program.parent().expect("it lies in a folder").display();
    let path = std::env::var("PATH").expect("a shell is found by it");
    Command::new(words[0])
        .args(&words[1..])
        .env_remove("SLURM_ARRAY_TASK_ID")
        .env_remove("JOB_COMPLETION_INDEX")
        .env(variable, index)
        .env("PATH", format!("{here}:{path}"))
        .output()
        .expect("a shell starts")
}

/// The parts of all tasks are the whole.
fn adds_up(folder: &Path, tasks: u64) {
    let name = |name: &str| folder.join(name).display().to_string();
    let (scenario, whole, merged) = (name("scenario.toml"), name("whole"), name("merged"));
    let output = falaj_sim(&["run", &scenario, "--out", &whole]);
    assert_eq!(output.status.code(), Some(0));
    let parts: Vec<String> = (0..tasks)
        .map(|index| name(&format!("part-{index}")))
        .collect();
    let mut arguments = vec!["merge", "--out", &merged];
    arguments.extend(parts.iter().map(String::as_str));
    let output = falaj_sim(&arguments);
    let words = String::from_utf8_lossy(&output.stderr);
    assert_eq!(output.status.code(), Some(0), "{words}");
    let runs = |folder: &str| text_of(&Path::new(folder).join("runs.ndjson"));
    assert_eq!(runs(&merged), runs(&whole));
}

/// Goal: the tasks of an array of Slurm make every run once.
#[test]
fn an_array_of_slurm_makes_the_whole() {
    let folder = tempfile::tempdir().unwrap();
    let scenario = written(folder.path(), SWEEP);
    let (script, out) = (guide("job-arrays/shard.sh"), folder.path());
    let words = [
        "sh",
        script.to_str().unwrap(),
        &scenario,
        out.to_str().unwrap(),
        "3",
    ];
    for index in ["0", "1", "2"] {
        let output = task("SLURM_ARRAY_TASK_ID", index, &words);
        let told = String::from_utf8_lossy(&output.stderr);
        assert_eq!(output.status.code(), Some(0), "{told}");
    }
    adds_up(out, 3);
    let beyond = task("SLURM_ARRAY_TASK_ID", "3", &words);
    assert_eq!(beyond.status.code(), Some(2), "there is no shard 3/3");
}

/// Goal: random scenarios are shared out by the same script, with their seeds in the place of a scenario.
#[test]
fn an_array_makes_random_scenarios() {
    let folder = tempfile::tempdir().unwrap();
    let (script, out) = (guide("job-arrays/shard.sh"), folder.path().display());
    let (script, out) = (script.display().to_string(), out.to_string());
    let words = ["sh", &script, "--seeds=2..4", &out, "2"];
    for (index, seed) in [("0", 2), ("1", 3)] {
        let output = task("SLURM_ARRAY_TASK_ID", index, &words);
        let told = String::from_utf8_lossy(&output.stderr);
        assert_eq!(output.status.code(), Some(0), "{told}");
        let runs = text_of(&folder.path().join(format!("part-{index}/runs.ndjson")));
        assert_eq!(runs.lines().count(), 1);
        assert!(runs.contains(&format!("\"seed\":{seed},")), "{runs}");
    }
}

/// Goal: the pods of the indexed Job, by the command that stands in its file, make every run once.
#[test]
fn an_indexed_job_makes_the_whole() {
    let folder = tempfile::tempdir().unwrap();
    let out = folder.path();
    written(out, SWEEP);
    fs::copy(guide("job-arrays/shard.sh"), out.join("shard.sh")).unwrap();
    let file = text_of(&guide("job-arrays/kubernetes.yaml"));
    let value = |key: &str| {
        let mut lines = file.lines().map(str::trim);
        let found = lines.find_map(|line| line.strip_prefix(key)?.strip_prefix(": "));
        found.unwrap_or_default().to_owned()
    };
    let completions: u64 = value("completions").parse().unwrap();
    let mounted = out.display().to_string();
    let command: Vec<String> = value("command")
        .trim_matches(['[', ']'])
        .split(", ")
        .map(|word| {
            word.trim_matches('"')
                .replace("/sweep/sweep.toml", "/sweep/scenario.toml")
        })
        .map(|word| word.replacen("/sweep", &mounted, 1))
        .collect();
    let words: Vec<&str> = command.iter().map(String::as_str).collect();
    assert_eq!(words.last(), Some(&completions.to_string().as_str()));
    for index in 0..completions {
        let output = task("JOB_COMPLETION_INDEX", &index.to_string(), &words);
        let told = String::from_utf8_lossy(&output.stderr);
        assert_eq!(output.status.code(), Some(0), "{told}");
    }
    adds_up(out, completions);
}

/// Goal: a task fails when its shard did not come to its end, and not because of what its runs came to.
#[test]
fn a_task_fails_only_without_its_shard() {
    let folder = tempfile::tempdir().unwrap();
    let halted = "about = \"halted\"\nhorizon_ms = 50\n[[lost]]\nnodes = [0, 1]\nby = \"crash\"\nat_ms = 1\n";
    let script = guide("job-arrays/shard.sh");
    let out = folder.path().to_str().unwrap();
    for (text, variable, code) in [
        (halted, "JOB_COMPLETION_INDEX", 0),
        ("about = ", "JOB_COMPLETION_INDEX", 21),
        (halted, "NO_INDEX", 2),
    ] {
        let scenario = written(folder.path(), text);
        let words = ["sh", script.to_str().unwrap(), &scenario, out, "1"];
        let output = task(variable, "0", &words);
        let told = String::from_utf8_lossy(&output.stderr);
        assert_eq!(output.status.code(), Some(code), "{text}: {told}");
    }
    let line = text_of(&folder.path().join("part-0/runs.ndjson"));
    assert!(line.contains("\"verdict\":\"not_live\""), "{line}");
}

/// Goal: where the page shows an array, its last index is one below the number of shards.
#[test]
fn the_page_counts_from_zero() {
    let page = text_of(&guide("job-arrays.md"));
    let mut shown = 0;
    for line in page.lines() {
        let Some((_, rest)) = line.split_once("--array=0-") else {
            continue;
        };
        let mut words = rest.split_whitespace();
        let last: u64 = words.next().and_then(|word| word.parse().ok()).unwrap();
        let shards = words.nth(3).and_then(|word| word.parse().ok());
        assert_eq!(shards, Some(last + 1), "{line}");
        shown += 1;
    }
    assert!(shown > 0);
}

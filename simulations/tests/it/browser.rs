//! Reports as a browser shows them: a page beside the report opens it at a given size and measures what is on it.
//!
//! Shape: a headless Chromium, which has to be installed; what the page measured is read from what the browser prints.

use std::fs;
use std::path::Path;
use std::process::{Command, Stdio};

use serde_json::Value;

use crate::report::{CALM, FORK, report, token};

/// The names under which systems have it.
const BROWSERS: [&str; 4] = [
    "chromium",
    "chromium-browser",
    "google-chrome",
    "google-chrome-stable",
];
/// A desktop, and something narrow.
const SIZES: [(u32, u32); 2] = [(1440, 900), (800, 1000)];

/// Opens the report of its folder in a frame, measures it, and says so in its own document.
const PROBE: &str = r#"<!doctype html><meta charset="utf-8"><body style="margin:0">
<iframe id="frame" src="report.html" style="border:0;width:WIDTHpx;height:HEIGHTpx"></iframe><pre id="probe"></pre><script>
document.getElementById('frame').addEventListener('load', () => {
  const page = document.getElementById('frame').contentDocument, view = page.defaultView;
  const box = (element) => element.getBoundingClientRect();
  const seen = (query) => [...page.querySelectorAll(query)].filter((e) => box(e).width > 0 && box(e).height > 0);
  const words = (query) => seen(query).map((e) => e.textContent);
  const apart = (one, other) => one.right <= other.left || other.right <= one.left || one.bottom <= other.top || other.bottom <= one.top;
  const cards = seen('.card.certificate').map(box);
  const svg = page.querySelector('svg.spacetime'), edge = box(svg);
  const cut = [...svg.querySelectorAll('text')].filter((e) => box(e).right > edge.right + 1 || box(e).left < edge.left - 1);
  const result = {
    verdict: words('.verdict'), finding: words('#finding'), replay: words('#replay'), both: words('#signed-both'),
    certificates: seen('.card.certificate').length, signers: words('.card .chip.both'), agreed: seen('table.agreed tr').length,
    apart: cards.every((one, i) => cards.every((other, k) => i === k || apart(one, other))),
    lanes: seen('svg.spacetime text.name').length, arrows: svg.querySelectorAll('path.arrow').length,
    liars: seen('svg.spacetime rect.liar').length, locks: seen('svg.spacetime .lock').length, commits: seen('svg.spacetime .commit').length,
    cut: cut.map((e) => e.textContent), plots: seen('figure.plot svg').length, tracks: seen('table.track tr').length,
    wider: page.documentElement.scrollWidth - view.innerWidth, loaded: view.performance.getEntriesByType('resource').length,
  };
  page.getElementById('f-precommit').click();
  result.precommits = seen('svg.spacetime path.arrow.precommit').length;
  document.getElementById('probe').textContent = JSON.stringify(result);
});
</script>"#;

/// What a browser of that size shows of the report in a folder.
fn shown(folder: &Path, (width, height): (u32, u32)) -> Value {
    let probe = PROBE
        .replace("WIDTH", &width.to_string())
        .replace("HEIGHT", &height.to_string());
    let page = folder.join("probe.html");
    fs::write(&page, probe).expect("a folder of the test");
    let printed = printed(&page, &folder.join("profile"));
    let (_, rest) = printed
        .split_once("<pre id=\"probe\">")
        .unwrap_or_else(|| panic!("the browser printed no probe: {printed}"));
    let (text, _) = rest.split_once("</pre>").expect("the end of the probe");
    let text = text
        .replace("&lt;", "<")
        .replace("&gt;", ">")
        .replace("&amp;", "&");
    serde_json::from_str(&text).unwrap_or_else(|error| panic!("{error}: {text:?}"))
}

/// What a browser prints of a page once that is loaded.
fn printed(page: &Path, profile: &Path) -> String {
    let arguments = [
        "--headless",
        "--no-sandbox",
        "--disable-gpu",
        "--disable-quic",
        "--disable-dev-shm-usage",
        "--disable-background-networking",
        "--disable-component-update",
        "--disable-sync",
        "--no-first-run",
        "--allow-file-access-from-files",
        "--window-size=1600,1200",
        "--virtual-time-budget=20000",
        "--dump-dom",
    ];
    for browser in BROWSERS {
        let run = Command::new(browser)
            .args(arguments)
            .arg(format!("--user-data-dir={}", profile.display()))
            .arg(format!("file://{}", page.display()))
            .stderr(Stdio::null())
            .output();
        if let Ok(output) = run {
            return String::from_utf8_lossy(&output.stdout).into_owned();
        }
    }
    panic!(
        "no browser was found ({}): install one, as by `sh testnet/scripts/tools.sh chromium`",
        BROWSERS.join(", ")
    );
}

fn list(value: &Value) -> Vec<&str> {
    let items = value.as_array().into_iter().flatten();
    items.filter_map(Value::as_str).collect()
}

/// Nothing is wider than the page, nothing was loaded, no word of the diagram is cut off, and the boxes take messages away.
fn assert_readable(page: &Value) {
    assert_eq!(page["loaded"], 0, "{page}");
    assert!(
        page["wider"].as_i64().is_some_and(|wider| wider <= 0),
        "{page}"
    );
    assert!(list(&page["cut"]).is_empty(), "{page}");
    assert_eq!(page["apart"], true, "{page}");
    assert_eq!(page["precommits"], 0, "{page}");
    assert!(page["arrows"].as_u64() > Some(50), "{page}");
    assert!(page["lanes"].as_u64() >= Some(4), "{page}");
    assert_eq!(page["tracks"], 5, "{page}");
    assert_eq!(page["plots"], 4, "{page}");
    assert!(
        page["locks"].as_u64() > Some(0) && page["commits"].as_u64() > Some(0),
        "{page}"
    );
}

/// Goal: the report of a run that forks shows the verdict, what was violated, the diagram with its liars, both certificates side by side
/// or one below the other, and who signed both.
#[test]
fn a_browser_shows_a_run_that_fails() {
    let folder = tempfile::tempdir().unwrap();
    let out = folder.path().join("out");
    let token = token(folder.path(), FORK, "4");
    report(&out, &token, &[]);
    for size in SIZES {
        let page = shown(&out, size);
        assert_readable(&page);
        assert_eq!(list(&page["verdict"]), ["unsafe"]);
        assert!(
            list(&page["finding"])[0].starts_with("Violated: agreement. "),
            "{page}"
        );
        assert!(list(&page["replay"])[0].contains(&token), "{page}");
        assert_eq!(page["certificates"], 2, "{page}");
        assert_eq!(list(&page["signers"]), ["v1", "v2", "v1", "v2"]);
        assert!(
            list(&page["both"])[0].starts_with("Signed both: v1, v2."),
            "{page}"
        );
        assert_eq!(page["liars"], 2, "{page}");
    }
}

/// Goal: the report of a run that does not fail shows that, the diagram, and the certificates that agree.
#[test]
fn a_browser_shows_a_run_that_does_not_fail() {
    let folder = tempfile::tempdir().unwrap();
    let out = folder.path().join("out");
    report(&out, &token(folder.path(), CALM, "1"), &[]);
    for size in SIZES {
        let page = shown(&out, size);
        assert_readable(&page);
        assert_eq!(list(&page["verdict"]), ["safe_live"]);
        assert!(list(&page["finding"]).is_empty(), "{page}");
        assert_eq!(
            (&page["certificates"], &page["liars"]),
            (&0.into(), &0.into())
        );
        assert!(page["agreed"].as_u64() > Some(2), "{page}");
    }
}

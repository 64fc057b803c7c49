//! A bar on a terminal, nothing elsewhere.

use std::io::{IsTerminal, stderr};
use std::time::Duration;

use indicatif::{ProgressBar, ProgressDrawTarget, ProgressStyle};

/// The bar of so many runs.
pub(super) fn progress(runs: u64) -> ProgressBar {
    bar(runs, "{wide_bar} {pos}/{len} seeds, {eta} left")
}

/// The bar of so many scenarios.
pub(super) fn scenarios(scenarios: u64) -> ProgressBar {
    bar(scenarios, "{wide_bar} {pos}/{len} scenarios, {eta} left")
}

/// The bar of a search through so many states at most.
pub(super) fn states(states: u64) -> ProgressBar {
    bar(states, "{spinner} {pos} states, at most {len}")
}

/// The bar of a search that takes so many runs at most and says where it is.
pub(super) fn counter(runs: u64) -> ProgressBar {
    bar(runs, "{spinner} run {pos} of at most {len}: {msg}")
}

fn bar(runs: u64, template: &str) -> ProgressBar {
    if !stderr().is_terminal() {
        return ProgressBar::hidden();
    }
    let bar = ProgressBar::with_draw_target(Some(runs), ProgressDrawTarget::stderr());
    let style = ProgressStyle::with_template(template);
    bar.set_style(style.unwrap_or_else(|_| ProgressStyle::default_bar()));
    bar.enable_steady_tick(Duration::from_millis(200));
    bar
}

/// A sign of life, with what is under way.
pub(super) fn waiting(name: &str) -> ProgressBar {
    let bar = bar(0, "{spinner} {msg}");
    bar.set_message(name.to_owned());
    bar
}

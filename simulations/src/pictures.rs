//! Pictures of runs and sweeps: self-contained pages, and plots as files.
//!
//! Invariant: a page needs nothing but itself, no network and no script; every text of a run is escaped. A picture is drawn from what was
//! seen ([`crate::history`]) or kept ([`crate::sweep`]), and says what it leaves out.
//! Shape: a page is HTML with the same SVG inside that its plots are as files; colours come from one palette, in a light and a dark scheme.
//! Who calls it: `falaj-sim report`, `falaj-sim run --out`, programs of researchers.
//! Source: `docs/guide/report.md`.

mod certificates;
mod figure;
mod frame;
mod heat;
mod histogram;
mod liveness;
mod palette;
mod plot;
mod run_page;
mod spacetime;
mod sweep_page;
mod track;
mod verdict;
mod whole;
mod window;
mod words;

pub use run_page::{RunPicture, draw_run};
pub use sweep_page::{SweepPicture, draw_sweep};
pub use window::{Choice, EmptyWindow};

/// A page, and its plots as files of their own.
#[derive(Clone, Debug)]
pub struct Pages {
    /// The page.
    pub html: String,
    /// Each plot by the name of its file, without `.svg`.
    pub plots: Vec<(String, String)>,
}

#[cfg(test)]
mod tests;

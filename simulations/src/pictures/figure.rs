//! A plot on a page: the drawing with a heading and a sentence about it.

use maud::{Markup, PreEscaped, html};

use super::palette;

/// A plot, in light colours.
pub(super) struct Figure {
    /// The name of its file, without `.svg`.
    pub(super) name: String,
    /// What it shows, in a few words.
    pub(super) title: String,
    /// What to see in it.
    pub(super) about: String,
    /// The drawing.
    pub(super) svg: String,
}

impl Figure {
    /// The figure for a page, whose colours it takes.
    pub(super) fn on_page(&self) -> Markup {
        html! {
            figure.plot id=(self.name) {
                figcaption { strong { (self.title) } " " (self.about) }
                div.scroll { (PreEscaped(palette::by_name(&self.svg))) }
            }
        }
    }
}

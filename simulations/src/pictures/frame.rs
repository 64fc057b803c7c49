//! The frame of every page: head, style, title.
//!
//! Invariant: nothing is loaded from anywhere; the page says so to the browser too.

use maud::{DOCTYPE, Markup, PreEscaped, html};

use super::{palette, spacetime};

const STYLE: &str = include_str!("style.css");
/// What a browser may load: nothing.
const POLICY: &str = "default-src 'none'; style-src 'unsafe-inline'";

/// A whole page.
pub(super) fn page(title: &str, body: &Markup) -> String {
    let style = format!("{}{STYLE}{}", palette::variables(), spacetime::STYLE);
    html! {
        (DOCTYPE)
        html lang="en" {
            head {
                meta charset="utf-8";
                meta name="viewport" content="width=device-width, initial-scale=1";
                meta http-equiv="Content-Security-Policy" content=(POLICY);
                title { (title) }
                style { (PreEscaped(style)) }
            }
            body { main { (body) } }
        }
    }
    .into_string()
}

/// A part of a page under its heading.
pub(super) fn part(id: &str, heading: &str, body: &Markup) -> Markup {
    html! { section id=(id) { h2 { (heading) } (body) } }
}

/// Rows of names and values.
pub(super) fn facts(rows: &[(String, String)]) -> Markup {
    html! {
        dl { @for (name, value) in rows { div { dt { (name) } dd { (value) } } } }
    }
}

//! What was owed after stabilisation, against the time that it may take.

use maud::{Markup, html};

use super::words;
use crate::history::{Duty, History};

/// How many are listed, those that came nearest to their bounds first.
const DUTIES: usize = 10;

pub(super) fn draw(history: &History) -> Markup {
    let mut duties: Vec<&Duty> = history.duties.iter().collect();
    duties.sort_by(|one, other| share(other).total_cmp(&share(one)));
    let left_out = duties.len().saturating_sub(DUTIES);
    html! {
        @if duties.is_empty() {
            p { "Nothing was owed yet: the run ended before its network stabilised." }
        } @else {
            p { "From stabilisation on nothing may take for ever: each bound is computed from the timeouts, the round of the worst node, the number of validators and the heights to catch up." }
            div.scroll { table.duties {
                tr { th { "owed" } th { "from" } th.number { "took" } th.number { "may take" } th { "share of the bound" } }
                @for duty in duties.iter().take(DUTIES) { (row(duty)) }
            } }
            @if left_out > 0 { p.muted { "Not listed: " (left_out) " more that came less near to their bounds." } }
        }
    }
}

fn row(duty: &Duty) -> Markup {
    let share = share(duty);
    let interrupted = !duty.kept && duty.took_ns() < duty.within_ns && share < 1.0;
    html! {
        tr {
            td { (duty.what) }
            td { (words::time(duty.since)) }
            td.number { (words::duration(duty.took_ns())) @if interrupted { ", not done" } }
            td.number { (words::duration(duty.within_ns)) }
            td {
                div.bar.over[!duty.kept] title=(words::percent(share)) {
                    span style=(format!("width:{:.1}%", (share * 100.0).min(100.0))) {}
                }
                @if !duty.kept { "not done" @if interrupted { " when the run ended" } } @else { (words::percent(share)) }
            }
        }
    }
}

fn share(duty: &Duty) -> f64 {
    duty.took_ns() as f64 / duty.within_ns.max(1) as f64
}

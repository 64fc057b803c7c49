//! Entries about timer services that cannot be trusted.

use super::{Entries, File, Ms, Turn};
use crate::chance::Site;
use crate::fault::Fault;
use crate::scenario::file::entries::Timers;
use crate::timers::TimerDials;

const TIMERS: Site = Site::new("scenario/file/timers");

impl Entries<'_> {
    pub(super) fn timers(&mut self, file: &File) {
        for (number, entry) in (0..).zip(&file.timers) {
            self.each(TIMERS, number, entry.times.as_ref(), |this, turn| {
                this.wrong_timers(entry, turn);
            });
        }
    }

    fn wrong_timers(&mut self, entry: &Timers, turn: &Turn) {
        let at = turn.at(&entry.at_ms);
        for node in entry.nodes.pick(&turn.0, &self.all()) {
            let ns = |key, dial| turn.own(node, key, dial).map_or(0, Ms::ns);
            let dials = TimerDials {
                early_ns: ns(1, entry.early_ms.as_ref()),
                late_ns: ns(2, entry.late_ms.as_ref()),
            };
            self.add(at, Fault::Timers { node, dials });
            if let Some(lasts) = turn.own(node, 0, entry.for_ms.as_ref()) {
                let dials = TimerDials::RIGHT;
                self.add(at.after_ns(lasts.ns()), Fault::Timers { node, dials });
            }
        }
    }
}

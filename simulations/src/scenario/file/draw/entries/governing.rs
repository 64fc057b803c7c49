//! Steps of the validator set, and other parameters, that a file asks for.

use super::super::super::File;
use super::super::super::dial::Ms;
use super::Entries;
use crate::chance::Site;
use crate::fault::{Fault, Tuning};

const LEAVE: Site = Site::new("scenario/file/leave");
const JOIN: Site = Site::new("scenario/file/join");
const ROTATE: Site = Site::new("scenario/file/rotate");
const TUNE: Site = Site::new("scenario/file/tune");
const REWEIGH: Site = Site::new("scenario/file/reweigh");

impl Entries<'_> {
    pub(super) fn governing(&mut self, file: &File) {
        for (number, entry) in (0..).zip(&file.leave) {
            self.each(LEAVE, number, entry.times.as_ref(), |this, turn| {
                let side = entry.nodes.pick(&turn.0, &this.all());
                let at = turn.at(&entry.at_ms);
                this.add(at, Fault::Leave { side: side.clone() });
                if let Some(lasts) = turn.value(0, entry.for_ms.as_ref()).map(Ms::ns) {
                    // One step each: what may leave at once is more than what may enter what is left.
                    for node in side {
                        let side = vec![node];
                        this.add(at.after_ns(lasts), Fault::Return { side });
                    }
                }
            });
        }
        for (number, entry) in (0..).zip(&file.join) {
            self.each(JOIN, number, None, |this, turn| {
                let side = entry.nodes.pick(&turn.0, &this.all());
                let at = turn.at(&entry.at_ms);
                this.add(at, Fault::Join { side });
            });
        }
        for (number, entry) in (0..).zip(&file.rotate) {
            self.each(ROTATE, number, entry.times.as_ref(), |this, turn| {
                let side = entry.nodes.pick(&turn.0, &this.all());
                let at = turn.at(&entry.at_ms);
                this.add(at, Fault::Rotate { side: side.clone() });
                if let Some(lasts) = turn.value(0, entry.for_ms.as_ref()).map(Ms::ns) {
                    this.add(at.after_ns(lasts), Fault::Rotate { side });
                }
            });
        }
        for (number, entry) in (0..).zip(&file.tune) {
            self.each(TUNE, number, entry.times.as_ref(), |this, turn| {
                let at = turn.at(&entry.at_ms);
                let percent = turn.value(1, entry.timers_percent.as_ref());
                this.add(
                    at,
                    Fault::Tune(Tuning {
                        timers_percent: percent.unwrap_or(Tuning::GENESIS.timers_percent),
                        block_transactions: turn.value(2, entry.block_transactions.as_ref()),
                    }),
                );
                if let Some(lasts) = turn.value(0, entry.for_ms.as_ref()).map(Ms::ns) {
                    this.add(at.after_ns(lasts), Fault::Tune(Tuning::GENESIS));
                }
            });
        }
        for (number, entry) in (0..).zip(&file.reweigh) {
            self.each(REWEIGH, number, entry.times.as_ref(), |this, turn| {
                let side = entry.nodes.pick(&turn.0, &this.all());
                let at = turn.at(&entry.at_ms);
                let power = turn.value(1, Some(&entry.power)).unwrap_or(1);
                let lasts = turn.value(0, entry.for_ms.as_ref()).map(Ms::ns);
                // Each has its own power of genesis.
                let back = side.iter().map(|node| Fault::Reweigh {
                    side: vec![*node],
                    power: this.scenario.power_of(*node),
                });
                let back: Vec<_> = back.collect();
                this.add(at, Fault::Reweigh { side, power });
                if let Some(lasts) = lasts {
                    let ends = at.after_ns(lasts);
                    back.into_iter().for_each(|step| this.add(ends, step));
                }
            });
        }
    }
}

//! What the world writes down for pictures, if it is asked to.
//!
//! Invariant: a run that is written down is the same run; see [`History`].

use std::sync::Arc;

use falaj_consensus::engine::{Alarm, Event as Consensus};
use falaj_consensus::types::Height;
use falaj_node::core::{Committed, Event, Frame};

use super::World;
use crate::checker::Observation;
use crate::fault::Fault;
use crate::history::{Content, Contradiction, Decision, Duty, History, Said, Trouble, What, When};
use crate::network::Delivery;
use crate::types::{NodeIndex, SimTime};

impl World {
    /// Writes down what is seen from now on.
    pub fn record(&mut self) {
        self.history = Some(Box::default());
    }

    /// What was written down.
    #[must_use]
    pub fn history(&self) -> Option<&History> {
        self.history.as_deref()
    }

    /// What was written down, taken out; nothing more is.
    pub fn take_history(&mut self) -> Option<History> {
        self.history.take().map(|history| *history)
    }

    /// Something was owed, and was done or not.
    pub(crate) fn write_duty(&mut self, duty: Duty) {
        if let Some(history) = &mut self.history {
            history.duties.push(duty);
        }
    }

    pub(super) fn write_sent(
        &mut self,
        from: NodeIndex,
        to: NodeIndex,
        content: Option<&Arc<Content>>,
        deliveries: &[Delivery],
    ) {
        let when = self.when();
        if let (Some(history), Some(content)) = (&mut self.history, content) {
            let arrivals: Vec<SimTime> = deliveries.iter().map(|delivery| delivery.at).collect();
            history.sent(when, (from, to), content, &arrivals);
        }
    }

    /// What a frame says, if that is written down.
    pub(super) fn content_of(&self, frame: Option<&Arc<Frame>>) -> Option<Arc<Content>> {
        let wanted = self.history.is_some();
        wanted.then(|| Arc::new(frame.map_or_else(Content::garbled, |frame| Content::of(frame))))
    }

    pub(super) fn write_missed(&mut self, at: SimTime, from: NodeIndex, to: NodeIndex) {
        if let Some(history) = &mut self.history {
            history.missed(at, from, to);
        }
    }

    pub(super) fn write_ended(&mut self, place: NodeIndex) {
        self.motion.moves(self.now());
        let when = self.when();
        if let Some(history) = &mut self.history {
            history.did(when, place, What::Ended);
        }
    }

    pub(super) fn write_trouble(&mut self, fault: Option<&Fault>) {
        let when = self.when();
        if let Some(history) = &mut self.history {
            let fault = fault.cloned();
            history.troubles.push(Trouble { when, fault });
        }
    }

    pub(super) fn write_seen(&mut self, place: NodeIndex, seen: &Observation<'_>) {
        if self.history.is_none() {
            return;
        }
        if let Observation::Committed(block) = seen {
            self.write_decision(place, block);
        } else if let Observation::Reported(Event::Alarm(alarm)) = seen {
            self.write_alarm(place, alarm);
        }
        let what = match seen {
            Observation::Started { height, .. } => Some(What::Started { height: *height }),
            Observation::Released { statement, .. } => {
                let own = self.index_at(place, statement.height());
                own.map(|own| What::Signed(Said::of(own, statement)))
            }
            Observation::Committed(block) => Some(What::Decided {
                height: block.header.height,
                round: block.certificate.round,
                block: block.id,
            }),
            Observation::Reported(event) => {
                self.open_of(place).and_then(|open| reported(event, open))
            }
            Observation::Replayed(_)
            | Observation::Intended(_)
            | Observation::Sent(_)
            | Observation::Received(_)
            | Observation::Appended { .. }
            | Observation::Durable { .. }
            | Observation::Held { .. } => None,
        };
        let when = self.when();
        if let (Some(history), Some(what)) = (&mut self.history, what) {
            history.did(when, place, what);
        }
    }

    /// The height that a node was in when it last said so. What it says now may be of a height that it has left.
    fn open_of(&self, place: NodeIndex) -> Option<Height> {
        let deeds = self.history()?.deeds.iter().rev();
        let mut own = deeds.filter(|deed| deed.node == place);
        own.find_map(|deed| {
            if let What::Started { height } = deed.what {
                Some(height.next())
            } else if let What::Round { height, .. } = deed.what {
                Some(height)
            } else {
                None
            }
        })
    }

    fn write_decision(&mut self, place: NodeIndex, block: &Committed) {
        let when = self.when();
        if let Some(history) = &mut self.history {
            history.decisions.push(Decision {
                when,
                node: place,
                certificate: block.certificate.clone(),
                transactions: block.transactions.len(),
            });
        }
    }

    fn write_alarm(&mut self, node: NodeIndex, alarm: &Alarm) {
        let when = self.when();
        if let (Some(history), Alarm::ConflictingCertificates { first, second }) =
            (&mut self.history, alarm)
        {
            history.contradictions.push(Contradiction {
                when,
                node,
                certificates: [(**first).clone(), (**second).clone()],
            });
        }
    }

    fn when(&self) -> When {
        When {
            at: self.now(),
            event: self.trace.events(),
        }
    }
}

/// What a replica reports, at its open height.
fn reported(event: &Event, open: Height) -> Option<What> {
    if let Event::Evidence(evidence) = event {
        let culprit = evidence.key().validator;
        return Some(What::Proven { culprit });
    }
    let Event::Consensus(event) = event else {
        return None;
    };
    match event {
        Consensus::RoundStarted {
            height,
            round,
            proposer,
        } => Some(What::Round {
            height: *height,
            round: *round,
            proposer: *proposer,
        }),
        Consensus::Locked(lock) => Some(What::Locked {
            height: open,
            round: lock.round,
            block: lock.id,
        }),
        Consensus::ValidValue { round, id } => Some(What::Polka {
            height: open,
            round: *round,
            block: *id,
        }),
        Consensus::TimedOut(timer) => Some(What::TimedOut {
            height: timer.height,
            round: timer.round,
            timer: timer.kind,
        }),
        Consensus::RoundBegun { .. }
        | Consensus::StepChanged { .. }
        | Consensus::SignRefused { .. }
        | Consensus::Dropped { .. } => None,
    }
}

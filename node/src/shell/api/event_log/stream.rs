//! The ledger's events as they become final, as server-sent events that are resumed by number.
//!
//! Invariant: numbers come in order without a gap; `id` is the number, so `Last-Event-ID` continues after it.
//! Source: WHATWG HTML, "Server-sent events"; `docs/spec/api.md`, "Ledger events" and "Streams".

use axum::extract::State;
use axum::http::HeaderMap;
use axum::response::sse::{Event as Sent, Sse};
use falaj_consensus::types::Height;
use falaj_ledger::event::Event;
use futures::Stream;
use serde::Deserialize;
use std::collections::VecDeque;
use std::convert::Infallible;
use std::sync::Arc;
use tokio::sync::{OwnedSemaphorePermit, watch};
use utoipa::IntoParams;

use super::super::context::Api;
use super::super::events::{STORE_RETRY, after_last, event, sent};
use super::super::problem::Problem;
use super::super::request::{self, Asked};
use super::log;
use super::view::EventView;

/// Events that are read at once.
const AHEAD: usize = 256;

/// `?from_sequence=`.
#[derive(Default, Deserialize, IntoParams)]
#[into_params(parameter_in = Query)]
#[serde(deny_unknown_fields)]
pub(in crate::shell::api) struct From {
    /// First event; the next one to happen if absent.
    from_sequence: Option<String>,
}

/// The ledger's events, one event `event` each, as their blocks become final.
///
/// The event's id is its number: `Last-Event-ID` goes on after it.
#[utoipa::path(
    get,
    path = "/v1/events/ledger",
    tag = "events",
    params(From, ("Last-Event-ID" = Option<String>, Header, description = "Number of the last event seen.")),
    responses(
        (status = 200, description = "A stream of events; the data of each is this object.", body = EventView, content_type = "text/event-stream"),
    ),
)]
pub(in crate::shell::api) async fn stream(
    State(api): State<Arc<Api>>,
    Asked(from): Asked<From>,
    headers: HeaderMap,
) -> Result<Sse<impl Stream<Item = Result<Sent, Infallible>>>, Problem> {
    let cursor = Cursor::open(Arc::clone(&api), &from, &headers)?;
    let events = futures::stream::unfold(cursor, |mut cursor| async move {
        let found = cursor.advance().await?;
        let api = &cursor.api;
        let view = EventView::of(&api.snapshot().state, &api.node.genesis.network, &found);
        Some((event("event", found.sequence, &view)?, cursor))
    });
    Ok(sent(api, events))
}

struct Cursor {
    api: Arc<Api>,
    next: u64,
    ahead: VecDeque<Event>,
    heights: watch::Receiver<Height>,
    _room: OwnedSemaphorePermit,
}

impl Cursor {
    fn open(api: Arc<Api>, from: &From, headers: &HeaderMap) -> Result<Self, Problem> {
        let room = api.stream()?;
        let heights = api.node.view.heights();
        let next = match (after_last(headers)?, &from.from_sequence) {
            (Some(next), _) => next,
            (None, Some(from)) => request::number(from, "from_sequence")?,
            (None, None) => api.snapshot().outcome.events,
        };
        let floor = api.node.floor;
        if next < floor.events {
            return Err(Problem::before_snapshot(floor.height));
        }
        Ok(Self {
            api,
            next,
            ahead: VecDeque::new(),
            heights,
            _room: room,
        })
    }

    /// The next event, once its block is final; `None` when the node stops.
    async fn advance(&mut self) -> Option<Event> {
        loop {
            if let Some(event) = self.ahead.pop_front() {
                self.next = event.sequence.saturating_add(1);
                return Some(event);
            }
            self.heights.borrow_and_update();
            let (next, size) = (self.next, self.api.snapshot().outcome.events);
            if next >= size {
                self.heights.changed().await.ok()?;
                continue;
            }
            match log(&self.api, move |log| log.events(next, size, AHEAD)).await {
                Ok(events) => self.ahead = events.into(),
                Err(_) => tokio::time::sleep(STORE_RETRY).await,
            }
        }
    }
}

//! Final blocks as they come, as server-sent events that are resumed by height.
//!
//! Invariant: heights come in order without a gap; `id` is the height, so `Last-Event-ID` continues after it.
//! `receipts` gives per block what became of each transaction, for clients that wait for thousands at once; `blocks` gives the headers.
//! Source: WHATWG HTML, "Server-sent events"; `docs/spec/api.md`, "Streams".

use axum::extract::State;
use axum::http::HeaderMap;
use axum::response::sse::{Event, KeepAlive, Sse};
use falaj_consensus::types::Height;
use falaj_ledger::receipt::Receipt;
use falaj_ledger::rejection::Rejection;
use futures::{Stream, StreamExt as _};
use serde::{Deserialize, Serialize};
use std::convert::Infallible;
use std::sync::Arc;
use std::time::Duration;
use tokio::sync::{OwnedSemaphorePermit, watch};
use utoipa::{IntoParams, ToSchema};

use super::blocks::{Found, read};
use super::context::Api;
use super::problem::Problem;
use super::request::{self, Asked};
use super::views::BlockView;

/// How often the store is asked again for a block that it is about to have.
pub(super) const STORE_RETRY: Duration = Duration::from_millis(50);
const KEEP_ALIVE: Duration = Duration::from_secs(15);
/// The header by which a client goes on where it was.
const LAST_EVENT_ID: &str = "Last-Event-ID";

/// `?from_height=`.
#[derive(Default, Deserialize, IntoParams)]
#[into_params(parameter_in = Query)]
#[serde(deny_unknown_fields)]
pub(super) struct From {
    /// First height; the next one to become final if absent.
    from_height: Option<String>,
}

/// What became of a block's transactions.
#[derive(Serialize, ToSchema)]
pub(super) struct ReceiptsEvent {
    height: u64,
    time_us: u64,
    receipts: Vec<ReceiptLine>,
}

/// What became of a transaction, short.
#[derive(Serialize, ToSchema)]
pub(super) struct ReceiptLine {
    participant: u32,
    id: String,
    /// 0 for executed.
    code: u16,
}

/// What became of each transaction, one event `receipts` a block.
///
/// The event's id is the height: `Last-Event-ID` goes on after it.
#[utoipa::path(
    get,
    path = "/v1/events/receipts",
    operation_id = "stream_receipts",
    tag = "events",
    params(From, ("Last-Event-ID" = Option<String>, Header, description = "Height of the last event seen.")),
    responses(
        (status = 200, description = "A stream of events; the data of each is this object.", body = ReceiptsEvent, content_type = "text/event-stream"),
    ),
)]
pub(super) async fn receipts(
    State(api): State<Arc<Api>>,
    Asked(from): Asked<From>,
    headers: HeaderMap,
) -> Result<Sse<impl Stream<Item = Result<Event, Infallible>>>, Problem> {
    let cursor = Cursor::open(api, &from, &headers)?;
    Ok(stream(cursor, "receipts", |block| ReceiptsEvent {
        height: block.header.height.get(),
        time_us: block.header.time_us,
        receipts: block.receipts.iter().map(line).collect(),
    }))
}

/// Final blocks, one event `block` each.
///
/// The event's id is the height: `Last-Event-ID` goes on after it.
#[utoipa::path(
    get,
    path = "/v1/events/blocks",
    operation_id = "stream_blocks",
    tag = "events",
    params(From, ("Last-Event-ID" = Option<String>, Header, description = "Height of the last event seen.")),
    responses(
        (status = 200, description = "A stream of events; the data of each is this object.", body = BlockView, content_type = "text/event-stream"),
    ),
)]
pub(super) async fn blocks(
    State(api): State<Arc<Api>>,
    Asked(from): Asked<From>,
    headers: HeaderMap,
) -> Result<Sse<impl Stream<Item = Result<Event, Infallible>>>, Problem> {
    let cursor = Cursor::open(api, &from, &headers)?;
    Ok(stream(cursor, "block", Found::view))
}

fn line(receipt: &Receipt) -> ReceiptLine {
    ReceiptLine {
        participant: receipt.key.participant.get(),
        id: receipt.key.id.to_string(),
        code: receipt.verdict.rejection().map_or(0, Rejection::code),
    }
}

struct Cursor {
    api: Arc<Api>,
    next: Height,
    heights: watch::Receiver<Height>,
    _room: OwnedSemaphorePermit,
}

impl Cursor {
    fn open(api: Arc<Api>, from: &From, headers: &HeaderMap) -> Result<Self, Problem> {
        let room = api.stream()?;
        let heights = api.node.view.heights();
        let next = match (after_last(headers)?, &from.from_height) {
            (Some(next), _) => Height::new(next),
            (None, Some(from)) => request::height(from)?,
            (None, None) => heights.borrow().next(),
        };
        let next = next.max(Height::new(1));
        api.expect_begun(next)?;
        Ok(Self {
            api,
            next,
            heights,
            _room: room,
        })
    }

    /// The next block, once it is final; `None` when the node stops.
    async fn advance(&mut self) -> Option<Found> {
        loop {
            let last = *self.heights.borrow_and_update();
            if self.next > last {
                self.heights.changed().await.ok()?;
                continue;
            }
            if let Ok(Some(found)) = read(&self.api, self.next).await {
                self.next = self.next.next();
                return Some(found);
            }
            tokio::time::sleep(STORE_RETRY).await;
        }
    }
}

fn stream<T: Serialize>(
    cursor: Cursor,
    name: &'static str,
    tell: impl Fn(&Found) -> T + Copy + Send + 'static,
) -> Sse<impl Stream<Item = Result<Event, Infallible>>> {
    let api = Arc::clone(&cursor.api);
    let events = futures::stream::unfold(cursor, move |mut cursor| async move {
        let found = cursor.advance().await?;
        let height = found.header.height.get();
        Some((event(name, height, &tell(&found))?, cursor))
    });
    sent(api, events)
}

/// The number after that of the last event which a client has seen, if it says so. One that cannot be read is refused: what was missed
/// would be left out.
pub(super) fn after_last(headers: &HeaderMap) -> Result<Option<u64>, Problem> {
    let Some(last) = headers.get(LAST_EVENT_ID) else {
        return Ok(None);
    };
    let last = request::number(last.to_str().unwrap_or_default(), LAST_EVENT_ID)?;
    let next = last.checked_add(1);
    let none = || Problem::bad_parameter(LAST_EVENT_ID, "there is no number after it");
    next.map(Some).ok_or_else(none)
}

/// An event under its number.
pub(super) fn event(name: &str, id: u64, data: &impl Serialize) -> Option<Event> {
    let event = Event::default().event(name).id(id.to_string());
    event.json_data(data).ok()
}

/// Sends events until the node stops, and now and then that the stream is alive.
pub(super) fn sent<S>(
    api: Arc<Api>,
    events: S,
) -> Sse<impl Stream<Item = Result<Event, Infallible>>>
where
    S: Stream<Item = Event> + Send + 'static,
{
    let stopped = async move { api.stopping().await };
    let events = events.map(Ok).take_until(stopped);
    Sse::new(events).keep_alive(KeepAlive::new().interval(KEEP_ALIVE))
}

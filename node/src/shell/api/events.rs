//! Final blocks as they come, as server-sent events that are resumed by height.
//!
//! Invariant: heights come in order without a gap; `id` is the height, so `Last-Event-ID` continues after it.
//! `receipts` gives per block what became of each transaction, for clients that wait for thousands at once; `blocks` gives the headers.
//! Source: WHATWG HTML, "Server-sent events"; `docs/spec/api.md`, "Streams".

use axum::extract::State;
use axum::http::{HeaderMap, HeaderValue};
use axum::response::sse::{Event, KeepAlive, Sse};
use falaj_consensus::types::Height;
use falaj_ledger::receipt::Receipt;
use falaj_ledger::rejection::Rejection;
use futures::Stream;
use serde::{Deserialize, Serialize};
use std::convert::Infallible;
use std::sync::Arc;
use std::time::Duration;
use tokio::sync::{OwnedSemaphorePermit, watch};
use utoipa::{IntoParams, ToSchema};

use super::context::Api;
use super::problem::Problem;
use super::request::{self, Asked};
use super::views::BlockView;

/// How often the store is asked again for a block that it is about to have.
pub(super) const STORE_RETRY: Duration = Duration::from_millis(50);
/// The header by which a client goes on where it was.
pub(super) const LAST_EVENT_ID: &str = "Last-Event-ID";
const KEEP_ALIVE: Duration = Duration::from_secs(15);

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
        height: block.view.height,
        time_us: block.view.time_us,
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
    Ok(stream(cursor, "block", |block| block.view))
}

fn line(receipt: &Receipt) -> ReceiptLine {
    ReceiptLine {
        participant: receipt.key.participant.get(),
        id: receipt.key.id.to_string(),
        code: receipt.verdict.rejection().map_or(0, Rejection::code),
    }
}

/// A block as both streams tell it.
struct Told {
    view: BlockView,
    receipts: Vec<Receipt>,
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
        let next = match (last_id(headers)?, &from.from_height) {
            (Some(after), _) => after_last(after)?,
            (None, Some(from)) => request::height(from)?,
            (None, None) => heights.borrow().next(),
        };
        let next = next.max(Height::new(1));
        Ok(Self {
            api,
            next,
            heights,
            _room: room,
        })
    }

    /// The next block, once it is final; `None` when the node stops.
    async fn advance(&mut self) -> Option<Told> {
        loop {
            let last = *self.heights.borrow_and_update();
            if self.next > last {
                self.heights.changed().await.ok()?;
                continue;
            }
            if let Some(told) = self.read().await {
                self.next = self.next.next();
                return Some(told);
            }
            tokio::time::sleep(STORE_RETRY).await;
        }
    }

    async fn read(&self) -> Option<Told> {
        let height = self.next;
        if let Some(recent) = self.api.node.view.recent().get(height) {
            let block = &recent.block;
            let view = BlockView::of(&block.header, &block.executed.outcome, &block.certificate);
            let receipts = recent.receipts().to_vec();
            return Some(Told { view, receipts });
        }
        let read = self.api.history(move |history| {
            let Some(page) = history.block(height)? else {
                return Ok(None);
            };
            let view = BlockView::of(&page.header, &page.outcome, &page.certificate);
            let receipts = history.receipts(height)?;
            Ok(Some(Told { view, receipts }))
        });
        read.await.ok().flatten()
    }
}

/// The height after an event id that was ours.
fn after_last(id: &str) -> Result<Height, Problem> {
    let last = request::number(id, LAST_EVENT_ID)?;
    let next = last.checked_add(1);
    next.map(Height::new)
        .ok_or_else(|| Problem::malformed(LAST_EVENT_ID, "there is no height after it"))
}

fn stream<T: Serialize>(
    cursor: Cursor,
    name: &'static str,
    tell: impl Fn(Told) -> T + Copy + Send + 'static,
) -> Sse<impl Stream<Item = Result<Event, Infallible>>> {
    let events = futures::stream::unfold(cursor, move |mut cursor| async move {
        let api = Arc::clone(&cursor.api);
        let told = tokio::select! {
            told = cursor.advance() => told?,
            () = api.stopping() => return None,
        };
        let id = told.view.height.to_string();
        let event = Event::default().event(name).id(id);
        let event = event.json_data(tell(told)).ok()?;
        Some((Ok(event), cursor))
    });
    kept_alive(events)
}

/// The id of the last event that a client has seen, if it says so. One that cannot be read is refused: what was missed would be left out.
pub(super) fn last_id(headers: &HeaderMap) -> Result<Option<&str>, Problem> {
    let stated = headers.get(LAST_EVENT_ID).map(HeaderValue::to_str);
    let unreadable = |_| Problem::malformed(LAST_EVENT_ID, "a decimal number is needed");
    stated.transpose().map_err(unreadable)
}

/// A stream that says now and then that it is alive.
pub(super) fn kept_alive<S>(events: S) -> Sse<impl Stream<Item = Result<Event, Infallible>>>
where
    S: Stream<Item = Result<Event, Infallible>> + Send + 'static,
{
    Sse::new(events).keep_alive(KeepAlive::new().interval(KEEP_ALIVE))
}

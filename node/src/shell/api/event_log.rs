//! The ledger's events: a page of them, one with its proof, and the proof that the log only grew.
//!
//! Invariant: an answer is of the log as it was after one final block, named by its height; a cursor keeps that height, so pages that are read
//! over many blocks are pages of one log. Every event says its own number, so whoever reads them sees that none is missing.
//! Source: `docs/spec/api.md`, "Ledger events"; `docs/spec/ledger.md`, "Events".

mod read;
mod stream;
mod view;

pub(super) use stream::{__path_stream, stream};

use axum::Json;
use axum::extract::State;
use falaj_consensus::types::Height;
use falaj_ledger::bundle::{Bundle, EventBundle, LogExtensionBundle};
use falaj_ledger::event::Event;
use falaj_ledger::log_tree::{consistency_over, inclusion_over};
use serde::{Deserialize, Serialize};
use std::sync::Arc;
use utoipa::{IntoParams, ToSchema};

use super::context::Api;
use super::problem::Problem;
use super::request::{self, Asked, Named};
use super::transaction::BundleView;
use super::views::page_length;
use read::{Log, ReadError};
use view::EventView;

/// A page of events.
#[derive(Clone, Debug, Serialize, ToSchema)]
pub(super) struct EventsPage {
    /// Height of the block after which the log was read.
    height: u64,
    /// How many events there were then, since genesis.
    events: u64,
    /// Some of them, in order.
    items: Vec<EventView>,
    /// What to give as `cursor` for the next page of the same log; absent on the last.
    #[serde(skip_serializing_if = "Option::is_none")]
    next: Option<String>,
}

/// An event.
#[derive(Clone, Debug, Serialize, ToSchema)]
pub(super) struct EventAnswer {
    /// Height of the block after which the log was read.
    height: u64,
    /// The event.
    event: EventView,
    /// The proof, if it was asked for.
    #[serde(skip_serializing_if = "Option::is_none")]
    proof: Option<BundleView>,
}

/// `?from_sequence=&from_height=&height=&limit=&cursor=`.
#[derive(Default, Deserialize, IntoParams)]
#[into_params(parameter_in = Query)]
#[serde(deny_unknown_fields)]
pub(super) struct Events {
    /// First event; the first of all if neither this nor `from_height` is given.
    from_sequence: Option<u64>,
    /// Begin with the first event of this height or later.
    from_height: Option<u64>,
    /// The log as it was after the block of this height; the last final one if absent.
    height: Option<u64>,
    /// Most entries: 100 if absent, at most 1,000.
    limit: Option<usize>,
    /// `next` of the page before, in place of the other three.
    cursor: Option<String>,
}

/// `?proof=&height=`.
#[derive(Default, Deserialize, IntoParams)]
#[into_params(parameter_in = Query)]
#[serde(deny_unknown_fields)]
pub(super) struct OneEvent {
    /// Give the proof against the certificate of that height too.
    #[serde(default)]
    proof: bool,
    /// The log as it was after the block of this height; the last final one if absent.
    height: Option<u64>,
}

/// Where a page begins, in the log after which block.
struct Begin {
    height: Height,
    at: At,
}

enum At {
    Sequence(u64),
    Height(Height),
}

/// Events in order of their numbers, a page at a time.
#[utoipa::path(
    get,
    path = "/v1/events",
    operation_id = "events",
    tag = "events",
    params(Events),
    responses((status = 200, description = "A page.", body = EventsPage)),
)]
pub(super) async fn list(
    State(api): State<Arc<Api>>,
    Asked(asked): Asked<Events>,
) -> Result<Json<EventsPage>, Problem> {
    let limit = page_length(asked.limit);
    let Begin { height, at } = begin(&api, &asked)?;
    let (size, first, events) = log(&api, move |log| {
        let size = log.size_at(height)?;
        let first = match at {
            At::Sequence(first) => first,
            At::Height(from) => log.size_before(from.min(height.next()))?,
        };
        Ok((size, first, log.events(first, size, limit)?))
    })
    .await?;
    let next = events.last().map_or(first, |last| last.sequence + 1);
    let more = !events.is_empty() && next < size;
    Ok(Json(EventsPage {
        height: height.get(),
        events: size,
        items: views(&api, &events),
        next: more.then(|| format!("{height}.{next}")),
    }))
}

/// An event by its number.
#[utoipa::path(
    get,
    path = "/v1/events/{sequence}",
    operation_id = "event",
    tag = "events",
    params(("sequence" = u64, Path, description = "Its number since genesis, from 0."), OneEvent),
    responses((status = 200, description = "The event.", body = EventAnswer)),
)]
pub(super) async fn one(
    State(api): State<Arc<Api>>,
    Named(sequence): Named<String>,
    Asked(OneEvent { proof, height }): Asked<OneEvent>,
) -> Result<Json<EventAnswer>, Problem> {
    let sequence = request::number(&sequence, "sequence")?;
    let height = api.final_height(height)?;
    let found = log(&api, move |log| {
        let size = log.size_at(height)?;
        let Some(event) = log.events(sequence, size, 1)?.pop() else {
            return Ok(None);
        };
        let bundle = if proof {
            Some(prove(log, height, event.clone())?)
        } else {
            None
        };
        Ok(Some((event, bundle)))
    })
    .await?;
    let (event, mut proof) = found.ok_or_else(|| {
        Problem::not_found("the log after this block has no such event").at_height(height.get())
    })?;
    if let Some(bundle) = &mut proof {
        bundle.certified = api.proven(bundle.certified.clone())?;
    }
    Ok(Json(EventAnswer {
        height: height.get(),
        event: EventView::of(&api.snapshot().state, &api.node.genesis.network, &event),
        proof: proof.map(|bundle| BundleView::of(&Bundle::Event(bundle))),
    }))
}

/// The proof that the event log after a block begins with the whole log after an earlier one.
#[utoipa::path(
    get,
    path = "/v1/proofs/log-extension/{earlier}/{later}",
    tag = "proofs",
    params(
        ("earlier" = String, Path, description = "Height of the earlier block."),
        ("later" = String, Path, description = "Height of the later block."),
    ),
    responses((status = 200, description = "The proof.", body = BundleView)),
)]
pub(super) async fn extension(
    State(api): State<Arc<Api>>,
    Named((earlier, later)): Named<(String, String)>,
) -> Result<Json<BundleView>, Problem> {
    let (earlier, later) = (request::height(&earlier)?, request::height(&later)?);
    if earlier > later {
        let detail = "the earlier height is above the later one";
        return Err(Problem::bad_parameter("earlier", detail));
    }
    let later = api.final_height(Some(later.get()))?;
    let mut bundle = log(&api, move |log| {
        let (earlier, later) = (log.certified(earlier)?, log.certified(later)?);
        let (old, new) = (earlier.outcome().events, later.outcome().events);
        let consistency = consistency_over(log, old, new)?.ok_or(ReadError::NotHere)?;
        Ok(LogExtensionBundle {
            earlier,
            later,
            consistency,
        })
    })
    .await?;
    bundle.earlier = api.proven(bundle.earlier)?;
    bundle.later = api.proven(bundle.later)?;
    Ok(Json(BundleView::of(&Bundle::LogExtension(Box::new(
        bundle,
    )))))
}

fn prove(log: &mut Log<'_>, height: Height, event: Event) -> Result<EventBundle, ReadError> {
    let certified = log.certified(height)?;
    let size = certified.outcome().events;
    let inclusion = inclusion_over(log, event.sequence, size)?.ok_or(ReadError::NotHere)?;
    Ok(EventBundle {
        certified,
        event,
        inclusion,
    })
}

fn begin(api: &Api, asked: &Events) -> Result<Begin, Problem> {
    if let Some(cursor) = &asked.cursor {
        let alone = (asked.from_sequence, asked.from_height, asked.height) == (None, None, None);
        let both = cursor.split_once('.').filter(|_| alone);
        let (height, next) =
            both.ok_or_else(|| Problem::bad_parameter("cursor", "`next` of a page, and alone"))?;
        let height = request::number(height, "cursor")?;
        return Ok(Begin {
            height: api.final_height(Some(height))?,
            at: At::Sequence(request::number(next, "cursor")?),
        });
    }
    let at = match (asked.from_sequence, asked.from_height) {
        (Some(_), Some(_)) => {
            let detail = "`from_sequence` or `from_height`, not both";
            return Err(Problem::bad_parameter("from_height", detail));
        }
        (first, None) => At::Sequence(first.unwrap_or(0)),
        (None, Some(height)) => At::Height(Height::new(height)),
    };
    let height = api.final_height(asked.height)?;
    Ok(Begin { height, at })
}

/// Reads the log on a thread that may wait for the disk.
async fn log<T: Send + 'static>(
    api: &Arc<Api>,
    read: impl FnOnce(&mut Log<'_>) -> Result<T, ReadError> + Send + 'static,
) -> Result<T, Problem> {
    let node = Arc::clone(&api.node);
    let done = api.aside(move || read(&mut Log::open(&node.view, &*node.store, node.floor)));
    Ok(done.await??)
}

fn views(api: &Api, events: &[Event]) -> Vec<EventView> {
    let (snapshot, network) = (api.snapshot(), &api.node.genesis.network);
    let view = |event| EventView::of(&snapshot.state, network, event);
    events.iter().map(view).collect()
}

impl From<ReadError> for Problem {
    fn from(error: ReadError) -> Self {
        match error {
            ReadError::Store(error) => error.into(),
            ReadError::NotHere => {
                Self::internal("the events are final and not in the store").retry_after(1)
            }
            ReadError::BeforeSnapshot(floor) => Self::before_snapshot(floor),
            ReadError::Genesis => Self::not_found("genesis has no block, so nobody certified it"),
        }
    }
}

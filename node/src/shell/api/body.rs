//! Reading bodies: each within its bound, and all that are in memory at once within another.
//!
//! Invariant: a body is at most [`BODY_BYTES_MAX`] and comes within [`BODY_TIMEOUT`]; what all of them take, read in part or whole, is at most
//! what the node has room for. Room is taken for what is allocated, as bytes come: whoever states much and sends little holds little.
//! Nothing waits for room: whoever finds none is told so, and may come again.
//! Source: `docs/spec/api.md`, "Problems".

use axum::body::Body;
use axum::http::{HeaderMap, StatusCode, header};
use falaj_ledger::rejection::Rejection;
use http_body_util::BodyExt as _;
use std::sync::Arc;
use std::time::Duration;
use tokio::sync::{OwnedSemaphorePermit, Semaphore};

use super::problem::Problem;

/// Most bytes of a request's body.
pub(super) const BODY_BYTES_MAX: usize = 1 << 20;
/// Most bytes of all bodies that are in memory.
pub(super) const BODIES_BYTES_MAX: usize = 64 << 20;
/// Longest time for a body to come.
const BODY_TIMEOUT: Duration = Duration::from_secs(10);

/// The bodies of a node.
pub(super) struct Bodies {
    room: Arc<Semaphore>,
    patience: Duration,
}

/// A whole body, which holds its room until it is dropped.
#[derive(Debug)]
pub(super) struct WholeBody {
    /// The bytes.
    pub(super) bytes: Vec<u8>,
    /// Their room, for whoever takes the bytes out.
    pub(super) room: OwnedSemaphorePermit,
}

impl Bodies {
    /// Room for so many bytes.
    pub(super) fn new(bytes_max: usize) -> Self {
        Self {
            room: Arc::new(Semaphore::new(bytes_max)),
            patience: BODY_TIMEOUT,
        }
    }

    /// Reads a whole body.
    pub(super) async fn read(&self, headers: &HeaderMap, body: Body) -> Result<WholeBody, Problem> {
        let stated = headers.get(header::CONTENT_LENGTH);
        let stated = stated.and_then(|length| length.to_str().ok()?.parse::<usize>().ok());
        if stated.is_some_and(|length| length > BODY_BYTES_MAX) {
            return Err(too_large());
        }
        let whole = tokio::time::timeout(self.patience, self.whole(body)).await;
        whole.map_err(|_| {
            let title = "the body did not come in time";
            Problem::new(StatusCode::REQUEST_TIMEOUT, "timeout", title)
        })?
    }

    async fn whole(&self, mut body: Body) -> Result<WholeBody, Problem> {
        let mut whole = WholeBody {
            bytes: Vec::new(),
            room: self.take(0)?,
        };
        while let Some(frame) = body.frame().await {
            let frame = frame.map_err(|_| Problem::malformed("body", "the body was cut short"))?;
            // Trailers say nothing to us.
            if let Ok(data) = frame.into_data() {
                self.append(&mut whole, &data)?;
            }
        }
        Ok(whole)
    }

    fn append(&self, whole: &mut WholeBody, data: &[u8]) -> Result<(), Problem> {
        let length = whole.bytes.len().saturating_add(data.len());
        if length > BODY_BYTES_MAX {
            return Err(too_large());
        }
        if length > whole.bytes.capacity() {
            let doubled = whole.bytes.capacity().saturating_mul(2);
            let capacity = doubled.clamp(length, BODY_BYTES_MAX);
            let more = capacity.saturating_sub(whole.room.num_permits());
            whole.room.merge(self.take(more)?);
            whole
                .bytes
                .reserve_exact(capacity.saturating_sub(whole.bytes.len()));
        }
        whole.bytes.extend_from_slice(data);
        Ok(())
    }

    fn take(&self, bytes: usize) -> Result<OwnedSemaphorePermit, Problem> {
        let bytes = u32::try_from(bytes).map_err(|_| too_large())?;
        let room = Arc::clone(&self.room).try_acquire_many_owned(bytes);
        room.map_err(|_| {
            let detail = "the bodies of other requests take all the room there is for them";
            Problem::of(Rejection::MempoolFull).because(detail)
        })
    }
}

fn too_large() -> Problem {
    let detail = format!("a body has at most {BODY_BYTES_MAX} bytes");
    Problem::of(Rejection::TooLarge).because(detail)
}

#[cfg(test)]
mod tests {
    use super::*;
    use futures::StreamExt as _;
    use std::convert::Infallible;

    fn of(frames: &[usize]) -> Body {
        let frames: Vec<_> = frames.iter().map(|length| vec![7; *length]).collect();
        Body::from_stream(futures::stream::iter(
            frames.into_iter().map(Ok::<_, Infallible>),
        ))
    }

    async fn read(bodies: &Bodies, frames: &[usize]) -> Result<WholeBody, String> {
        let read = bodies.read(&HeaderMap::new(), of(frames)).await;
        read.map_err(|problem| format!("{problem:?}"))
    }

    // A body that never ends costs its sender the request and nobody anything else.
    #[tokio::test]
    async fn a_body_that_never_ends_is_given_up() {
        let begun = futures::stream::iter([Ok::<_, Infallible>("begun")]);
        let endless = Body::from_stream(begun.chain(futures::stream::pending()));
        let bodies = Bodies {
            patience: Duration::from_millis(1),
            ..Bodies::new(100)
        };
        let given_up = bodies.read(&HeaderMap::new(), endless).await;
        let problem = format!("{:?}", given_up.unwrap_err());
        assert!(
            problem.contains("408") && problem.contains("timeout"),
            "{problem}"
        );
        assert_eq!(bodies.room.available_permits(), 100);
    }

    #[tokio::test]
    async fn a_body_is_read_whole_and_holds_what_it_takes() {
        let bodies = Bodies::new(100);
        let whole = read(&bodies, &[3, 0, 30, 1]).await.unwrap();
        assert_eq!(whole.bytes, [7; 34]);
        assert_eq!(whole.room.num_permits(), whole.bytes.capacity());
        assert_eq!(
            bodies.room.available_permits(),
            100 - whole.bytes.capacity()
        );
        drop(whole);
        assert_eq!(bodies.room.available_permits(), 100);
    }

    #[tokio::test]
    async fn bodies_are_bounded_in_sum() {
        let bodies = Bodies::new(100);
        let first = read(&bodies, &[60]).await.unwrap();
        let problem = read(&bodies, &[20, 21]).await.unwrap_err();
        assert!(
            problem.contains("429") && problem.contains("6001"),
            "{problem}"
        );
        assert!(read(&bodies, &[40]).await.is_ok());
        drop(first);
        assert!(read(&bodies, &[20, 21]).await.is_ok());
    }

    #[tokio::test]
    async fn a_body_is_bounded_by_itself() {
        let bodies = Bodies::new(BODIES_BYTES_MAX);
        let half = BODY_BYTES_MAX / 2;
        assert!(read(&bodies, &[half, half]).await.is_ok());
        for frames in [&[half, half, 1][..], &[BODY_BYTES_MAX + 1]] {
            let problem = read(&bodies, frames).await.unwrap_err();
            assert!(problem.contains("1012"), "{problem}");
        }
        let mut headers = HeaderMap::new();
        headers.insert(header::CONTENT_LENGTH, (BODY_BYTES_MAX + 1).into());
        assert!(bodies.read(&headers, of(&[1])).await.is_err());
        assert_eq!(bodies.room.available_permits(), BODIES_BYTES_MAX);
    }
}

//! The first words on a connection: each end says hello, each judges the other's.
//!
//! Invariant: it succeeds only if both have accepted, and both know it.
//! Order on the control stream, in each direction: hello, then accept or refuse. Anything else ends the connection.
//! Called by [`super::Link`], within `hello_timeout_ms`.

use std::time::Duration;

use libp2p::Stream;
use tokio::sync::{mpsc, oneshot};
use tokio::time::timeout;

use super::super::control::Control as Message;
use super::super::error::LinkError;
use super::super::inbox::{HelloAnswer, HelloRequest};
use super::{ControlReader, ControlWriter, Link, Report, opened, report};

/// How long the peer has to read why it was refused.
const REFUSAL_WAIT: Duration = Duration::from_secs(1);

pub(super) async fn greet(
    link: &Link,
    outgoing: oneshot::Receiver<Stream>,
    incoming: oneshot::Receiver<Stream>,
    reports: &mpsc::UnboundedSender<Report>,
) -> Result<(ControlWriter, ControlReader), LinkError> {
    let mut writer = ControlWriter::new(opened(outgoing).await?);
    say(&mut writer, &Message::Hello(link.hello.clone())).await?;
    let mut reader = ControlReader::new(opened(incoming).await?);
    let Message::Hello(hello) = reader.next().await? else {
        return Err(LinkError::Control {
            detail: "something else than a hello first",
        });
    };
    let (request, answer) = HelloRequest::new(link.peer.id, hello);
    report(reports, Report::Hello(request))?;
    let reason = match answer.await {
        Ok(HelloAnswer::Accept) => None,
        Ok(HelloAnswer::Refuse(reason)) => Some(reason),
        Err(_) => Some("no answer from the host".to_owned()),
    };
    if let Some(reason) = reason {
        report(
            reports,
            Report::Refused(LinkError::HelloRefusedHere {
                reason: reason.clone(),
            }),
        )?;
        return Err(refuse(&mut writer, &mut reader, reason).await);
    }
    say(&mut writer, &Message::Accept).await?;
    match reader.next().await? {
        Message::Accept => Ok((writer, reader)),
        Message::Refuse(reason) => Err(LinkError::HelloRefusedThere { reason }),
        Message::Hello(_) | Message::Ping(_) | Message::Pong(_) => Err(LinkError::Control {
            detail: "something else than a verdict on our hello",
        }),
    }
}

async fn say(writer: &mut ControlWriter, message: &Message) -> Result<(), LinkError> {
    writer.push(message)?;
    writer.flush().await
}

/// Tells the peer why, and leaves it the time to read it: closing at once could overtake the reason.
async fn refuse(
    writer: &mut ControlWriter,
    reader: &mut ControlReader,
    reason: String,
) -> LinkError {
    if say(writer, &Message::Refuse(reason.clone())).await.is_ok() {
        // The peer closes once it has read this; until then it may still send its own verdict.
        let closed = async { while reader.next().await.is_ok() {} };
        timeout(REFUSAL_WAIT, closed).await.ok();
    }
    LinkError::HelloRefusedHere { reason }
}

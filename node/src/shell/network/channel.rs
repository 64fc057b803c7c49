//! The streams of a connection: one of control and one per class, in each direction.
//!
//! Invariant: the end that opens a stream is the only one that writes to it.
//! Source: `docs/spec/wire.md`, section Transport.

use std::convert::Infallible;
use std::future::{Ready, ready};

use libp2p::core::upgrade::{InboundUpgrade, OutboundUpgrade, UpgradeInfo};
use libp2p::{Stream, StreamProtocol};

use super::class::Class;

/// What a stream is for.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord)]
pub(super) enum Channel {
    Control,
    Class(Class),
}

impl Channel {
    pub(super) const ALL: [Self; 5] = [
        Self::Control,
        Self::Class(Class::Votes),
        Self::Class(Class::Proposals),
        Self::Class(Class::Batches),
        Self::Class(Class::Sync),
    ];

    pub(super) const fn name(self) -> &'static str {
        match self {
            Self::Control => "control",
            Self::Class(class) => class.name(),
        }
    }

    const fn protocol(self) -> StreamProtocol {
        StreamProtocol::new(match self {
            Self::Control => "/falaj/1/control",
            Self::Class(Class::Votes) => "/falaj/1/votes",
            Self::Class(Class::Proposals) => "/falaj/1/proposals",
            Self::Class(Class::Batches) => "/falaj/1/batches",
            Self::Class(Class::Sync) => "/falaj/1/sync",
        })
    }
}

/// Opens one channel.
#[derive(Debug, Clone, Copy)]
pub(super) struct Open(pub(super) Channel);

impl UpgradeInfo for Open {
    type Info = StreamProtocol;
    type InfoIter = [StreamProtocol; 1];

    fn protocol_info(&self) -> Self::InfoIter {
        [self.0.protocol()]
    }
}

impl OutboundUpgrade<Stream> for Open {
    type Output = Stream;
    type Error = Infallible;
    type Future = Ready<Result<Stream, Infallible>>;

    fn upgrade_outbound(self, stream: Stream, _: StreamProtocol) -> Self::Future {
        ready(Ok(stream))
    }
}

/// Accepts any channel and tells which it is.
#[derive(Debug, Clone, Copy)]
pub(super) struct AcceptAny;

impl UpgradeInfo for AcceptAny {
    type Info = StreamProtocol;
    type InfoIter = [StreamProtocol; 5];

    fn protocol_info(&self) -> Self::InfoIter {
        Channel::ALL.map(Channel::protocol)
    }
}

impl InboundUpgrade<Stream> for AcceptAny {
    type Output = (Channel, Stream);
    type Error = UnknownProtocol;
    type Future = Ready<Result<Self::Output, Self::Error>>;

    fn upgrade_inbound(self, stream: Stream, protocol: StreamProtocol) -> Self::Future {
        let channel = Channel::ALL
            .into_iter()
            .find(|channel| channel.protocol() == protocol);
        ready(
            channel
                .map(|channel| (channel, stream))
                .ok_or(UnknownProtocol),
        )
    }
}

/// The negotiation settled on a protocol that was not offered.
#[derive(Debug, thiserror::Error)]
#[error("a stream protocol that was not offered")]
pub(super) struct UnknownProtocol;

//! TCP under libp2p: one listener, and dials that give up.
//!
//! Invariant: the port belongs to this process alone. (libp2p's own TCP listens with `SO_REUSEPORT`, so a second node on
//! the same port would take half of the first one's connections and nobody would be told.)
//! Little is kept in the kernel: `TCP_NOTSENT_LOWAT` keeps at most [`UNSENT_BYTES_MAX`] unsent bytes of bulk before a
//! vote, where the default would keep megabytes.
//! Errors: those of the system. An accept that fails (no more file descriptors, say) is reported and tried again after
//! [`ACCEPT_PAUSE`]; it ends nothing.
//! Called by libp2p's swarm, through [`super::transport`].

use std::future::{Future, Ready, ready};
use std::io;
use std::net::SocketAddr;
use std::pin::Pin;
use std::task::{Context, Poll};
use std::time::Duration;

use futures::future::BoxFuture;
use futures::{AsyncRead, AsyncWrite, FutureExt};
use libp2p::Multiaddr;
use libp2p::core::transport::{DialOpts, ListenerId, TransportError, TransportEvent};
use socket2::SockRef;
use tokio::io::ReadBuf;
use tokio::net::{TcpListener, TcpSocket, TcpStream};
use tokio::time::{Sleep, sleep, timeout};

use super::config::{multiaddr, socket_addr};

/// How many bytes may lie unsent in the kernel.
const UNSENT_BYTES_MAX: u32 = 64 * 1024;

/// How many connections the kernel holds for us before we accept them.
const BACKLOG: u32 = 256;

/// The wait after an accept that failed.
const ACCEPT_PAUSE: Duration = Duration::from_millis(100);

/// Opens the listening socket.
///
/// `SO_REUSEADDR` only lets a restart bind beside connections of its predecessor that are still closing.
pub(super) fn listen(address: SocketAddr) -> io::Result<TcpListener> {
    let socket = if address.is_ipv4() {
        TcpSocket::new_v4()
    } else {
        TcpSocket::new_v6()
    }?;
    socket.set_reuseaddr(true)?;
    if address.is_ipv6() {
        SockRef::from(&socket).set_only_v6(true)?;
    }
    socket.bind(address)?;
    socket.listen(BACKLOG)
}

#[derive(Debug)]
enum Listener {
    Absent,
    /// Opened, not yet asked for by the swarm.
    Ready(TcpListener),
    Listening {
        id: ListenerId,
        listener: TcpListener,
        announced: bool,
    },
}

/// The transport.
#[derive(Debug)]
pub(super) struct Tcp {
    listener: Listener,
    pause: Option<Pin<Box<Sleep>>>,
    connect_timeout: Duration,
}

impl Tcp {
    pub(super) const fn new(listener: TcpListener, connect_timeout: Duration) -> Self {
        Self {
            listener: Listener::Ready(listener),
            pause: None,
            connect_timeout,
        }
    }

    fn poll_pause(&mut self, cx: &mut Context<'_>) -> Poll<()> {
        let Some(pause) = &mut self.pause else {
            return Poll::Ready(());
        };
        let over = pause.as_mut().poll(cx);
        if over.is_ready() {
            self.pause = None;
        }
        over
    }
}

type Event = TransportEvent<Ready<io::Result<TcpIo>>, io::Error>;

impl libp2p::core::Transport for Tcp {
    type Output = TcpIo;
    type Error = io::Error;
    type ListenerUpgrade = Ready<io::Result<TcpIo>>;
    type Dial = BoxFuture<'static, io::Result<TcpIo>>;

    /// Starts to accept on the listener given at the beginning; there is no other.
    fn listen_on(
        &mut self,
        id: ListenerId,
        address: Multiaddr,
    ) -> Result<(), TransportError<io::Error>> {
        match std::mem::replace(&mut self.listener, Listener::Absent) {
            Listener::Ready(listener) => {
                self.listener = Listener::Listening {
                    id,
                    listener,
                    announced: false,
                };
                Ok(())
            }
            other @ (Listener::Absent | Listener::Listening { .. }) => {
                self.listener = other;
                Err(TransportError::MultiaddrNotSupported(address))
            }
        }
    }

    fn remove_listener(&mut self, wanted: ListenerId) -> bool {
        let found = matches!(&self.listener, Listener::Listening { id, .. } if *id == wanted);
        if found {
            self.listener = Listener::Absent;
        }
        found
    }

    fn dial(
        &mut self,
        address: Multiaddr,
        _: DialOpts,
    ) -> Result<Self::Dial, TransportError<io::Error>> {
        let to =
            socket_addr(&address).map_err(|_| TransportError::MultiaddrNotSupported(address))?;
        Ok(connect(to, self.connect_timeout).boxed())
    }

    fn poll(mut self: Pin<&mut Self>, cx: &mut Context<'_>) -> Poll<Event> {
        if self.poll_pause(cx).is_pending() {
            return Poll::Pending;
        }
        let Listener::Listening {
            id,
            listener,
            announced,
        } = &mut self.listener
        else {
            return Poll::Pending;
        };
        let listener_id = *id;
        if !std::mem::replace(announced, true)
            && let Ok(address) = listener.local_addr()
        {
            return Poll::Ready(TransportEvent::NewAddress {
                listener_id,
                listen_addr: multiaddr(address),
            });
        }
        let accepted = std::task::ready!(listener.poll_accept(cx));
        let event = accepted.and_then(|(stream, remote)| incoming(listener_id, stream, remote));
        Poll::Ready(event.unwrap_or_else(|error| {
            if !is_of_one_connection(&error) {
                self.pause = Some(Box::pin(sleep(ACCEPT_PAUSE)));
            }
            TransportEvent::ListenerError { listener_id, error }
        }))
    }
}

/// Whether an accept failed because its connection was gone already: then the next one may do.
fn is_of_one_connection(error: &io::Error) -> bool {
    use io::ErrorKind::{ConnectionAborted, ConnectionReset, NotConnected};
    matches!(
        error.kind(),
        ConnectionAborted | ConnectionReset | NotConnected
    )
}

fn incoming(listener_id: ListenerId, stream: TcpStream, remote: SocketAddr) -> io::Result<Event> {
    let local_addr = multiaddr(stream.local_addr()?);
    let upgrade = ready(TcpIo::new(stream));
    Ok(TransportEvent::Incoming {
        listener_id,
        upgrade,
        local_addr,
        send_back_addr: multiaddr(remote),
    })
}

async fn connect(to: SocketAddr, limit: Duration) -> io::Result<TcpIo> {
    let stream = timeout(limit, TcpStream::connect(to))
        .await
        .map_err(|_| io::ErrorKind::TimedOut)??;
    TcpIo::new(stream)
}

/// A TCP connection, with the traits libp2p wants.
#[derive(Debug)]
pub(super) struct TcpIo(TcpStream);

impl TcpIo {
    fn new(stream: TcpStream) -> io::Result<Self> {
        stream.set_nodelay(true)?;
        keep_little_unsent(&stream)?;
        Ok(Self(stream))
    }
}

#[cfg(any(target_os = "linux", target_os = "android"))]
fn keep_little_unsent(stream: &TcpStream) -> io::Result<()> {
    SockRef::from(stream).set_tcp_notsent_lowat(UNSENT_BYTES_MAX)
}

/// Elsewhere a small send buffer comes near to it.
#[cfg(not(any(target_os = "linux", target_os = "android")))]
fn keep_little_unsent(stream: &TcpStream) -> io::Result<()> {
    SockRef::from(stream).set_send_buffer_size(4 * UNSENT_BYTES_MAX as usize)
}

impl AsyncRead for TcpIo {
    fn poll_read(
        mut self: Pin<&mut Self>,
        cx: &mut Context<'_>,
        buf: &mut [u8],
    ) -> Poll<io::Result<usize>> {
        let mut read = ReadBuf::new(buf);
        std::task::ready!(tokio::io::AsyncRead::poll_read(
            Pin::new(&mut self.0),
            cx,
            &mut read
        ))?;
        Poll::Ready(Ok(read.filled().len()))
    }
}

impl AsyncWrite for TcpIo {
    fn poll_write(
        mut self: Pin<&mut Self>,
        cx: &mut Context<'_>,
        buf: &[u8],
    ) -> Poll<io::Result<usize>> {
        tokio::io::AsyncWrite::poll_write(Pin::new(&mut self.0), cx, buf)
    }

    fn poll_flush(mut self: Pin<&mut Self>, cx: &mut Context<'_>) -> Poll<io::Result<()>> {
        tokio::io::AsyncWrite::poll_flush(Pin::new(&mut self.0), cx)
    }

    fn poll_close(mut self: Pin<&mut Self>, cx: &mut Context<'_>) -> Poll<io::Result<()>> {
        tokio::io::AsyncWrite::poll_shutdown(Pin::new(&mut self.0), cx)
    }
}

//! The background task: owns the swarm, hears the host's wishes, ends when nobody wants it any more.
//!
//! Invariant: when it has ended, the port is free and the host's inbox is closed.
//! It ends at the host's word, when the last handle is dropped, or when the host drops its events.

use std::sync::Arc;
use std::time::Duration;

use futures::StreamExt;
use libp2p::Swarm;
use tokio::sync::{mpsc, oneshot};
use tokio::time::timeout;

use super::handle::Command;
use super::inbox::Inbox;
use super::mesh::Mesh;

/// How long connections may take to close before they are dropped.
const CLOSE_TIMEOUT: Duration = Duration::from_secs(2);

pub(super) async fn run(
    mut swarm: Swarm<Mesh>,
    inbox: Arc<Inbox>,
    mut commands: mpsc::UnboundedReceiver<Command>,
    mut host: oneshot::Receiver<()>,
) {
    let waiting = loop {
        tokio::select! {
            // Whatever happens on a connection is dealt with inside the mesh.
            _ = swarm.select_next_some() => {}
            command = commands.recv() => match command {
                Some(Command::SetPeers(peers)) => swarm.behaviour_mut().set_peers(peers),
                Some(Command::SetHello(hello)) => swarm.behaviour_mut().set_hello(hello),
                Some(Command::Shun(peer, what)) => swarm.behaviour_mut().shun(peer, what),
                Some(Command::Admit(peer)) => swarm.behaviour_mut().readmit(peer),
                Some(Command::ShutDown(waiting)) => break Some(waiting),
                None => break None,
            },
            _ = &mut host => break None,
        }
    };
    swarm.behaviour_mut().close();
    // Those that do not close in time are dropped with the swarm.
    timeout(CLOSE_TIMEOUT, closed(&mut swarm)).await.ok();
    drop(swarm);
    drop(commands);
    inbox.end();
    if let Some(waiting) = waiting {
        // Whoever asked may have stopped waiting.
        waiting.send(()).ok();
    }
}

async fn closed(swarm: &mut Swarm<Mesh>) {
    while swarm.network_info().num_peers() > 0 {
        swarm.select_next_some().await;
    }
}

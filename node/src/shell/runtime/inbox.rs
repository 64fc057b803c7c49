//! What waits for the core thread: results of what it began go before what others want of it.
//!
//! Invariant: results come out in the order in which they came, and so does everything else; a result waits for results alone.
//! Why: to decide a block takes a row of results, each of which the one before leads to: checked, executed, synced. To a node that comes
//! back on a busy machine its peers may send faster than it looks; were each result to wait for all of that, it would decide more slowly
//! than its peers do, and never catch up.
//! Bounds: results are as many as what the replica has under way; messages of the network have [`NETWORK_ROOM_KIB`]; submissions have the
//! room of the outlet.

use std::collections::VecDeque;
use std::sync::Arc;
use std::sync::mpsc::{Receiver, RecvTimeoutError, Sender, channel};
use std::time::Duration;
use tokio::sync::{OwnedSemaphorePermit, Semaphore};

use crate::core::{Input, Replica};

/// Room for messages of the network that wait for the core, in KiB.
const NETWORK_ROOM_KIB: usize = 16 * 1024;

/// A look at the replica between two steps.
pub type Question = Box<dyn FnOnce(&Replica) + Send>;

/// What waits.
pub(super) enum Message {
    /// What came of an effect.
    Result(Input),
    /// An input of somebody else.
    Input(Input),
    /// An input of the network, with its share of the room.
    Bounded(Input, OwnedSemaphorePermit),
    /// A look.
    Ask(Question),
    /// The end.
    Stop,
}

/// The hand on a running core.
#[derive(Clone)]
pub struct CoreHandle {
    messages: Sender<Message>,
    room: Arc<Semaphore>,
}

/// What waits for a core; its handle exists before the parts that answer to it.
pub struct CoreInbox {
    messages: Receiver<Message>,
    results: VecDeque<Message>,
    others: VecDeque<Message>,
}

impl CoreHandle {
    /// Makes the channel.
    #[must_use]
    pub fn channel() -> (Self, CoreInbox) {
        let (messages, inbox) = channel();
        let room = Arc::new(Semaphore::new(NETWORK_ROOM_KIB));
        let inbox = CoreInbox {
            messages: inbox,
            results: VecDeque::new(),
            others: VecDeque::new(),
        };
        (Self { messages, room }, inbox)
    }

    /// Gives what came of an effect. After the core has stopped it is lost, as everything is then.
    pub fn result(&self, input: Input) {
        drop(self.messages.send(Message::Result(input)));
    }

    /// Gives an input of somebody else, which waits its turn. After the core has stopped it is lost.
    pub fn input(&self, input: Input) {
        drop(self.messages.send(Message::Input(input)));
    }

    /// Gives an input of the network once there is room, so that what the core has not taken stays with the transport, which bounds it.
    pub async fn input_bounded(&self, input: Input, bytes: usize) {
        let kib = u32::try_from(bytes / 1024)
            .unwrap_or(u32::MAX)
            .saturating_add(1);
        let most = u32::try_from(NETWORK_ROOM_KIB).unwrap_or(u32::MAX);
        let room = Arc::clone(&self.room)
            .acquire_many_owned(kib.min(most))
            .await;
        if let Ok(room) = room {
            drop(self.messages.send(Message::Bounded(input, room)));
        }
    }

    /// Asks a question; it is dropped unanswered if the core has stopped.
    pub fn ask(&self, question: Question) {
        drop(self.messages.send(Message::Ask(question)));
    }

    /// Stops the core after what came before.
    pub fn stop(&self) {
        drop(self.messages.send(Message::Stop));
    }
}

impl CoreInbox {
    /// The next, for which it waits so long, or for ever.
    ///
    /// # Errors
    /// When none came, or none can come any more.
    pub(super) fn next(&mut self, wait: Option<Duration>) -> Result<Message, RecvTimeoutError> {
        while let Ok(message) = self.messages.try_recv() {
            self.sort(message);
        }
        if let Some(message) = self.results.pop_front().or_else(|| self.others.pop_front()) {
            return Ok(message);
        }
        match wait {
            Some(wait) => self.messages.recv_timeout(wait),
            None => self
                .messages
                .recv()
                .map_err(|_| RecvTimeoutError::Disconnected),
        }
    }

    fn sort(&mut self, message: Message) {
        match message {
            Message::Result(_) => self.results.push_back(message),
            Message::Input(_) | Message::Bounded(..) | Message::Ask(_) | Message::Stop => {
                self.others.push_back(message);
            }
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::core::{Class, Peer};
    use falaj_consensus::types::{Height, ValidatorId};

    fn from_network(peer: Peer) -> Input {
        Input::Received {
            from: peer,
            class: Class::Votes,
            bytes: [].into(),
        }
    }

    /// What is there, by name.
    fn waiting(inbox: &mut CoreInbox) -> Vec<String> {
        let next = || inbox.next(Some(Duration::ZERO)).ok();
        let name = |message| match message {
            Message::Result(Input::Persisted(height)) => format!("result {height}"),
            Message::Result(_) => "another result".to_owned(),
            Message::Input(_) => "input".to_owned(),
            Message::Bounded(..) => "network".to_owned(),
            Message::Ask(_) => "question".to_owned(),
            Message::Stop => "stop".to_owned(),
        };
        std::iter::from_fn(next).map(name).collect()
    }

    // Goal: however much of the network waits, a result waits for the results before it alone, also one that comes meanwhile.
    #[tokio::test]
    async fn results_go_before_what_the_network_sent() {
        let (core, mut inbox) = CoreHandle::channel();
        let peer = Peer::of(ValidatorId::new(1)).unwrap();
        for height in 1..=2 {
            core.input(Input::PeerUp(peer));
            core.input_bounded(from_network(peer), 1).await;
            core.result(Input::Persisted(Height::new(height)));
        }
        let first = inbox.next(None);
        assert!(matches!(
            first,
            Ok(Message::Result(Input::Persisted(height))) if height == Height::new(1)
        ));
        core.result(Input::Persisted(Height::new(3)));
        let rest = ["input", "network", "input", "network"];
        let expected = [&["result 2", "result 3"][..], &rest].concat();
        assert_eq!(waiting(&mut inbox), expected);
    }

    // What others want of the core keeps its order, so that the end comes after all that came before it.
    #[test]
    fn the_end_comes_after_what_came_before() {
        let (core, mut inbox) = CoreHandle::channel();
        core.ask(Box::new(|_| ()));
        core.result(Input::Persisted(Height::new(1)));
        core.stop();
        core.ask(Box::new(|_| ()));
        let expected = ["result 1", "question", "stop", "question"];
        assert_eq!(waiting(&mut inbox), expected);
    }

    // What waits takes its share of the room until the core takes it, and no longer.
    #[tokio::test]
    async fn the_room_is_given_back_when_the_core_takes_a_message() {
        let (core, mut inbox) = CoreHandle::channel();
        let peer = Peer::of(ValidatorId::new(1)).unwrap();
        core.input_bounded(from_network(peer), 1024).await;
        core.result(Input::Persisted(Height::new(1)));
        let result = inbox.next(None);
        assert_eq!(core.room.available_permits(), NETWORK_ROOM_KIB - 2);
        drop((result, inbox.next(None)));
        assert_eq!(core.room.available_permits(), NETWORK_ROOM_KIB);
    }

    // Nobody is left who could send anything.
    #[test]
    fn an_inbox_without_a_handle_ends() {
        let (core, mut inbox) = CoreHandle::channel();
        core.stop();
        drop(core);
        assert!(matches!(inbox.next(None), Ok(Message::Stop)));
        let ended = inbox.next(None);
        assert!(matches!(ended, Err(RecvTimeoutError::Disconnected)));
    }
}

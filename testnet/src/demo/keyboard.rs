//! Single keys of a terminal, as they are pressed.
//!
//! Invariant: the terminal is put back as it was when this is dropped; an interrupt stays a signal.

use anyhow::Result;
use rustix::termios::{LocalModes, OptionalActions, Termios, tcgetattr, tcsetattr};
use std::io::Read as _;
use tokio::sync::mpsc::{UnboundedReceiver, unbounded_channel};

/// A terminal whose keys come one by one.
pub(super) struct Keyboard {
    before: Termios,
    keys: UnboundedReceiver<u8>,
}

impl Keyboard {
    /// Takes the terminal of standard input.
    pub(super) fn take() -> Result<Self> {
        let before = tcgetattr(std::io::stdin())?;
        let mut single = before.clone();
        single
            .local_modes
            .remove(LocalModes::ICANON | LocalModes::ECHO);
        tcsetattr(std::io::stdin(), OptionalActions::Now, &single)?;
        let (sender, keys) = unbounded_channel();
        // It waits for a key until the process ends.
        std::thread::Builder::new()
            .name("keyboard".into())
            .spawn(move || {
                let mut key = [0_u8; 1];
                while std::io::stdin().read_exact(&mut key).is_ok() && sender.send(key[0]).is_ok() {
                }
            })?;
        Ok(Self { before, keys })
    }

    /// The next key; none once the terminal is gone.
    pub(super) async fn key(&mut self) -> Option<u8> {
        self.keys.recv().await
    }
}

impl Drop for Keyboard {
    fn drop(&mut self) {
        // There is nobody left to tell.
        let _ = tcsetattr(std::io::stdin(), OptionalActions::Now, &self.before);
    }
}

//! A home, opened to be looked at.

use falaj_consensus::durable::{FolderView, LogError, LogId, LogIdentity, LogView, Position};
use falaj_ledger::genesis::Genesis;
use std::fs::{File, TryLockError};
use std::path::PathBuf;

use crate::shell::cli::{Failure, Scene};
use crate::shell::config::Config;
use crate::shell::home::read_genesis;

/// A log that is looked at.
pub(in crate::shell::cli) type View = LogView<FolderView>;

/// Configuration and genesis of a home.
pub(in crate::shell::cli) struct Look {
    home: PathBuf,
    pub(in crate::shell::cli) json: bool,
    pub(in crate::shell::cli) config: Config,
    pub(in crate::shell::cli) genesis: Genesis,
}

impl Look {
    pub(in crate::shell::cli) fn at(scene: &Scene) -> Result<Self, Failure> {
        let config = Config::load(&scene.home)?;
        let genesis = read_genesis(&scene.home.join(&config.paths.genesis))?;
        Ok(Self {
            home: scene.home.clone(),
            json: scene.json,
            config,
            genesis,
        })
    }

    /// Reads a log and checks every byte of it.
    pub(in crate::shell::cli) fn log(&self, log: LogId) -> Result<View, LogError> {
        let identity = LogIdentity {
            log,
            genesis_hash: self.genesis.hash(),
        };
        LogView::open(FolderView::new(self.folder(log)), identity)
    }

    /// The folder of a log's files.
    pub(in crate::shell::cli) fn folder(&self, log: LogId) -> PathBuf {
        self.locked_folder(log).join(log.name())
    }

    fn locked_folder(&self, log: LogId) -> PathBuf {
        let paths = &self.config.paths;
        self.home.join(match log {
            LogId::Guard | LogId::Audit => &paths.guard,
            LogId::Block | LogId::Batch => &paths.data,
        })
    }

    /// Whether a node works in the folder of a log at this moment.
    ///
    /// The lock is asked for, shared, and given back at once; a node that starts in between is told that the folder is in use.
    pub(in crate::shell::cli) fn is_in_use(&self, log: LogId) -> bool {
        let lock = File::open(self.locked_folder(log).join("lock"));
        lock.is_ok_and(|lock| matches!(lock.try_lock_shared(), Err(TryLockError::WouldBlock)))
    }

    /// An error of a log: damage, or the motion of a node at work.
    pub(in crate::shell::cli) fn failed(&self, log: LogId, error: LogError) -> Failure {
        if self.is_in_use(log) {
            self.in_motion(log, &error.to_string())
        } else {
            error.into()
        }
    }

    /// A record that is whole and is none of this version.
    pub(in crate::shell::cli) fn not_a_record(
        &self,
        view: &View,
        log: LogId,
        position: Position,
    ) -> Failure {
        let site = view.site(position).map_or_else(String::new, |site| {
            format!(", in the frame of {} at byte {}", site.file, site.offset)
        });
        let text = format!(
            "{} log: record {} is not one of this version{site}",
            log.name(),
            position.get()
        );
        Failure::new(Failure::DATA, text)
    }

    fn in_motion(&self, log: LogId, what: &str) -> Failure {
        let folder = self.locked_folder(log);
        let text = format!(
            "a node works in {}, and its files may have changed while they were read ({what}); ask again, or stop the node first",
            folder.display()
        );
        Failure::new(Failure::IN_USE, text)
    }
}

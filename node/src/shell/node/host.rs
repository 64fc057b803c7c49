//! What the threads of a node are started with, each in a line.
//!
//! Invariant: every thread gives its results to the one core, is timed by the one watch, and ends the process for a fault by the same hand.
//! Errors: [`StartError::Thread`] when the system gives no thread; what was started before ends when its handle is dropped.

use falaj_consensus::durable::{FramedLog, LogId, OsDisk};
use falaj_consensus::verify::RealChecker;
use falaj_ledger::store::Store;
use falaj_ledger::validate::Rules;
use std::path::Path;
use std::sync::Arc;

use super::{Signing, StartError, free_bytes};
use crate::core::Input;
use crate::shell::runtime::{
    Clock, CoreHandle, DISK_RESERVE_BYTES, Fatal, LogThread, SignerThread, StoreThread, Workers,
};
use crate::shell::watch::Watch;

/// What all threads share.
pub(super) struct Host<'a> {
    pub(super) core: CoreHandle,
    pub(super) clock: Clock,
    pub(super) watch: Arc<Watch>,
    pub(super) fatal: &'a Fatal,
}

impl Host<'_> {
    /// The thread that writes the store.
    pub(super) fn store(&self, store: &Arc<dyn Store>) -> Result<StoreThread, StartError> {
        let timed = self.watch.timed_sync("store");
        let store = Arc::clone(store);
        StoreThread::start(store, self.results(), timed, self.fatal.clone())
            .map_err(StartError::Thread)
    }

    /// The thread that owns the guard and asks the key.
    pub(super) fn signer(&self, signing: Signing) -> Result<SignerThread, StartError> {
        SignerThread::start(
            signing.home,
            signing.memory,
            signing.backend,
            self.clock,
            self.results(),
            self.watch.clone(),
            self.fatal.clone(),
        )
        .map_err(StartError::Thread)
    }

    /// The threads that write and read a log, on the disk of that folder.
    pub(super) fn log(
        &self,
        log: FramedLog<OsDisk>,
        id: LogId,
        data: &Path,
    ) -> Result<LogThread, StartError> {
        let timed = self.watch.timed_log(id.name());
        let data = data.to_owned();
        // A system that does not say how much room there is does not keep the node from running.
        let has_room = move || free_bytes(&data).is_none_or(|free| free >= DISK_RESERVE_BYTES);
        LogThread::start(log, id, self.results(), timed, has_room, self.fatal.clone())
            .map_err(StartError::Thread)
    }

    /// The threads that check signatures and execute blocks, one for each processor.
    pub(super) fn workers(&self, rules: Arc<Rules>) -> Result<Workers, StartError> {
        let watch = Arc::clone(&self.watch);
        let executed = move |seconds| watch.executed(seconds);
        let count = std::thread::available_parallelism().map_or(2, std::num::NonZero::get);
        let checker = Arc::new(RealChecker);
        Workers::start(count, checker, rules, self.results(), executed, self.fatal)
            .map_err(StartError::Thread)
    }

    /// Where a thread's results go.
    fn results(&self) -> impl Fn(Input) + Clone + Send + 'static {
        let core = self.core.clone();
        move |input| core.result(input)
    }
}

//! A node's home: which folder holds what, set on a genesis by `init`, taken up by `start`.
//!
//! Invariant: the guard lies outside the data folder; each log is made explicitly, once, so a file that is missing later was lost;
//! a data folder of another chain is refused by every log in it.
//! Errors: [`HomeError`], each with the exit code of `docs/guide/cli.md`.

mod setting;

use falaj_consensus::crypto::PublicKey;
use falaj_consensus::durable::{
    DiskError, FolderLock, FolderLockError, FolderView, FramedLog, LogError, LogId, LogIdentity,
    LogView, OsDisk,
};
use falaj_consensus::types::{Hash32, Now, ValidatorId};
use falaj_consensus::validator_set::{Validator, ValidatorSet};
use falaj_consensus::verify::RealChecker;
use falaj_hsm::guard::Record;
use falaj_hsm::{Identity, SignerHome, WitnessError, WitnessFile};
use falaj_ledger::bundle::CertifiedOutcome;
use falaj_ledger::genesis::{Genesis, GenesisFileError};
use std::path::{Path, PathBuf};
use std::sync::Arc;

use super::config::Paths;
use crate::storage::{BlockRecord, NodeLogs};

pub use setting::{begin_guard, expect_finished, expect_settable, first_trace, set_on_genesis};

/// Why a home cannot be made or taken up.
#[derive(Debug, thiserror::Error)]
pub enum HomeError {
    /// The genesis cannot be read.
    #[error("cannot read {}", path.display())]
    Read {
        /// The file.
        path: PathBuf,
        /// The system's reason.
        #[source]
        source: std::io::Error,
    },
    /// A file of the home cannot be written.
    #[error("cannot write {}", path.display())]
    Write {
        /// The file.
        path: PathBuf,
        /// The system's reason.
        #[source]
        source: std::io::Error,
    },
    /// The home was set, and all that was made then is there.
    #[error("this home is set on {} already", named(genesis.as_deref()))]
    AlreadySet {
        /// Hash of its genesis, if that can be read.
        genesis: Option<String>,
    },
    /// The home was set on a genesis, and its guard is not there any more.
    #[error("the signing guard is gone from {}, and {} shows that this home was set on a genesis before: what its key has signed is unknown", guard.display(), trace.display())]
    GuardLost {
        /// Folder of the signing guard.
        guard: PathBuf,
        /// What shows it.
        trace: PathBuf,
    },
    /// The home was set on a genesis, and its logs are not there any more.
    #[error("the logs are gone from {}, and {} shows that this home was set on a genesis before", data.display(), trace.display())]
    DataLost {
        /// Folder of the logs and the ledger.
        data: PathBuf,
        /// What shows it.
        trace: PathBuf,
    },
    /// A stop came in the middle of setting the home.
    #[error("`falaj init` did not finish setting this home on genesis {genesis}")]
    Unfinished {
        /// Hash of that genesis.
        genesis: String,
    },
    /// The genesis is not one.
    #[error("{} is not a genesis that adds up", path.display())]
    Genesis {
        /// The file.
        path: PathBuf,
        /// What is wrong.
        #[source]
        source: Box<GenesisFileError>,
    },
    /// Another process works in a folder, or it cannot be used.
    #[error(transparent)]
    Folder(#[from] FolderLockError),
    /// The guard would be restored with the data, or the data with the guard.
    #[error("the folders of data ({}) and guard ({}) lie in one another; set [paths] so that each stands alone", data.display(), guard.display())]
    Nested {
        /// Folder of the logs and the ledger.
        data: PathBuf,
        /// Folder of the signing guard.
        guard: PathBuf,
    },
    /// A folder cannot be made.
    #[error(transparent)]
    Disk(#[from] DiskError),
    /// A log cannot be made or opened.
    #[error(transparent)]
    Log(#[from] LogError),
    /// The guard cannot be made or opened.
    #[error(transparent)]
    Guard(#[from] falaj_hsm::HomeError),
    /// What the data folder remembers of the guard.
    #[error(transparent)]
    Witness(#[from] WitnessError),
    /// The system gives no random bytes.
    #[error("the system gives no random bytes")]
    Random,
    /// The genesis has no such validator, or another key for it.
    #[error("the genesis has no validator {id} with this node's key")]
    NotInGenesis {
        /// Id of the configuration.
        id: u32,
    },
    /// The guard's folder holds the guard of a key of this validator, and the configuration names another key.
    #[error(
        "the guard of this home is of another key than the one that the configuration names for validator {id}"
    )]
    OtherKey {
        /// Id of the configuration.
        id: u32,
    },
    /// A strict node would have to count votes of a key that FIPS 140-3 modules do not offer.
    #[error("fips_strict refuses the {algorithm} key of validator {id}")]
    NotApproved {
        /// Whose key.
        id: u32,
        /// Its algorithm.
        algorithm: &'static str,
    },
}

fn named(genesis: Option<&str>) -> String {
    genesis.map_or_else(
        || "a genesis".into(),
        |genesis| format!("genesis {genesis}"),
    )
}

/// The folders of a home, each locked against a second process.
pub struct Folders {
    data: FolderLock,
    guard: FolderLock,
}

impl Folders {
    /// Takes both folders.
    ///
    /// # Errors
    /// [`HomeError::Folder`].
    pub fn take(home: &Path, paths: &Paths) -> Result<Self, HomeError> {
        let data = FolderLock::acquire(&home.join(&paths.data))?;
        let guard = FolderLock::acquire(&home.join(&paths.guard))?;
        let folders = Self { data, guard };
        folders.apart()?;
        Ok(folders)
    }

    /// A data folder that is restored from a copy must not take the guard back with it.
    fn apart(&self) -> Result<(), HomeError> {
        let real = |folder: &Path| {
            folder.canonicalize().map_err(|source| HomeError::Read {
                path: folder.into(),
                source,
            })
        };
        let (data, guard) = (real(self.data.folder())?, real(self.guard.folder())?);
        if data.starts_with(&guard) || guard.starts_with(&data) {
            return Err(HomeError::Nested { data, guard });
        }
        Ok(())
    }

    /// The ledger store's folder.
    #[must_use]
    pub fn store(&self) -> PathBuf {
        self.data.folder().join("ledger")
    }

    /// The folder of block log, batch log and store.
    #[must_use]
    pub fn data(&self) -> PathBuf {
        self.data.folder().to_owned()
    }

    /// The copy of the snapshot that the node began with, if it did.
    #[must_use]
    pub fn snapshot(&self) -> PathBuf {
        self.data.folder().join("snapshot")
    }

    /// Makes the block log begin behind a snapshot.
    ///
    /// # Errors
    /// [`HomeError`], [`LogError::Exists`] if there are records in the block log or the batch log.
    pub fn begin_behind(
        &self,
        genesis: &Genesis,
        proof: &CertifiedOutcome,
    ) -> Result<(), HomeError> {
        let mut logs = self.empty_logs(genesis)?;
        logs.append(LogId::Block, &BlockRecord::restored(proof))?;
        let _ = logs.sync(LogId::Block)?;
        Ok(())
    }

    /// The node's logs without a record; they are made if they are not there.
    ///
    /// # Errors
    /// [`HomeError`], [`LogError::Exists`] if there are records in one of them.
    pub fn empty_logs(&self, genesis: &Genesis) -> Result<NodeLogs<OsDisk>, HomeError> {
        Ok(NodeLogs::create(
            self.block()?,
            self.batch()?,
            genesis.hash(),
        )?)
    }

    fn block(&self) -> Result<OsDisk, DiskError> {
        OsDisk::subfolder(&self.data, "block")
    }

    fn batch(&self) -> Result<OsDisk, DiskError> {
        OsDisk::subfolder(&self.data, "batch")
    }

    /// The guard's log folder.
    ///
    /// # Errors
    /// When it cannot be made.
    pub fn guard(&self) -> Result<OsDisk, DiskError> {
        OsDisk::subfolder(&self.guard, "guard")
    }

    /// The audit log's folder.
    ///
    /// # Errors
    /// When it cannot be made.
    pub fn audit(&self) -> Result<OsDisk, DiskError> {
        OsDisk::subfolder(&self.guard, "audit")
    }

    /// Which key the guard in its folder is of, by the last of its records; `None` where there is none that can be read.
    #[must_use]
    pub fn key_of_guard(&self, genesis: &Genesis) -> Option<Hash32> {
        let identity = LogIdentity {
            log: LogId::Guard,
            genesis_hash: genesis.hash(),
        };
        let folder = self.guard.folder().join(LogId::Guard.name());
        let view = LogView::open(FolderView::new(folder), identity).ok()?;
        let records = view.iter_from(view.last());
        let (_, bytes) = records.last()?.ok()?;
        Some(Record::decode(&bytes).ok()?.key_fingerprint)
    }

    /// Opens the signer that a validator's guard belongs to, against what the data folder remembers of that guard.
    ///
    /// # Errors
    /// [`HomeError`].
    pub fn open_signer(
        &self,
        now: Now,
        identity: Identity,
        known: &[Arc<ValidatorSet>],
    ) -> Result<(SignerHome<OsDisk>, WitnessFile<OsDisk>), HomeError> {
        let checker = Arc::new(RealChecker);
        let (guard, audit) = (self.guard()?, self.audit()?);
        self.expect_guard(&guard, &audit)?;
        let memory = OsDisk::subfolder(&self.data, "witness")?;
        let memory = WitnessFile::open(memory, &identity.key)?;
        let witness = memory.witness();
        let signer = SignerHome::open(now, guard, audit, identity, checker, known, witness)?;
        Ok((signer, memory))
    }

    /// Both logs of a guard are made together, so where neither is there the folder was lost.
    fn expect_guard(&self, guard: &OsDisk, audit: &OsDisk) -> Result<(), HomeError> {
        let none = |disk, log| FramedLog::expect_none(disk, log).is_ok();
        if none(guard, LogId::Guard) && none(audit, LogId::Audit) {
            return Err(HomeError::GuardLost {
                guard: self.guard.folder().into(),
                trace: self.data.folder().into(),
            });
        }
        Ok(())
    }

    /// Opens the node's logs.
    ///
    /// # Errors
    /// [`HomeError`].
    pub fn open_logs(&self, genesis: &Genesis) -> Result<NodeLogs<OsDisk>, HomeError> {
        Ok(NodeLogs::open(
            self.block()?,
            self.batch()?,
            genesis.hash(),
        )?)
    }
}

/// Reads a genesis and checks that it adds up.
///
/// # Errors
/// [`HomeError`].
pub fn read_genesis(path: &Path) -> Result<Genesis, HomeError> {
    let text = std::fs::read_to_string(path).map_err(|source| HomeError::Read {
        path: path.into(),
        source,
    })?;
    Genesis::from_json(&text).map_err(|source| HomeError::Genesis {
        path: path.into(),
        source: Box::new(source),
    })
}

/// Refuses a validator set with a key whose algorithm is not approved, as a node under `fips_strict` does.
///
/// # Errors
/// [`HomeError::NotApproved`], with the first such member.
pub fn check_approved(set: &ValidatorSet) -> Result<(), HomeError> {
    let refused = |member: &&Validator| !member.key.algorithm().fips_approved();
    match set.members().iter().find(refused) {
        None => Ok(()),
        Some(member) => Err(HomeError::NotApproved {
            id: member.id.get(),
            algorithm: member.key.algorithm().name(),
        }),
    }
}

/// The key that a genesis gives a validator.
///
/// # Errors
/// [`HomeError::NotInGenesis`].
pub fn key_of_member(genesis: &Genesis, id: u32) -> Result<&PublicKey, HomeError> {
    let set = &genesis.validators;
    let index = set.index_of(ValidatorId::new(id));
    let member = index.and_then(|index| set.get(index));
    Ok(&member.ok_or(HomeError::NotInGenesis { id })?.key)
}

/// Refuses a key or an id that the genesis gives to another validator. One that it does not name at all comes in later, by a change.
///
/// # Errors
/// [`HomeError::NotInGenesis`].
pub fn check_voter(genesis: &Genesis, id: u32, key: &PublicKey) -> Result<(), HomeError> {
    let of_either = |member: &&Validator| member.id.get() == id || member.key == *key;
    let mut named = genesis.validators.members().iter().filter(of_either);
    if named.all(|member| member.id.get() == id && member.key == *key) {
        Ok(())
    } else {
        Err(HomeError::NotInGenesis { id })
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use falaj_ledger::testing;

    // A home is set with the key that the genesis gives its validator, or as one of which the genesis knows neither id nor key.
    #[test]
    fn a_voter_is_as_the_genesis_says_or_not_in_it() {
        let genesis = testing::genesis();
        let [first, second] = [0, 1].map(|place| &genesis.validators.members()[place]);
        let stranger = testing::Who::Validator(99).key().public();
        let cases = [
            (first.id.get(), &first.key, true),
            (first.id.get(), &second.key, false),
            (first.id.get(), &stranger, false),
            (99, &first.key, false),
            (99, &stranger, true),
        ];
        for (id, key, right) in cases {
            assert_eq!(check_voter(&genesis, id, key).is_ok(), right, "{id}");
        }
    }

    // Under `fips_strict` one Ed25519 key in the set keeps the node from starting.
    #[test]
    fn a_set_with_a_key_that_is_not_approved_is_refused() {
        let set = testing::genesis().validators;
        let refused = set
            .members()
            .iter()
            .find(|member| !member.key.algorithm().fips_approved())
            .expect("the test world has Ed25519 keys");
        let error = check_approved(&set).expect_err("it holds such a key");
        assert!(
            error
                .to_string()
                .contains(&format!("validator {}", refused.id.get()))
        );
        let mut approved: Vec<_> = set.members().to_vec();
        approved.retain(|member| member.key.algorithm().fips_approved());
        if let Ok(set) = ValidatorSet::new(approved) {
            assert!(check_approved(&set).is_ok());
        }
    }
}

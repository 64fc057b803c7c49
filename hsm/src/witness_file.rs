//! What a node remembers of its guard, in a file that does not lie beside the guard.
//!
//! A guard that was restored from a backup is whole and old, and would sign again what its key has signed since.
//! The node's data folder remembers how far the guard had come; both have to be taken back together to go unnoticed.
//! Invariant: what is written was on the guard's disk before, so a power cut never makes an honest guard look old; the file is the one
//! before or the new one, never a mixture.
//! Shape: version `u16` = 1, key fingerprint, instance, fence epoch, height, round, step, in borsh; then the tagged hash of these bytes.
//! Who calls it: the host of a [`SignerHome`](crate::SignerHome), which gives [`WitnessFile::witness`] at the opening and
//! [`WitnessFile::remember`] what the guard stands at once its log is synced.
//! Errors: [`WitnessError`]; a full disk is none, the file then stays as it was.
//! Source: `docs/spec/guard.md`, "Witness".

use borsh::{BorshDeserialize, BorshSerialize};
use falaj_consensus::crypto::PublicKey;
use falaj_consensus::durable::{Disk, DiskError};
use falaj_consensus::hash::{self, Tag};
use falaj_consensus::types::Hash32;

use crate::guard::{Place, Witness};

const NAME: &str = "witness";
const DRAFT: &str = "witness.new";
const TAG: Tag = Tag::new("falaj/guard-witness/1");
const VERSION: u16 = 1;
/// More than the file ever has.
const BYTES_MAX: u64 = 256;

/// The file cannot be used.
#[derive(Debug, thiserror::Error)]
pub enum WitnessError {
    /// The disk failed.
    #[error("the guard's witness: disk")]
    Disk(#[from] DiskError),
    /// The file is there and is not one.
    #[error("the guard's witness is damaged")]
    Damaged,
}

#[derive(BorshSerialize, BorshDeserialize)]
struct Record {
    version: u16,
    key_fingerprint: Hash32,
    instance: [u8; 16],
    fence_epoch: u64,
    place: Place,
}

/// The memory of one key's guard.
#[derive(Debug)]
pub struct WitnessFile<D: Disk> {
    disk: D,
    key_fingerprint: Hash32,
    witness: Option<Witness>,
}

impl<D: Disk> WitnessFile<D> {
    /// Reads what is remembered of a key's guard; nothing if there is no file, or it is another key's.
    ///
    /// # Errors
    /// [`WitnessError`].
    pub fn open(disk: D, key: &PublicKey) -> Result<Self, WitnessError> {
        let key_fingerprint = key.fingerprint();
        let names = disk.list()?;
        let witness = if names.iter().any(|name| name == NAME) {
            let record = read(&disk)?;
            (record.key_fingerprint == key_fingerprint).then_some(Witness {
                instance: record.instance,
                fence_epoch: record.fence_epoch,
                place: record.place,
            })
        } else {
            None
        };
        Ok(Self {
            disk,
            key_fingerprint,
            witness,
        })
    }

    /// What is remembered.
    pub const fn witness(&self) -> Option<&Witness> {
        self.witness.as_ref()
    }

    /// Remembers where the guard stands; on disk when this returns, unless that is full.
    ///
    /// # Errors
    /// A failed write or sync: the state of the disk is unknown.
    pub fn remember(&mut self, witness: Witness) -> Result<(), DiskError> {
        if self.witness == Some(witness) {
            return Ok(());
        }
        match self.replace(&witness) {
            Ok(()) => {
                self.witness = Some(witness);
                Ok(())
            }
            Err(error) if error.is_full() => Ok(()),
            Err(error) => Err(error),
        }
    }

    fn replace(&self, witness: &Witness) -> Result<(), DiskError> {
        if self.disk.list()?.iter().any(|name| name == DRAFT) {
            self.disk.remove(DRAFT)?;
        }
        let mut file = self.disk.create(DRAFT)?;
        self.disk.append(&mut file, &self.bytes(witness))?;
        self.disk.sync_file(&mut file)?;
        self.disk.rename(DRAFT, NAME)?;
        self.disk.sync_directory()
    }

    fn bytes(&self, witness: &Witness) -> Vec<u8> {
        let record = Record {
            version: VERSION,
            key_fingerprint: self.key_fingerprint,
            instance: witness.instance,
            fence_epoch: witness.fence_epoch,
            place: witness.place,
        };
        let mut bytes = hash::encode(&record);
        let seal = hash::tagged(TAG, &bytes);
        bytes.extend_from_slice(seal.bytes());
        bytes
    }
}

fn read<D: Disk>(disk: &D) -> Result<Record, WitnessError> {
    let file = disk.open(NAME)?;
    let length = disk.length(&file)?;
    let length = usize::try_from(length.min(BYTES_MAX)).unwrap_or_default();
    let mut bytes = vec![0; length];
    disk.read(&file, 0, &mut bytes)?;
    let (record, seal) = bytes
        .split_last_chunk::<32>()
        .ok_or(WitnessError::Damaged)?;
    if hash::tagged(TAG, record).bytes() != seal {
        return Err(WitnessError::Damaged);
    }
    let record: Record = borsh::from_slice(record).map_err(|_| WitnessError::Damaged)?;
    if record.version == VERSION {
        Ok(record)
    } else {
        Err(WitnessError::Damaged)
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::fixture::key;
    use falaj_consensus::durable::{MemDisk, Survives};
    use falaj_consensus::message::Kind;
    use falaj_consensus::types::{Height, Round};

    fn witness(height: u64) -> Witness {
        Witness {
            instance: [7; 16],
            fence_epoch: 2,
            place: Place {
                height: Height::new(height),
                round: Round::new(1),
                step: Kind::Prevote,
            },
        }
    }

    fn open(disk: &MemDisk) -> WitnessFile<MemDisk> {
        WitnessFile::open(disk.clone(), &key(1)).unwrap()
    }

    fn holding(height: u64) -> MemDisk {
        let disk = MemDisk::new();
        open(&disk).remember(witness(height)).unwrap();
        disk
    }

    #[test]
    fn what_is_remembered_is_read_back() {
        let disk = holding(1);
        assert_eq!(open(&disk).witness(), Some(&witness(1)));
        open(&disk).remember(witness(2)).unwrap();
        assert_eq!(open(&disk).witness(), Some(&witness(2)));
        assert_eq!(open(&MemDisk::new()).witness(), None);
    }

    #[test]
    fn another_keys_witness_says_nothing() {
        let other = WitnessFile::open(holding(1), &key(2)).unwrap();
        assert_eq!(other.witness(), None);
    }

    #[test]
    fn a_changed_byte_is_damage() {
        let disk = holding(1);
        let good = disk.contents(NAME).unwrap();
        for at in 0..good.len() {
            let mut bad = good.clone();
            bad[at] ^= 1;
            disk.overwrite(NAME, &bad);
            let opened = WitnessFile::open(disk.clone(), &key(1));
            assert!(matches!(opened, Err(WitnessError::Damaged)), "byte {at}");
        }
        disk.overwrite(NAME, &good[..good.len() - 1]);
        assert!(WitnessFile::open(disk, &key(1)).is_err());
    }

    // Whatever a power cut keeps, the file is the one before or the new one.
    #[test]
    fn a_power_cut_leaves_one_of_two_witnesses() {
        for operations in 0..8 {
            for survives in [Survives::Nothing, Survives::Bytes(9), Survives::Everything] {
                for names_survive in [false, true] {
                    let disk = holding(1);
                    let mut file = open(&disk);
                    disk.cut_power_after(operations);
                    drop(file.remember(witness(2)));
                    disk.crash(survives, names_survive);
                    let found = *open(&disk).witness().unwrap();
                    assert!([witness(1), witness(2)].contains(&found));
                }
            }
        }
    }

    #[test]
    fn a_full_disk_keeps_the_witness_before() {
        let disk = holding(1);
        let mut file = open(&disk);
        disk.set_capacity(Some(disk.used_bytes() + 1));
        file.remember(witness(2)).unwrap();
        assert_eq!(file.witness(), Some(&witness(1)));
        disk.set_capacity(None);
        file.remember(witness(3)).unwrap();
        assert_eq!(open(&disk).witness(), Some(&witness(3)));
    }
}

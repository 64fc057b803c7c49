//! All keys of an economy, and the folder they are kept in.
//!
//! Shape: `central-bank.json`, `bank-N.json`, `issuer-1.json` to `issuer-3.json`, `redeemer-1.json` to `redeemer-3.json`.
//! Errors: a missing or foreign file by its path.

use anyhow::Result;
use falaj_ledger::participant::ParticipantNumber;
use std::path::{Path, PathBuf};

use crate::economy::{CENTRAL_BANK, PERSONS, Plan, bank_number};
use crate::keys::SoftKey;

/// Keys of the institutions and of the persons who issue and redeem.
pub struct KeyRing {
    /// The central bank's own key.
    pub central_bank: SoftKey,
    /// The banks, in order of number.
    pub banks: Vec<(ParticipantNumber, SoftKey)>,
    /// The persons.
    pub persons: Persons,
}

/// Persons of the two authorities.
pub struct Persons {
    /// Those who issue.
    pub issuers: Vec<SoftKey>,
    /// Those who redeem.
    pub redeemers: Vec<SoftKey>,
}

impl KeyRing {
    /// Makes the keys of a plan.
    ///
    /// # Errors
    /// When the system gives no random bytes.
    pub fn generate(plan: &Plan) -> Result<Self> {
        let persons = || (0..PERSONS).map(|_| SoftKey::generate());
        let banks = (0..plan.banks).map(|bank| Ok((bank_number(bank), SoftKey::generate()?)));
        Ok(Self {
            central_bank: SoftKey::generate()?,
            banks: banks.collect::<Result<_>>()?,
            persons: Persons {
                issuers: persons().collect::<Result<_>>()?,
                redeemers: persons().collect::<Result<_>>()?,
            },
        })
    }

    /// Writes each key to a file of its own in a new folder, and says where those of the participants are.
    ///
    /// # Errors
    /// When a file cannot be written.
    pub fn write(&self, folder: &Path) -> Result<Vec<(ParticipantNumber, PathBuf)>> {
        std::fs::create_dir_all(folder)?;
        let mut participants = vec![(CENTRAL_BANK, folder.join("central-bank.json"))];
        self.central_bank.write(&participants[0].1, CENTRAL_BANK)?;
        for (number, key) in &self.banks {
            let path = folder.join(format!("bank-{number}.json"));
            key.write(&path, *number)?;
            participants.push((*number, path));
        }
        for (role, keys) in self.persons.roles() {
            for (number, key) in (1..).zip(keys) {
                key.write(&person_file(folder, role, number), CENTRAL_BANK)?;
            }
        }
        Ok(participants)
    }
}

impl Persons {
    const ISSUER: &str = "issuer";
    const REDEEMER: &str = "redeemer";

    fn roles(&self) -> [(&'static str, &Vec<SoftKey>); 2] {
        [
            (Self::ISSUER, &self.issuers),
            (Self::REDEEMER, &self.redeemers),
        ]
    }

    /// Reads the persons' keys from the folder that [`KeyRing::write`] wrote.
    ///
    /// # Errors
    /// When a file is missing or holds no key.
    pub fn read(folder: &Path) -> Result<Self> {
        let persons = |role| {
            let keys =
                (1..=PERSONS).map(|number| SoftKey::read(&person_file(folder, role, number)));
            keys.map(|read| read.map(|(_, key)| key))
                .collect::<Result<Vec<_>>>()
        };
        Ok(Self {
            issuers: persons(Self::ISSUER)?,
            redeemers: persons(Self::REDEEMER)?,
        })
    }
}

fn person_file(folder: &Path, role: &str, number: u32) -> PathBuf {
    folder.join(format!("{role}-{number}.json"))
}

//! A run as a short text: build, seed and scenario, which is all that a run depends on.
//!
//! Invariant: a token alone is enough to run again what it names; a letter that was changed or lost is noticed.
//! Shape: `fs1.BUILD.SEED.SCENARIO.CHECK`. BUILD is the beginning of the hash of the sources, SCENARIO is `swarm` for the random
//! scenario of the seed, the name of one that ships, or `+` and the whole file as JSON in base64url; CHECK is the beginning of
//! the BLAKE3 of all before it. Nothing in it means anything to a shell.
//! Errors: [`TokenError`].
//! Source: `docs/simulation.md`, "Replay tokens".

use std::fmt;
use std::str::FromStr;

use data_encoding::BASE64URL_NOPAD;

use crate::scenario::Plan;
use crate::scenario::file::File;
use crate::scenario::shipped;

/// The hash of the sources of this program, whatever compiler and profile made it.
pub const SOURCES: &str = env!("FALAJ_SIM_SOURCES");

const FORM: &str = "fs1";
const SWARM: &str = "swarm";
const WHOLE: char = '+';
const BUILD_LETTERS: usize = 12;
const CHECK_LETTERS: usize = 8;

/// What names a run.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Token {
    build: String,
    seed: u64,
    scenario: String,
}

/// Why a text names no run.
#[derive(Clone, Debug, PartialEq, Eq, thiserror::Error)]
pub enum TokenError {
    /// It has another form.
    #[error("it is no token: a token is fs1.BUILD.SEED.SCENARIO.CHECK")]
    Form,
    /// It was changed.
    #[error("it is damaged: a letter was changed or lost")]
    Check,
    /// It names a scenario that does not ship with this program.
    #[error("no scenario {name} ships with this program")]
    Unknown {
        /// The name.
        name: String,
    },
    /// Its scenario cannot be read here.
    #[error("its scenario cannot be read by this program")]
    Scenario,
}

impl Token {
    /// The token of a run by this program.
    #[must_use]
    pub fn new(plan: &Plan, seed: u64) -> Self {
        let scenario = match plan {
            Plan::Swarm => SWARM.to_owned(),
            Plan::File(file) => shipped::name_of(file).map_or_else(|| whole(file), str::to_owned),
        };
        Self {
            build: build().to_owned(),
            seed,
            scenario,
        }
    }

    /// What names the sources of the program that made it.
    #[must_use]
    pub fn build(&self) -> &str {
        &self.build
    }

    /// Whether this program's sources made it.
    #[must_use]
    pub fn is_of_this_build(&self) -> bool {
        self.build == build()
    }

    /// The seed.
    #[must_use]
    pub const fn seed(&self) -> u64 {
        self.seed
    }

    /// Whether two tokens name one scenario and seed, of whatever build.
    #[must_use]
    pub fn is_same_run(&self, other: &Self) -> bool {
        (self.seed, &self.scenario) == (other.seed, &other.scenario)
    }

    /// Where its scenario comes from.
    ///
    /// # Errors
    /// [`TokenError::Unknown`] and [`TokenError::Scenario`], of tokens of other builds alone.
    pub fn plan(&self) -> Result<Plan, TokenError> {
        if self.scenario == SWARM {
            return Ok(Plan::Swarm);
        }
        let file = match self.scenario.strip_prefix(WHOLE) {
            Some(letters) => file_of(letters),
            None => {
                let name = &self.scenario;
                let text = shipped::text_of(name)
                    .ok_or_else(|| TokenError::Unknown { name: name.clone() })?;
                File::parse(text).ok()
            }
        };
        file.map(|file| Plan::File(Box::new(file)))
            .ok_or(TokenError::Scenario)
    }
}

/// What names the sources of this program in a token.
#[must_use]
pub fn build() -> &'static str {
    SOURCES.get(..BUILD_LETTERS).unwrap_or(SOURCES)
}

fn whole(file: &File) -> String {
    let json = serde_json::to_vec(file).expect("a file is JSON");
    format!("{WHOLE}{}", BASE64URL_NOPAD.encode(&json))
}

fn file_of(letters: &str) -> Option<File> {
    let json = BASE64URL_NOPAD.decode(letters.as_bytes()).ok()?;
    let file: File = serde_json::from_slice(&json).ok()?;
    file.check().ok()?;
    Some(file)
}

fn check_of(text: &str) -> String {
    let mut check = blake3::hash(text.as_bytes()).to_hex().to_string();
    check.truncate(CHECK_LETTERS);
    check
}

impl fmt::Display for Token {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        let Self {
            build,
            seed,
            scenario,
        } = self;
        let text = format!("{FORM}.{build}.{seed}.{scenario}");
        write!(f, "{text}.{}", check_of(&text))
    }
}

impl FromStr for Token {
    type Err = TokenError;

    fn from_str(text: &str) -> Result<Self, TokenError> {
        let (checked, check) = text.trim().rsplit_once('.').ok_or(TokenError::Form)?;
        let parts: Vec<&str> = checked.split('.').collect();
        let [FORM, build, seed, scenario] = parts[..] else {
            return Err(TokenError::Form);
        };
        if check_of(checked) != check {
            return Err(TokenError::Check);
        }
        Ok(Self {
            build: build.to_owned(),
            seed: seed.parse().map_err(|_| TokenError::Form)?,
            scenario: scenario.to_owned(),
        })
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn file(text: &str) -> Plan {
        Plan::File(Box::new(File::parse(text).unwrap()))
    }

    fn said(plan: &Plan, seed: u64) -> String {
        format!("{:?}", plan.scenario(seed))
    }

    /// Goal: a token gives back seed and scenario: random, one that ships, or one of one's own that is nowhere else.
    #[test]
    fn a_token_alone_is_enough() {
        let own = file(
            "about = \"mine\"\nvalidators = 7\nhorizon_ms = 1234.567891\n[[heal]]\nat_ms = 3\n",
        );
        let ships = file(shipped::text_of("partition-heals").unwrap());
        for plan in [Plan::Swarm, ships, own] {
            let token = Token::new(&plan, 38);
            let again: Token = token.to_string().parse().unwrap();
            assert_eq!((again.seed(), &again), (38, &token));
            assert!(again.is_of_this_build());
            assert_eq!(said(&again.plan().unwrap(), 38), said(&plan, 38));
        }
    }

    /// Goal: what ships goes by its name, so that its token is short.
    #[test]
    fn a_scenario_that_ships_goes_by_its_name() {
        let ships = file(shipped::text_of("partition-heals").unwrap());
        let text = Token::new(&ships, 38).to_string();
        assert!(text.contains(".38.partition-heals."), "{text}");
        assert!(text.len() < 60, "{text}");
        let free = |name: &str| name != SWARM && !name.starts_with(WHOLE) && !name.contains('.');
        assert!(shipped::SHIPPED.iter().all(|(name, _)| free(name)));
    }

    /// Goal: no letter of a token can be changed, left out or added without being noticed.
    #[test]
    fn a_changed_letter_is_noticed() {
        let text = Token::new(&Plan::Swarm, 38).to_string();
        for place in 0..text.len() {
            let (before, rest) = text.split_at(place);
            for changed in [
                format!("{before}{}", &rest[1..]),
                format!("{before}0{rest}"),
                format!("{before}z{}", &rest[1..]),
            ] {
                assert!(
                    changed == text || changed.parse::<Token>().is_err(),
                    "{changed}"
                );
            }
        }
        for text in ["", "fs1", "fs1.a.b", "partition-heals"] {
            assert_eq!(text.parse::<Token>(), Err(TokenError::Form), "{text}");
        }
    }

    /// Goal: a token of other sources is known as such, and what it names is found where it still can be.
    #[test]
    fn a_token_of_another_build_is_known() {
        let other = |scenario: &str| Token {
            build: "0123456789ab".to_owned(),
            seed: 1,
            scenario: scenario.to_owned(),
        };
        assert!(!other(SWARM).is_of_this_build());
        assert!(other(SWARM).is_same_run(&Token::new(&Plan::Swarm, 1)));
        assert!(other(SWARM).plan().is_ok());
        let name = "gone".to_owned();
        assert_eq!(
            other("gone").plan().err(),
            Some(TokenError::Unknown { name })
        );
        assert_eq!(other("+e30").plan().err(), Some(TokenError::Scenario));
    }
}

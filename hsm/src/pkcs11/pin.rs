//! The PIN: where it may come from, and for how long it is in memory.
//!
//! Invariant: a PIN comes from a file only its owner can read, a systemd credential, an open descriptor or a prompt; never from a flag or
//! the environment. It is read for one login, is zeroised after it, and has no `Debug`.
//! Shapes: 1 to [`PIN_BYTES_MAX`] bytes of UTF-8; one final line end is not part of it.
//! Errors: [`PinError`]; none carries a byte of the secret.
//! Source: `docs/spec/hsm.md`, "PIN"; systemd.exec(5), "Credentials".

use std::fmt;
use std::fs::File;
use std::io::{self, Read};
use std::os::unix::fs::MetadataExt;
use std::path::{Path, PathBuf};
use std::sync::atomic::{AtomicBool, Ordering};

use cryptoki::types::AuthPin;
use zeroize::Zeroizing;

mod prompt;

/// The longest PIN that is read.
pub const PIN_BYTES_MAX: usize = 255;

/// Where a PIN comes from.
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum PinSource {
    /// A regular file that nobody but its owner, this process's user or root, may read or write.
    File(PathBuf),
    /// A systemd credential of this name (`LoadCredential=`, `LoadCredentialEncrypted=`).
    Credential(String),
    /// An open descriptor of this process, read once to its end.
    Descriptor(u32),
    /// The controlling terminal, once, without echo.
    Prompt,
}

impl PinSource {
    /// Reads how a configuration names it: `file:PATH`, `credential:NAME`, `fd:NUMBER` or `prompt`.
    #[must_use]
    pub fn parse(text: &str) -> Option<Self> {
        match text.split_once(':') {
            Some(("file", path)) if !path.is_empty() => Some(Self::File(PathBuf::from(path))),
            Some(("credential", name)) if !name.is_empty() => {
                Some(Self::Credential(name.to_owned()))
            }
            Some(("fd", number)) => number.parse().ok().map(Self::Descriptor),
            None if text == "prompt" => Some(Self::Prompt),
            Some(_) | None => None,
        }
    }
}

impl fmt::Display for PinSource {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self {
            Self::File(path) => write!(f, "file:{}", path.display()),
            Self::Credential(name) => write!(f, "credential:{name}"),
            Self::Descriptor(number) => write!(f, "fd:{number}"),
            Self::Prompt => f.write_str("prompt"),
        }
    }
}

/// Why a PIN could not be read.
#[derive(Debug, thiserror::Error)]
pub enum PinError {
    /// Opening or reading failed.
    #[error("cannot read {}", path.display())]
    Io {
        /// What was read.
        path: PathBuf,
        /// The system's error.
        #[source]
        source: io::Error,
    },
    /// Not a regular file.
    #[error("{} is not a regular file", path.display())]
    NotAFile {
        /// What was named.
        path: PathBuf,
    },
    /// Others than the owner may read or write it.
    #[error("{} can be read or written by others than its owner (mode {mode:o})", path.display())]
    Permissions {
        /// The file.
        path: PathBuf,
        /// Its permission bits.
        mode: u32,
    },
    /// It belongs to somebody else.
    #[error("{} belongs to user {owner}, not to root or to user {user}", path.display())]
    Owner {
        /// The file.
        path: PathBuf,
        /// Its owner.
        owner: u32,
        /// The user of this process.
        user: u32,
    },
    /// systemd gave this process no credentials.
    #[error(
        "there is no credentials directory, so systemd did not start this process with LoadCredential="
    )]
    NoCredentials,
    /// A credential name with a path in it.
    #[error("{name:?} is not the name of a credential")]
    CredentialName {
        /// The name.
        name: String,
    },
    /// Nothing in it.
    #[error("the pin is empty")]
    Empty,
    /// Too much in it.
    #[error("the pin has more than {PIN_BYTES_MAX} bytes")]
    TooLong,
    /// Not text.
    #[error("the pin is not utf-8")]
    NotText,
    /// A source that gives its PIN once was asked again.
    #[error("the pin was given once, by descriptor or prompt, and is needed again")]
    Spent,
}

/// A PIN in memory.
pub(crate) struct Pin(AuthPin);

impl Pin {
    /// What cryptoki logs in with.
    pub(crate) const fn auth(&self) -> &AuthPin {
        &self.0
    }
}

/// Reads the PIN of one configuration, each time it is needed.
pub(crate) struct PinReader {
    source: PinSource,
    spent: AtomicBool,
}

impl PinReader {
    pub(crate) const fn new(source: PinSource) -> Self {
        Self {
            source,
            spent: AtomicBool::new(false),
        }
    }

    /// Reads the PIN.
    ///
    /// # Errors
    /// [`PinError`]; [`PinError::Spent`] when a descriptor or prompt is asked a second time.
    pub(crate) fn read(&self, token: &str) -> Result<Pin, PinError> {
        match &self.source {
            PinSource::File(path) => read_file(path, Privacy::OwnerOnly),
            PinSource::Credential(name) => read_file(&credential(name)?, Privacy::NotOthers),
            PinSource::Descriptor(number) => {
                self.spend()?;
                let path = PathBuf::from(format!("/proc/self/fd/{number}"));
                let file = File::open(&path).map_err(|source| PinError::Io {
                    path: path.clone(),
                    source,
                })?;
                read_pin(file, &path)
            }
            PinSource::Prompt => {
                self.spend()?;
                prompt::read(Path::new("/dev/tty"), token)
            }
        }
    }

    fn spend(&self) -> Result<(), PinError> {
        if self.spent.swap(true, Ordering::SeqCst) {
            Err(PinError::Spent)
        } else {
            Ok(())
        }
    }
}

/// Who besides the owner may have access.
#[derive(Clone, Copy)]
enum Privacy {
    /// Nobody.
    OwnerOnly,
    /// The group bits hold the mask of the access list by which systemd lets the service user in.
    NotOthers,
}

impl Privacy {
    const fn forbidden_bits(self) -> u32 {
        match self {
            Self::OwnerOnly => 0o077,
            Self::NotOthers => 0o007,
        }
    }
}

fn credential(name: &str) -> Result<PathBuf, PinError> {
    let plain = !name.is_empty() && !name.contains('/') && name != "." && name != "..";
    if !plain {
        return Err(PinError::CredentialName {
            name: name.to_owned(),
        });
    }
    let folder = std::env::var_os("CREDENTIALS_DIRECTORY").ok_or(PinError::NoCredentials)?;
    Ok(Path::new(&folder).join(name))
}

/// Opens first and looks at what was opened, so that nothing can be exchanged in between.
fn read_file(path: &Path, privacy: Privacy) -> Result<Pin, PinError> {
    let io = |source| PinError::Io {
        path: path.to_path_buf(),
        source,
    };
    let file = File::open(path).map_err(io)?;
    let metadata = file.metadata().map_err(io)?;
    if !metadata.is_file() {
        return Err(PinError::NotAFile {
            path: path.to_path_buf(),
        });
    }
    let user = rustix::process::geteuid().as_raw();
    check_private(path, metadata.mode(), metadata.uid(), user, privacy)?;
    read_pin(file, path)
}

fn check_private(
    path: &Path,
    mode: u32,
    owner: u32,
    user: u32,
    privacy: Privacy,
) -> Result<(), PinError> {
    if owner != 0 && owner != user {
        return Err(PinError::Owner {
            path: path.to_path_buf(),
            owner,
            user,
        });
    }
    if mode & privacy.forbidden_bits() != 0 {
        return Err(PinError::Permissions {
            path: path.to_path_buf(),
            mode: mode & 0o7777,
        });
    }
    Ok(())
}

/// Reads into one buffer of fixed size, so that no copy is left behind by growing.
fn read_pin(mut input: impl Read, path: &Path) -> Result<Pin, PinError> {
    let mut buffer = Zeroizing::new([0_u8; PIN_BYTES_MAX + 3]);
    let mut length = 0;
    while let Some(space) = buffer.get_mut(length..).filter(|space| !space.is_empty()) {
        match input.read(space) {
            Ok(0) => break,
            Ok(count) => length += count,
            Err(error) if error.kind() == io::ErrorKind::Interrupted => {}
            Err(source) => {
                return Err(PinError::Io {
                    path: path.to_path_buf(),
                    source,
                });
            }
        }
    }
    parse(buffer.get(..length).unwrap_or_default())
}

fn parse(bytes: &[u8]) -> Result<Pin, PinError> {
    let line = bytes.strip_suffix(b"\n").unwrap_or(bytes);
    let line = line.strip_suffix(b"\r").unwrap_or(line);
    if line.is_empty() {
        return Err(PinError::Empty);
    }
    if line.len() > PIN_BYTES_MAX {
        return Err(PinError::TooLong);
    }
    let text = std::str::from_utf8(line).map_err(|_| PinError::NotText)?;
    Ok(Pin(AuthPin::from(text)))
}

#[cfg(test)]
mod tests;

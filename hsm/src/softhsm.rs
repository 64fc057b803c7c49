//! Makes SoftHSM tokens for demos, tests and testnets.
//!
//! Invariant: this process's own environment is never changed. SoftHSM reads `SOFTHSM2_CONF` when its library is initialised, so the
//! process that uses the tokens is a child that is started with [`SoftHsm::environment`].
//! The PINs of these tokens stand on the command line of `softhsm2-util` for the time it runs; they protect nothing but a test.
//! Shapes: one folder holds `softhsm2.conf` and `tokens/`; labels have 1 to 32 bytes, PINs 4 to 255.
//! Errors: [`SoftHsmError`], with the line to run where something is not installed.
//! Source: softhsm2-util(1), softhsm2.conf(5).

use std::fs::{self, OpenOptions};
use std::io::{self, Write};
use std::os::unix::fs::{DirBuilderExt, OpenOptionsExt};
use std::path::{Path, PathBuf};
use std::process::{Command, Output};

/// The variable by which SoftHSM finds its configuration.
pub const CONFIG_VARIABLE: &str = "SOFTHSM2_CONF";

/// How to install what is missing.
pub const INSTALL: &str = "apt-get install softhsm2";

const TOOL: &str = "softhsm2-util";
const LABEL_BYTES_MAX: usize = 32;

/// Where distributions put the library.
const LIBRARIES: [&str; 7] = [
    "/usr/lib/softhsm/libsofthsm2.so",
    "/usr/lib/x86_64-linux-gnu/softhsm/libsofthsm2.so",
    "/usr/lib/aarch64-linux-gnu/softhsm/libsofthsm2.so",
    "/usr/lib64/pkcs11/libsofthsm2.so",
    "/usr/lib64/softhsm/libsofthsm2.so",
    "/usr/local/lib/softhsm/libsofthsm2.so",
    "/opt/homebrew/lib/softhsm/libsofthsm2.so",
];

/// Why there is no token.
#[derive(Debug, thiserror::Error)]
pub enum SoftHsmError {
    /// The library is in none of the usual places.
    #[error("libsofthsm2.so is not installed; run: {INSTALL}")]
    NoLibrary,
    /// The tool cannot be started.
    #[error("cannot start {TOOL}; run: {INSTALL}")]
    NoTool(#[source] io::Error),
    /// The tool failed.
    #[error("{TOOL} failed: {output}")]
    Tool {
        /// What it wrote.
        output: String,
    },
    /// A folder or file could not be made.
    #[error("cannot write {}", path.display())]
    Io {
        /// Which one.
        path: PathBuf,
        /// The system's error.
        #[source]
        source: io::Error,
    },
    /// A label that is empty or too long for a token.
    #[error("a token label has 1 to 32 bytes, not {0}")]
    Label(usize),
    /// A token of that label exists.
    #[error("a token with label {0} exists already")]
    LabelTaken(String),
}

/// A folder of SoftHSM tokens.
#[derive(Clone, Debug)]
pub struct SoftHsm {
    folder: PathBuf,
}

impl SoftHsm {
    /// The library, where it is installed.
    ///
    /// # Errors
    /// [`SoftHsmError::NoLibrary`].
    pub fn library() -> Result<PathBuf, SoftHsmError> {
        let found = LIBRARIES.iter().map(Path::new).find(|path| path.is_file());
        found.map(Path::to_path_buf).ok_or(SoftHsmError::NoLibrary)
    }

    /// Makes the folder, for its owner alone, with its configuration; an existing one is used as it is.
    ///
    /// # Errors
    /// [`SoftHsmError::Io`].
    pub fn create(folder: &Path) -> Result<Self, SoftHsmError> {
        let this = Self {
            folder: folder.to_path_buf(),
        };
        let tokens = this.tokens_folder();
        let mut builder = fs::DirBuilder::new();
        let made = builder.recursive(true).mode(0o700).create(&tokens);
        made.map_err(|source| SoftHsmError::Io {
            path: tokens.clone(),
            source,
        })?;
        let text = format!(
            "directories.tokendir = {}\nobjectstore.backend = file\nlog.level = ERROR\nslots.removable = false\n",
            tokens.display()
        );
        let path = this.config_file();
        fs::write(&path, text).map_err(|source| SoftHsmError::Io { path, source })?;
        Ok(this)
    }

    /// The configuration file.
    #[must_use]
    pub fn config_file(&self) -> PathBuf {
        self.folder.join("softhsm2.conf")
    }

    /// The folder of the tokens themselves.
    #[must_use]
    pub fn tokens_folder(&self) -> PathBuf {
        self.folder.join("tokens")
    }

    /// What the environment of a process must hold so that it finds these tokens.
    #[must_use]
    pub fn environment(&self) -> (&'static str, PathBuf) {
        (CONFIG_VARIABLE, self.config_file())
    }

    /// Makes a token in a free slot.
    ///
    /// # Errors
    /// [`SoftHsmError::Label`], [`SoftHsmError::LabelTaken`], [`SoftHsmError::NoTool`], [`SoftHsmError::Tool`].
    pub fn init_token(
        &self,
        label: &str,
        user_pin: &str,
        officer_pin: &str,
    ) -> Result<(), SoftHsmError> {
        if label.is_empty() || label.len() > LABEL_BYTES_MAX {
            return Err(SoftHsmError::Label(label.len()));
        }
        if self.labels()?.iter().any(|known| known == label) {
            return Err(SoftHsmError::LabelTaken(label.to_owned()));
        }
        let arguments = [
            "--init-token",
            "--free",
            "--label",
            label,
            "--so-pin",
            officer_pin,
            "--pin",
            user_pin,
        ];
        self.run(&arguments).map(|_| ())
    }

    /// The labels of the tokens that are there.
    ///
    /// # Errors
    /// [`SoftHsmError::NoTool`], [`SoftHsmError::Tool`].
    pub fn labels(&self) -> Result<Vec<String>, SoftHsmError> {
        let text = self.run(&["--show-slots"])?;
        let labels = text
            .lines()
            .filter_map(|line| line.trim().strip_prefix("Label:"));
        Ok(labels
            .map(|label| label.trim().to_owned())
            .filter(|label| !label.is_empty())
            .collect())
    }

    fn run(&self, arguments: &[&str]) -> Result<String, SoftHsmError> {
        let (variable, value) = self.environment();
        let output = Command::new(TOOL)
            .env(variable, value)
            .args(arguments)
            .output();
        let output = output.map_err(SoftHsmError::NoTool)?;
        if output.status.success() {
            Ok(text(&output))
        } else {
            Err(SoftHsmError::Tool {
                output: text(&output),
            })
        }
    }
}

fn text(output: &Output) -> String {
    let all = [output.stdout.as_slice(), output.stderr.as_slice()].concat();
    String::from_utf8_lossy(&all).trim().to_owned()
}

/// Writes a PIN to a new file that only its owner can read, for a `PinSource::File` of the `PKCS #11` backend.
///
/// # Errors
/// [`SoftHsmError::Io`], also when the file exists.
pub fn write_pin_file(path: &Path, pin: &str) -> Result<(), SoftHsmError> {
    let write = || -> io::Result<()> {
        let mut file = OpenOptions::new()
            .write(true)
            .create_new(true)
            .mode(0o600)
            .open(path)?;
        file.write_all(pin.as_bytes())
    };
    write().map_err(|source| SoftHsmError::Io {
        path: path.to_path_buf(),
        source,
    })
}

//! How a command line that cannot be read is told to a program: the same in `falaj`, `falaj-testnet` and `falaj-sim`.
//!
//! Shape: of clap's words for people the first paragraph is what is wrong, and its tips are what to do.
//! Source: `docs/guide/cli.md`, "Errors".

/// The exit code of wrong usage.
pub const EXIT_CODE: u8 = 2;

/// Whether the words of this process's command line ask for JSON, whatever else can be read of them.
#[must_use]
pub fn wants_json() -> bool {
    std::env::args_os().any(|word| word == "--json")
}

/// What is wrong with a command line, and what to do.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct WrongUsage {
    /// What is wrong.
    pub error: String,
    /// What to do.
    pub fix: String,
}

impl WrongUsage {
    /// Reads what clap says of it.
    #[must_use]
    pub fn of(text: &str) -> Self {
        let mut lines = text.lines().map(str::trim);
        let first: Vec<_> = lines.by_ref().take_while(|line| !line.is_empty()).collect();
        let first = first.join(" ");
        let tips: Vec<_> = lines
            .filter_map(|line| line.strip_prefix("tip: "))
            .collect();
        let error = first.strip_prefix("error: ");
        Self {
            error: error.unwrap_or("a command is needed").to_owned(),
            fix: if tips.is_empty() {
                "see --help".to_owned()
            } else {
                tips.join("; ")
            },
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn the_first_paragraph_is_the_error_and_tips_are_the_fix() {
        for (text, error, fix) in [
            (
                "error: unexpected argument '--dri' found\n\n  tip: a similar argument exists: '--dir'\n\nUsage: x\n",
                "unexpected argument '--dri' found",
                "a similar argument exists: '--dir'",
            ),
            (
                "error: the following required arguments were not provided:\n  --dir <DIR>\n\nUsage: x\n",
                "the following required arguments were not provided: --dir <DIR>",
                "see --help",
            ),
            (
                "Testnets of nodes\n\nUsage: x\n",
                "a command is needed",
                "see --help",
            ),
        ] {
            let (error, fix) = (error.to_owned(), fix.to_owned());
            assert_eq!(WrongUsage::of(text), WrongUsage { error, fix });
        }
    }
}

//! `falaj account id`: an id is its opener's number and twelve bytes of the opener's choice, in bech32m under the network's prefix.
//!
//! Source: `docs/spec/ledger.md`, "Account"; BIP 350.

use clap::Args;
use data_encoding::HEXLOWER;
use falaj_ledger::account::AccountId;
use falaj_ledger::participant::ParticipantNumber;
use serde_json::json;

use crate::shell::cli::genesis::GenesisArgs;
use crate::shell::cli::print::row;
use crate::shell::cli::{Failure, Scene, chance, names, print};

/// Makes or reads an account's id; no node is asked.
#[derive(Args)]
pub(in crate::shell::cli) struct Id {
    /// An id to read.
    #[arg(
        required_unless_present = "participant",
        conflicts_with = "participant"
    )]
    account: Option<String>,
    /// Make an id that this participant can open.
    #[arg(long)]
    participant: Option<u32>,
    /// The twelve bytes of the opener's choice in hexadecimal; drawn if absent.
    #[arg(long, value_name = "HEX", requires = "participant", value_parser = chosen)]
    chosen: Option<[u8; 12]>,
    #[command(flatten)]
    genesis: GenesisArgs,
}

fn chosen(text: &str) -> Result<[u8; 12], &'static str> {
    let bytes = HEXLOWER.decode(text.as_bytes()).ok();
    let bytes = bytes.and_then(|bytes| bytes.try_into().ok());
    bytes.ok_or("24 small hexadecimal digits are needed")
}

impl Id {
    pub(super) fn run(&self, scene: &Scene) -> Result<(), Failure> {
        let genesis = self.genesis.read(scene)?;
        let id = match (&self.account, self.participant) {
            (Some(text), _) => AccountId::parse(text, &genesis.network)
                .map_err(|error| Failure::new(Failure::CHECK, error).with("name", "account-id"))?,
            (None, Some(number)) => {
                let chosen = self.chosen.map_or_else(chance::bytes, Ok)?;
                AccountId::new(ParticipantNumber::new(number), chosen)
            }
            (None, None) => {
                return Err(Failure::new(
                    Failure::USAGE,
                    "name an id or a --participant",
                ));
            }
        };
        let (text, opener) = (names::of_account(id, &genesis), id.opener().get());
        let bytes = HEXLOWER.encode(id.bytes());
        if scene.json {
            print::json(&json!({"account": text, "participant": opener, "bytes": bytes}));
        } else {
            print::line(&row("account", &text));
            print::line(&row("participant", &opener.to_string()));
            print::line(&row("bytes", &bytes));
        }
        Ok(())
    }
}

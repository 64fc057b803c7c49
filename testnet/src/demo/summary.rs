//! What a demo comes to: one JSON object and a table.
//!
//! Invariant: `ok` is the conjunction of every check, each of which is a field.

use serde::Serialize;
use std::collections::BTreeMap;
use std::time::Duration;

use super::Options;
use super::tour::Faults;
use crate::load::{FinalityMs, Report};

/// The closing line of the demo.
#[derive(Clone, Debug, PartialEq, Serialize)]
pub struct Summary {
    /// Whether every check held.
    pub ok: bool,
    /// How many validators.
    pub validators: usize,
    /// Where their keys signed.
    pub signer: &'static str,
    /// Algorithms of their keys.
    pub algorithms: Vec<&'static str>,
    /// Height at the end.
    pub height: u64,
    /// Payments that were sent.
    pub submitted: u64,
    /// Payments that are final.
    #[serde(rename = "final")]
    pub settled: u64,
    /// Payments that were rejected, by code.
    pub rejected: BTreeMap<u16, u64>,
    /// Payments of which nothing is known.
    pub unknown: u64,
    /// Final payments a second.
    #[serde(serialize_with = "crate::load::to_tenths")]
    pub tps: f64,
    /// From the intended sending to finality, faults included.
    pub finality_ms: FinalityMs,
    /// Whether the supply never changed, by the nodes' word and by recounting every account.
    pub supply_ok: bool,
    /// From starting the killed validator to its first vote in a certificate.
    pub validator_back_ms: Option<u64>,
    /// From the token's return to the first vote in a certificate; nothing with the software signer.
    pub hsm_back_ms: Option<u64>,
    /// Whether the network went on through each fault, and whoever was down votes again.
    pub faults_ok: bool,
    /// Whether every node stopped in order when told to.
    pub stopped_ok: bool,
    /// Whether re-executing every block of every node gives what its certificates say.
    pub verify_ok: bool,
}

/// What is known once the network has stopped.
pub(super) struct Outcome {
    pub(super) height: u64,
    pub(super) supply_ok: bool,
    pub(super) verify_ok: bool,
    pub(super) stopped: bool,
}

impl Summary {
    pub(super) fn of(options: &Options, report: Report, faults: Faults, outcome: Outcome) -> Self {
        let Outcome {
            height,
            supply_ok,
            verify_ok,
            stopped: stopped_ok,
        } = outcome;
        let faults_ok = !faults.failed;
        let all_final = report.settled == report.submitted && report.settled > 0;
        Self {
            ok: all_final && supply_ok && faults_ok && stopped_ok && verify_ok,
            validators: options.testnet.validators,
            signer: options.testnet.signer.name(),
            algorithms: options
                .testnet
                .algorithms
                .iter()
                .map(|algorithm| algorithm.name())
                .collect(),
            height,
            submitted: report.submitted,
            settled: report.settled,
            rejected: report.rejected,
            unknown: report.unknown,
            tps: report.tps,
            finality_ms: report.finality_ms,
            supply_ok,
            validator_back_ms: faults.validator_back.map(milliseconds),
            hsm_back_ms: faults.hsm_back.map(milliseconds),
            faults_ok,
            stopped_ok,
            verify_ok,
        }
    }

    /// The closing table, a line an entry.
    #[must_use]
    pub fn table(&self) -> Vec<String> {
        let word = |holds: bool| if holds { "yes" } else { "NO" };
        let back = |ms: Option<u64>| ms.map_or_else(|| "-".to_owned(), |ms| format!("{ms} ms"));
        let FinalityMs { p50, p99, max } = self.finality_ms;
        let rejected: u64 = self.rejected.values().sum();
        let rows = [
            (
                "validators",
                format!(
                    "{}, {} {}",
                    self.validators,
                    self.signer,
                    self.algorithms.join(" ")
                ),
            ),
            ("height", self.height.to_string()),
            (
                "payments",
                format!(
                    "{} sent, {} final, {rejected} rejected, {} unknown",
                    self.submitted, self.settled, self.unknown
                ),
            ),
            ("a second", format!("{:.1}", self.tps)),
            (
                "finality",
                format!("p50 {p50:.1} ms, p99 {p99:.1} ms, max {max:.1} ms, faults included"),
            ),
            ("validator back", back(self.validator_back_ms)),
            ("HSM back", back(self.hsm_back_ms)),
            ("went on through faults", word(self.faults_ok).into()),
            ("supply unchanged", word(self.supply_ok).into()),
            ("stopped in order", word(self.stopped_ok).into()),
            ("every block re-executed", word(self.verify_ok).into()),
            ("every check held", word(self.ok).into()),
        ];
        rows.into_iter()
            .map(|(name, value)| format!("{name:<24} {value}"))
            .collect()
    }
}

fn milliseconds(duration: Duration) -> u64 {
    u64::try_from(duration.as_millis()).unwrap_or(u64::MAX)
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::economy::Plan;
    use crate::manifest::SignerKind;
    use crate::provision::Order;
    use falaj_consensus::crypto::Algorithm;

    fn options() -> Options {
        let testnet = Order {
            validators: 4,
            signer: SignerKind::Softhsm,
            algorithms: vec![Algorithm::EcdsaP256],
            plan: Plan::default(),
        };
        Options {
            testnet,
            live: false,
            rate: 10.0,
            seconds: 30.0,
        }
    }

    fn report() -> Report {
        Report {
            submitted: 10,
            settled: 10,
            rejected: BTreeMap::new(),
            unknown: 0,
            tps: 5.0,
            finality_ms: FinalityMs::default(),
            seconds: 2.0,
        }
    }

    fn faults() -> Faults {
        Faults {
            validator_back: Some(Duration::from_millis(7)),
            hsm_back: None,
            failed: false,
        }
    }

    const GOOD: Outcome = Outcome {
        height: 5,
        supply_ok: true,
        verify_ok: true,
        stopped: true,
    };

    fn ok(report: Report, faults: Faults, outcome: Outcome) -> bool {
        Summary::of(&options(), report, faults, outcome).ok
    }

    // Goal: any one check that does not hold is enough.
    #[test]
    fn it_is_ok_only_if_every_check_held() {
        assert!(ok(report(), faults(), GOOD));
        assert!(!ok(
            Report {
                settled: 9,
                unknown: 1,
                ..report()
            },
            faults(),
            GOOD
        ));
        assert!(!ok(
            Report {
                settled: 9,
                rejected: [(3003, 1)].into(),
                ..report()
            },
            faults(),
            GOOD
        ));
        assert!(!ok(
            Report {
                submitted: 0,
                settled: 0,
                ..report()
            },
            faults(),
            GOOD
        ));
        assert!(!ok(
            report(),
            Faults {
                failed: true,
                ..faults()
            },
            GOOD
        ));
        assert!(!ok(
            report(),
            faults(),
            Outcome {
                supply_ok: false,
                ..GOOD
            }
        ));
        assert!(!ok(
            report(),
            faults(),
            Outcome {
                verify_ok: false,
                ..GOOD
            }
        ));
        assert!(!ok(
            report(),
            faults(),
            Outcome {
                stopped: false,
                ..GOOD
            }
        ));
    }

    #[test]
    fn the_last_line_has_its_keys() {
        let summary =
            serde_json::to_value(Summary::of(&options(), report(), faults(), GOOD)).unwrap();
        for key in [
            "ok",
            "validators",
            "signer",
            "height",
            "submitted",
            "final",
            "rejected",
            "tps",
            "finality_ms",
            "supply_ok",
            "validator_back_ms",
            "hsm_back_ms",
            "verify_ok",
        ] {
            assert!(summary.get(key).is_some(), "{key}");
        }
        assert_eq!(summary["validator_back_ms"], 7);
        assert!(summary["finality_ms"].get("p50").is_some());
        assert!(summary["finality_ms"].get("p99").is_some());
    }
}

//! `falaj upgrade`: which feature gates are scheduled, and who is ready for them.
//!
//! Invariant: what is shown is the node's word at that moment; a gate that this node or too much of the power would not pass is exit code 1.
//! Source: `docs/spec/api.md`, "Upgrades"; `docs/runbook/upgrade.md`.

use clap::{Args, Subcommand};
use serde::Deserialize;
use serde_json::Value;

use super::endpoint::Endpoint;
use super::{Failure, Scene, print};

/// Looks at upgrades.
#[derive(Subcommand)]
pub(super) enum Upgrade {
    /// Show the scheduled feature gates, and whose program supports them.
    Plan(Plan),
}

/// The gates and who is ready.
#[derive(Args)]
pub(super) struct Plan {
    #[command(flatten)]
    endpoint: Endpoint,
}

/// What is shown of `/v1/upgrade`.
#[derive(Debug, Deserialize)]
struct PlanSeen {
    height: u64,
    supported: Vec<u8>,
    passes: bool,
    total_power: String,
    gates: Vec<GateSeen>,
    validators: Vec<ValidatorSeen>,
}

#[derive(Debug, Deserialize)]
struct GateSeen {
    feature: u8,
    from: u64,
    in_force: bool,
    in_seconds: Option<f64>,
    ready_power: String,
    lacking_power: String,
    unknown_power: String,
    is_quorum_ready: bool,
    supported_here: bool,
}

#[derive(Debug, Deserialize)]
struct ValidatorSeen {
    id: u32,
    power: u64,
    supported: Option<Vec<u8>>,
}

impl Upgrade {
    pub(super) fn run(&self, scene: &Scene) -> Result<(), Failure> {
        match self {
            Self::Plan(plan) => plan.run(scene),
        }
    }
}

impl Plan {
    fn run(&self, scene: &Scene) -> Result<(), Failure> {
        let answer = self.endpoint.client(scene)?.get("/v1/upgrade")?;
        if !answer.status.is_success() {
            return Err(answer.refusal());
        }
        let raw: Value = answer.json()?;
        let seen: PlanSeen = answer.json()?;
        if scene.json {
            print::json(&raw);
        } else {
            seen.lines().iter().for_each(|line| print::line(line));
        }
        if seen.is_ready() {
            Ok(())
        } else {
            let what = "a feature gate would not be passed by this node or by a quorum";
            Err(Failure::new(Failure::CHECK, what).told())
        }
    }
}

impl PlanSeen {
    fn is_ready(&self) -> bool {
        self.passes && self.gates.iter().all(|gate| gate.is_quorum_ready)
    }

    fn lines(&self) -> Vec<String> {
        let mut lines = vec![
            print::row("next height", &self.height.to_string()),
            print::row("supported", &list(&self.supported)),
        ];
        if self.gates.is_empty() {
            lines.push("no feature gate is scheduled".to_owned());
        }
        for gate in &self.gates {
            self.gate(gate, &mut lines);
        }
        lines
    }

    fn gate(&self, gate: &GateSeen, lines: &mut Vec<String>) {
        let when = match (gate.in_force, gate.in_seconds) {
            (true, _) => "in force".to_owned(),
            (false, Some(seconds)) => format!("in about {seconds:.0} s"),
            (false, None) => "scheduled".to_owned(),
        };
        lines.push(format!(
            "feature {} from height {}: {when}",
            gate.feature, gate.from
        ));
        let verdict = if gate.is_quorum_ready {
            "a quorum is ready"
        } else {
            "no quorum is ready"
        };
        lines.push(format!(
            "  power {} of {} is ready, {} is not, {} is unknown: {verdict}",
            gate.ready_power, self.total_power, gate.lacking_power, gate.unknown_power
        ));
        for validator in &self.validators {
            let state = match &validator.supported {
                None => "unknown: not connected",
                Some(bits) if bits.contains(&gate.feature) => "ready",
                Some(_) => "not ready",
            };
            lines.push(format!(
                "  validator {} (power {}): {state}",
                validator.id, validator.power
            ));
        }
        let here = if gate.supported_here {
            "this node would pass"
        } else {
            "this node would not pass: install a release that supports the feature"
        };
        lines.push(format!("  {here}"));
    }
}

fn list(bits: &[u8]) -> String {
    if bits.is_empty() {
        return "no feature".to_owned();
    }
    let bits: Vec<String> = bits.iter().map(u8::to_string).collect();
    bits.join(", ")
}

#[cfg(test)]
mod tests {
    use super::*;
    use serde_json::json;

    fn seen(passes: bool, quorum: bool) -> PlanSeen {
        let gate = json!({
            "feature": 3, "from": 100, "in_force": false, "in_seconds": 12.4,
            "ready_power": "2", "lacking_power": "1", "unknown_power": "1",
            "is_quorum_ready": quorum, "supported_here": passes,
        });
        let validators = json!([
            {"id": 1, "power": 1, "supported": [3]}, {"id": 2, "power": 1, "supported": []}, {"id": 4, "power": 1},
        ]);
        let plan = json!({
            "height": 90, "supported": [], "passes": passes, "total_power": "4",
            "gates": [gate], "validators": validators,
        });
        serde_json::from_value(plan).unwrap()
    }

    #[test]
    fn a_plan_says_who_is_ready() {
        assert_eq!(
            seen(false, false).lines(),
            [
                "next height  90",
                "supported    no feature",
                "feature 3 from height 100: in about 12 s",
                "  power 2 of 4 is ready, 1 is not, 1 is unknown: no quorum is ready",
                "  validator 1 (power 1): ready",
                "  validator 2 (power 1): not ready",
                "  validator 4 (power 1): unknown: not connected",
                "  this node would not pass: install a release that supports the feature",
            ]
        );
    }

    #[test]
    fn a_plan_holds_when_node_and_quorum_pass() {
        let found = [(true, true), (true, false), (false, true)]
            .map(|(node, quorum)| seen(node, quorum).is_ready());
        assert_eq!(found, [true, false, false]);
    }
}

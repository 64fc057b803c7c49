//! Who is ready for which feature gate.
//!
//! Invariant: gates and powers are the ledger's; what a program supports is its own word, said on its connection, and decides nothing.
//! Source: `docs/spec/api.md`, "Upgrades".

use axum::Json;
use axum::extract::State;
use falaj_consensus::message::Header;
use falaj_consensus::types::Height;
use falaj_consensus::validator_set::{Validator, ValidatorSet};
use falaj_ledger::gate::{Feature, Gate};
use serde::Serialize;
use std::sync::Arc;
use utoipa::ToSchema;

use super::blocks;
use super::context::Api;

/// Blocks over which the time between two is measured.
const PACE_BLOCKS: u64 = 100;

/// Which gates there are, and who would pass them.
#[derive(Clone, Debug, Serialize, ToSchema)]
pub(super) struct UpgradeAnswer {
    /// The next height.
    height: u64,
    /// Mean time between the last blocks in seconds, if there are two.
    #[serde(skip_serializing_if = "Option::is_none")]
    seconds_per_height: Option<f64>,
    /// Features that this node's program supports, by bit.
    supported: Vec<u8>,
    /// Whether this node's program passes every gate that is scheduled or in force.
    passes: bool,
    /// Power of all.
    total_power: String,
    /// Least power that is a quorum.
    quorum_power: String,
    /// The gates, in order of bit.
    gates: Vec<GateView>,
    /// The validators of the next height, in order of id.
    validators: Vec<ReadinessView>,
}

/// A feature gate.
#[derive(Clone, Debug, Serialize, ToSchema)]
struct GateView {
    /// Its bit.
    feature: u8,
    /// The first height under it.
    from: u64,
    /// Whether that is the next height or below.
    in_force: bool,
    /// Until then, at the pace of the last blocks.
    #[serde(skip_serializing_if = "Option::is_none")]
    in_seconds: Option<f64>,
    /// Power of those whose program supports it.
    ready_power: String,
    /// Power of those whose program does not.
    lacking_power: String,
    /// Power of those who are not connected.
    unknown_power: String,
    /// Whether those who are ready are a quorum.
    is_quorum_ready: bool,
    /// Whether this node's program supports it.
    supported_here: bool,
}

/// A validator, and what its program supports.
#[derive(Clone, Debug, Serialize, ToSchema)]
struct ReadinessView {
    /// Its id.
    id: u32,
    /// Its power.
    power: u64,
    /// Features by bit; absent while it is not connected.
    #[serde(skip_serializing_if = "Option::is_none")]
    supported: Option<Vec<u8>>,
}

/// A validator's power with the word that its program supports, if that is known.
type Ready = (u64, Option<u64>);

/// Who is ready for which feature gate.
#[utoipa::path(
    get,
    path = "/v1/upgrade",
    tag = "node",
    responses((status = 200, description = "Gates and readiness.", body = UpgradeAnswer)),
)]
pub(super) async fn upgrade(State(api): State<Arc<Api>>) -> Json<UpgradeAnswer> {
    let snapshot = api.snapshot();
    let pace = pace(&api, snapshot.height(), snapshot.state.time_us()).await;
    let height = snapshot.height().next();
    let set = snapshot.state.validators_at(height);
    let members = set.members().iter();
    let ready: Vec<Ready> = members
        .map(|member| (member.power.get(), supported_by(&api, member)))
        .collect();
    let gates: Vec<(Feature, Gate)> = snapshot.state.gates().collect();
    let scheduled = gates.iter().fold(0, |word, (bit, _)| word | bit.mask());
    let view = |(feature, gate): &(Feature, Gate)| {
        gate_view(*feature, gate.from, (height, pace), (&set, &ready))
    };
    Json(UpgradeAnswer {
        height: height.get(),
        seconds_per_height: pace,
        supported: bits(Header::FEATURES_KNOWN),
        passes: scheduled & !Header::FEATURES_KNOWN == 0,
        total_power: set.total_power().to_string(),
        quorum_power: (set.total_power() * 2 / 3 + 1).to_string(),
        gates: gates.iter().map(view).collect(),
        validators: (set.members().iter().zip(&ready))
            .map(|(member, (power, supported))| ReadinessView {
                id: member.id.get(),
                power: *power,
                supported: supported.map(bits),
            })
            .collect(),
    })
}

fn supported_by(api: &Api, member: &Validator) -> Option<u64> {
    let own = api.node.config.validator.as_ref();
    if own.is_some_and(|own| own.id == member.id.get()) {
        Some(Header::FEATURES_KNOWN)
    } else {
        api.node.watch.supported_by(member.id.get())
    }
}

fn gate_view(
    feature: Feature,
    from: Height,
    (next, pace): (Height, Option<f64>),
    (set, ready): (&ValidatorSet, &[Ready]),
) -> GateView {
    let sum = |of: Option<bool>| -> u128 {
        let supports = |word: u64| word & feature.mask() != 0;
        let counted = ready
            .iter()
            .filter(|(_, supported)| supported.map(supports) == of);
        counted.map(|(power, _)| u128::from(*power)).sum()
    };
    let ready_power = sum(Some(true));
    let heights = from.get().checked_sub(next.get()).filter(|left| *left > 0);
    #[expect(clippy::cast_precision_loss, reason = "an estimate for people")]
    let in_seconds = heights.and_then(|heights| Some(pace? * heights as f64));
    GateView {
        feature: feature.get(),
        from: from.get(),
        in_force: from <= next,
        in_seconds,
        ready_power: ready_power.to_string(),
        lacking_power: sum(Some(false)).to_string(),
        unknown_power: sum(None).to_string(),
        is_quorum_ready: set.is_quorum(ready_power),
        supported_here: bits(Header::FEATURES_KNOWN).contains(&feature.get()),
    }
}

/// Mean seconds between two of the last blocks.
async fn pace(api: &Api, last: Height, time_us: u64) -> Option<f64> {
    let first = last.get().saturating_sub(PACE_BLOCKS).max(1);
    let blocks = last.get().checked_sub(first).filter(|blocks| *blocks > 0)?;
    let earlier = blocks::find(api, &first.to_string()).await.ok()?;
    let took_us = time_us.saturating_sub(earlier.header.time_us);
    #[expect(clippy::cast_precision_loss, reason = "an estimate for people")]
    let seconds = took_us as f64 / 1e6 / blocks as f64;
    Some(seconds)
}

fn bits(word: u64) -> Vec<u8> {
    Feature::of_word(word).map(Feature::get).collect()
}

#[cfg(test)]
mod tests {
    use super::*;
    use falaj_ledger::testing::genesis;

    // docs/spec/api.md, "Upgrades": ready, lacking and unknown add up to all, and a quorum is more than two thirds.
    #[test]
    fn powers_are_counted_by_what_programs_say() {
        let set = genesis().validators;
        let feature = Feature::new(3).unwrap();
        let view = |supported: [Option<u64>; 4], next| {
            let ready = supported.map(|word| (1, word));
            let at = (Height::new(next), Some(0.5));
            gate_view(feature, Height::new(100), at, (&set, &ready))
        };
        let two = view([Some(8), Some(9), Some(1), None], 90);
        let powers = [two.ready_power, two.lacking_power, two.unknown_power];
        assert_eq!(powers, ["2", "1", "1"]);
        assert_eq!((two.in_force, two.in_seconds), (false, Some(5.0)));
        assert!(!two.is_quorum_ready && !two.supported_here);
        let three = view([Some(8), Some(9), Some(10), None], 100);
        assert_eq!((three.in_force, three.in_seconds), (true, None));
        assert!(three.is_quorum_ready);
    }
}

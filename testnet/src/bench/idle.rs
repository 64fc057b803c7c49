//! What a network costs that has nothing to do.
//!
//! Shapes and units: summed over the validators, for each second of wall time; blocks a minute.

use anyhow::Result;
use serde::Serialize;
use std::time::Duration;
use tokio::time::Instant;

use super::numbers::to_thousandths;
use super::stage::Stage;

/// How long a network that has just started is left to settle.
const SETTLE: Duration = Duration::from_secs(2);

/// The cost of nothing.
#[derive(Clone, Copy, Debug, Serialize)]
pub struct Idle {
    /// For how long it was watched.
    #[serde(serialize_with = "to_thousandths")]
    pub seconds: f64,
    /// Milliseconds of CPU of all validators, a second.
    #[serde(serialize_with = "to_thousandths")]
    pub cpu_ms_per_s: f64,
    /// Bytes that all validators had written, a second.
    #[serde(serialize_with = "to_thousandths")]
    pub disk_bytes_per_s: f64,
    /// Blocks a minute.
    #[serde(serialize_with = "to_thousandths")]
    pub blocks_per_minute: f64,
}

/// Watches for so long.
pub(super) async fn measure(stage: &Stage, lasting: Duration) -> Result<Idle> {
    tokio::time::sleep(SETTLE).await;
    let before = look(stage).await?;
    tokio::time::sleep(lasting).await;
    let after = look(stage).await?;
    Ok(Idle::between(&before, &after))
}

struct Look {
    at: Instant,
    cpu_us: u64,
    written_bytes: u64,
    height: u64,
}

async fn look(stage: &Stage) -> Result<Look> {
    let height = stage.height().await?;
    Ok(Look {
        at: Instant::now(),
        cpu_us: stage.cpu_us()?,
        written_bytes: stage.written_bytes()?,
        height,
    })
}

impl Idle {
    fn between(before: &Look, after: &Look) -> Self {
        let seconds = (after.at - before.at).as_secs_f64();
        let per_s = |before: u64, after: u64| after.saturating_sub(before) as f64 / seconds;
        Self {
            seconds,
            cpu_ms_per_s: per_s(before.cpu_us, after.cpu_us) / 1_000.0,
            disk_bytes_per_s: per_s(before.written_bytes, after.written_bytes),
            blocks_per_minute: per_s(before.height, after.height) * 60.0,
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn differences_are_divided_by_the_time_between() {
        let at = Instant::now();
        let before = Look {
            at,
            cpu_us: 1_000,
            written_bytes: 100,
            height: 7,
        };
        let after = Look {
            at: at + Duration::from_secs(2),
            cpu_us: 9_000,
            written_bytes: 500,
            height: 8,
        };
        let idle = Idle::between(&before, &after);
        assert!((idle.cpu_ms_per_s - 4.0).abs() < 1e-9);
        assert!((idle.disk_bytes_per_s - 200.0).abs() < 1e-9);
        assert!((idle.blocks_per_minute - 30.0).abs() < 1e-9);
    }
}

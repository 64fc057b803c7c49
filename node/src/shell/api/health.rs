//! Whether the node is alive, ready and voting: one list of checks, told as text, as metrics and in the status.
//!
//! Invariant: `/livez` never depends on peers; a check that fails says why.
//! Shape: 200 `ok` or 503; with `?verbose`, and whenever a check fails, a line for each check.

use axum::extract::State;
use axum::http::StatusCode;
use axum::response::{IntoResponse, Response};
use falaj_consensus::engine::Wait;
use serde::Deserialize;
use std::fmt::Write as _;
use std::sync::Arc;
use utoipa::IntoParams;

use super::context::Api;
use super::look::{Look, look};
use super::problem::Problem;
use super::request::Asked;
use super::why::signer_trouble;
use crate::shell::runtime::LogHealth;

/// Heights that a node which is in step may be behind for a moment.
const BEHIND_MAX: u64 = 2;

/// `?verbose`.
#[derive(Default, Deserialize, IntoParams)]
#[into_params(parameter_in = Query)]
#[serde(deny_unknown_fields)]
pub(super) struct Verbose {
    /// Tell every check, also when all hold.
    verbose: Option<String>,
}

/// One thing that has to hold.
#[derive(Clone, Debug)]
pub(super) struct Check {
    pub(super) name: &'static str,
    /// Why it does not hold.
    pub(super) fault: Option<String>,
}

impl Check {
    const fn new(name: &'static str, fault: Option<String>) -> Self {
        Self { name, fault }
    }

    pub(super) const fn holds(&self) -> bool {
        self.fault.is_none()
    }
}

/// Whether the core's loop goes round.
pub(super) fn live(look: Option<&Look>) -> Vec<Check> {
    let fault = look
        .is_none()
        .then(|| "the core does not answer".to_owned());
    vec![Check::new("core", fault)]
}

/// Whether the node can serve: linked to a quorum, in step, with room on its disk, at one with the quorum, with a session of its HSM.
pub(super) fn ready(api: &Api, look: Option<&Look>) -> Vec<Check> {
    let behind = look
        .map(|look| look.behind)
        .filter(|behind| *behind > BEHIND_MAX);
    let synced = behind.map(|behind| format!("{behind} heights behind its peers"));
    let full = api.node.disks.iter().any(LogHealth::is_full);
    let disk = full.then(|| "the disk is full".to_owned());
    let mut checks = live(look);
    checks.push(Check::new("linked", look.and_then(unlinked)));
    checks.push(Check::new("synced", synced));
    checks.push(Check::new("disk", disk));
    checks.push(Check::new("outcome", parted(api)));
    checks.push(Check::new("upgrade", shut(api)));
    if api.node.config.validator.is_some() {
        let fault = signer_trouble(&api.node.watch.signer());
        checks.push(Check::new("hsm", fault));
    }
    checks
}

/// Why no quorum can be reached. What this node knows of the others is worth nothing then.
fn unlinked(look: &Look) -> Option<String> {
    let (power, total) = (look.reach.power, look.reach.power_total);
    let why = format!("{power} of {total} of the power can be reached, which is no quorum");
    (!look.reach.is_quorum).then_some(why)
}

/// Where this node and a quorum part, in words.
pub(super) fn parted(api: &Api) -> Option<String> {
    let divergence = api.node.watch.divergence()?;
    Some(format!(
        "diverged: {divergence}; nothing is signed, and reads are of the height before"
    ))
}

/// Which feature gate keeps this program from going on, in words.
pub(super) fn shut(api: &Api) -> Option<String> {
    let shut = api.node.watch.shut()?;
    Some(format!(
        "upgrade-needed: {shut}; nothing is signed, and reads are of the height before"
    ))
}

/// Whether the node votes.
pub(super) fn voting(api: &Api, look: Option<&Look>) -> Vec<Check> {
    let mut checks = ready(api, look);
    let own = api
        .node
        .config
        .validator
        .as_ref()
        .map(|validator| validator.id);
    let snapshot = api.snapshot();
    let set = snapshot.state.validators_at(snapshot.height().next());
    let member = own.is_some_and(|own| set.members().iter().any(|member| member.id.get() == own));
    let stranger = (!member).then(|| "this node is no member of the validator set".to_owned());
    let halted = look.is_some_and(|look| look.why.status.waits.contains(&Wait::Halted));
    // A height that is shut has a check of its own, and waits for a program and not for a decision.
    let halted = (halted && api.node.watch.shut().is_none())
        .then(|| "the height is halted until a person acts".to_owned());
    checks.push(Check::new("member", stranger));
    checks.push(Check::new("halted", halted));
    checks.push(Check::new("voted", look.and_then(silent)));
    checks
}

/// Why nobody heard a vote of this node. While there is nothing to decide nobody has to.
pub(super) fn silent(look: &Look) -> Option<String> {
    let height = look.why.status.height;
    let why =
        format!("no vote left for height {height}, which is being decided, or the one before");
    look.is_silent.then_some(why)
}

/// Whether the event loop is alive.
#[utoipa::path(
    get,
    path = "/livez",
    tag = "health",
    params(Verbose),
    responses((status = 200, description = "It is.", body = String), (status = 503, description = "It is not; why.", body = String)),
)]
pub(super) async fn livez(
    State(api): State<Arc<Api>>,
    Asked(verbose): Asked<Verbose>,
) -> Result<Response, Problem> {
    Ok(told(
        "livez",
        &live(look(&api.node.core).await.as_ref()),
        &verbose,
    ))
}

/// Whether the node is linked to a quorum and in step, has room on its disk and a session of its HSM.
#[utoipa::path(
    get,
    path = "/readyz",
    tag = "health",
    params(Verbose),
    responses((status = 200, description = "It has.", body = String), (status = 503, description = "It has not; why.", body = String)),
)]
pub(super) async fn readyz(
    State(api): State<Arc<Api>>,
    Asked(verbose): Asked<Verbose>,
) -> Result<Response, Problem> {
    let look = look(&api.node.core).await;
    Ok(told("readyz", &ready(&api, look.as_ref()), &verbose))
}

/// Whether the node votes.
#[utoipa::path(
    get,
    path = "/votez",
    tag = "health",
    params(Verbose),
    responses((status = 200, description = "It does.", body = String), (status = 503, description = "It does not; why.", body = String)),
)]
pub(super) async fn votez(
    State(api): State<Arc<Api>>,
    Asked(verbose): Asked<Verbose>,
) -> Result<Response, Problem> {
    let look = look(&api.node.core).await;
    Ok(told("votez", &voting(&api, look.as_ref()), &verbose))
}

fn told(name: &str, checks: &[Check], verbose: &Verbose) -> Response {
    let good = checks.iter().all(Check::holds);
    let status = if good {
        StatusCode::OK
    } else {
        StatusCode::SERVICE_UNAVAILABLE
    };
    if good && verbose.verbose.is_none() {
        return (status, "ok\n").into_response();
    }
    (status, lines(name, checks, good)).into_response()
}

fn lines(name: &str, checks: &[Check], good: bool) -> String {
    let mut text = String::new();
    for check in checks {
        let done = match &check.fault {
            None => writeln!(text, "[+]{} ok", check.name),
            Some(fault) => writeln!(text, "[-]{} failed: {fault}", check.name),
        };
        done.expect("writing to a String cannot fail");
    }
    let word = if good { "passed" } else { "failed" };
    writeln!(text, "{name} check {word}").expect("writing to a String cannot fail");
    text
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn checks_are_told_line_by_line() {
        let checks = [
            Check::new("core", None),
            Check::new("disk", Some("the disk is full".into())),
        ];
        let expected = "[+]core ok\n[-]disk failed: the disk is full\nreadyz check failed\n";
        assert_eq!(lines("readyz", &checks, false), expected);
    }
}

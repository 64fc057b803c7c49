//! A node's state as a person reads it: a word and a fact a line.

use super::seen::{Check, OpenSeen, PeerSeen, Seen, SignerSeen};
use crate::shell::cli::print::row;
use crate::shell::cli::time::utc;

/// All of it, line by line.
pub(super) fn lines(seen: &Seen) -> Vec<String> {
    let status = &seen.status;
    let mut lines = vec![row("node", &node(seen))];
    lines.extend(status.banner.iter().map(|banner| row("banner", banner)));
    lines.push(row("height", &height(seen)));
    lines.push(row("why", &status.why));
    lines.extend(status.open.as_ref().map(|open| row("open", &round(open))));
    lines.push(row("waiting", &waiting(seen)));
    lines.extend(
        status
            .signer
            .as_ref()
            .map(|found| row("signer", &signer(found))),
    );
    let (up, listed) = (status.peers_up, status.peers);
    lines.push(row("peers", &format!("{up} of {listed} up")));
    lines.extend(seen.peers.iter().map(|found| row("", &peer(found))));
    lines.push(row("checks", &verdict(&seen.checks)));
    lines.extend(seen.checks.iter().flat_map(failed));
    lines.extend(
        status
            .alarms
            .iter()
            .map(|alarm| row("alarm", &format!("{} {}", utc(alarm.time_us), alarm.text))),
    );
    lines
}

fn node(seen: &Seen) -> String {
    let status = &seen.status;
    let who = match status.validator {
        Some(id) => format!("validator V{id}"),
        None => "a node that follows".to_owned(),
    };
    let (chain, version, address) = (&status.chain, &status.version, seen.address);
    format!("{who} of {chain}, version {version}, at {address}")
}

fn height(seen: &Seen) -> String {
    let status = &seen.status;
    let since = match status.seconds_since_commit {
        Some(seconds) => format!("final {seconds:.1} s ago"),
        None => "no block since the start".to_owned(),
    };
    let behind = match status.behind_heights {
        0 => String::new(),
        heights => format!(", {heights} behind its peers"),
    };
    format!("{}, {since}{behind}", status.height)
}

fn round(open: &OpenSeen) -> String {
    let OpenSeen {
        height,
        round,
        step,
        proposer,
    } = open;
    format!("height {height}, round {round}, {step}, proposer V{proposer}")
}

fn waiting(seen: &Seen) -> String {
    let status = &seen.status;
    let (count, bytes, open) = (status.mempool_tx, status.mempool_bytes, status.in_flight_tx);
    format!(
        "{count} transactions to be batched ({bytes} bytes), {open} admitted here and not final"
    )
}

fn signer(signer: &SignerSeen) -> String {
    let person = if signer.needs_a_person {
        "; nothing is signed until a person acts"
    } else {
        ""
    };
    match (&signer.fault, &signer.refusing, signer.hsm_up) {
        (Some(fault), _, _) => format!("{fault}{person}"),
        (None, Some(code), _) => format!("refuses: {code}{person}"),
        (None, None, Some(true)) => "signs".to_owned(),
        (None, None, Some(false)) => format!("the last call gave no signature{person}"),
        (None, None, None) => "has not been asked yet".to_owned(),
    }
}

fn peer(peer: &PeerSeen) -> String {
    let name = match peer.validator {
        Some(id) => format!("V{id}"),
        None => peer.peer_id.clone(),
    };
    let address = peer.address.as_deref().unwrap_or("not dialed");
    let seconds = peer.seconds;
    if peer.up {
        let rtt = peer.rtt_us.map(|us| format!(", round trip {us} µs"));
        return format!(
            "{name} up for {seconds} s, {address}{}",
            rtt.unwrap_or_default()
        );
    }
    let error = peer.last_error.as_ref().map(|error| format!(": {error}"));
    format!(
        "{name} down for {seconds} s, {address}{}",
        error.unwrap_or_default()
    )
}

fn verdict(checks: &[Check]) -> String {
    let words = checks
        .iter()
        .map(|check| format!("{} {}", check.name, if check.ok { "ok" } else { "FAILED" }));
    words.collect::<Vec<_>>().join(", ")
}

fn failed(check: &Check) -> Vec<String> {
    let Some(fault) = &check.fault else {
        return Vec::new();
    };
    let mut lines = vec![row("", &format!("{}: {fault}", check.name))];
    lines.extend(advice(&check.name).map(|fix| row("", &format!("  to do: {fix}"))));
    lines
}

/// What to do about a check that fails.
fn advice(check: &str) -> Option<&'static str> {
    match check {
        "core" => {
            Some("read the node's log and start it again; nothing acknowledged is lost by it")
        }
        "linked" => Some("see the peers above: addresses, firewalls, and whether the others run"),
        "synced" => Some("wait while height grows; if it does not, see the peers above"),
        "disk" => Some("make room on the disk of the data folder; the node goes on by itself"),
        "outcome" => Some(
            "keep data and log, and compare the outcome with other nodes; it signs no more until a person acts",
        ),
        "hsm" => Some("falaj doctor hsm, and the page of the fault in docs/runbook/hsm.md"),
        "voted" => Some("see the signer above and the log for what is not signed, and why"),
        "member" => Some("validator.id in config.toml must be one of falaj's validator set"),
        "halted" => Some("read the alarms; a person has to decide before this height goes on"),
        _ => None,
    }
}

#[cfg(test)]
mod tests;

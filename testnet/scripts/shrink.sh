#!/bin/sh
# Makes a failure of more than a hundred thousand events small: half a minute of ordinary trouble and two crashes at its end, with a
# broken rule that only a crash shows. What is left has to be short enough for a person to read, and to fail by the same oracle.
#
# The simulator with mutations is there when this runs: the step before it in `make test` has built it.
set -eu
cd "$(dirname "$0")/../.."
sim=${CARGO_TARGET_DIR:-target}/release/falaj-sim
work=$(mktemp -d)
trap 'rm -rf "$work"' EXIT

cat >"$work/long.toml" <<'END'
about = "Half a minute of ordinary trouble, and two crashes at its end."
drawn = ["network", "disk", "clocks", "slow_disks", "pauses"]
horizon_ms = 34000

[clients]
gap_min_ms = 10
gap_cap_ms = 100

[[crash]]
nodes = [1]
at_ms = 32000
for_ms = 300

[[crash]]
nodes = [2]
at_ms = 33000
for_ms = 300
END
token=$("$sim" run "$work/long.toml" --seed 0 --json | sed -n '${s/.*"token": *"\([^"]*\)".*/\1/p;}')
"$sim" minimise "$token" --mutation last_certificate_forgotten --out "$work/least.toml" 2>"$work/said" || {
    cat "$work/said" >&2
    exit 1
}
cat "$work/said" "$work/least.toml"
before=$(sed -n 's/.* from \([0-9]*\) to .*/\1/p' "$work/said")
after=$(sed -n 's/.* to \([0-9]*\) events.*/\1/p' "$work/said")
[ "$before" -ge 100000 ] && [ "$after" -le 1000 ] && [ "$(wc -l <"$work/least.toml")" -le 30 ]

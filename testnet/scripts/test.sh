#!/bin/sh
# Everything CI runs, in the same order; the last line sums it up as `N passed, N failed`.
#
# A step that fails does not hide the steps after it. The exit code is 0 only if nothing failed.
set -u
cd "$(dirname "$0")/../.." || exit 1
export CARGO_TERM_COLOR=never
logs=${CARGO_TARGET_DIR:-target}/test
mkdir -p "$logs" || exit 1
passed=0
failed=0

# step NAME COMMAND…: runs it, shows and keeps its output, adds what it counted (see sum.sh).
step() {
    name=$1
    shift
    rm -f "$logs/$name.status"
    { "$@" 2>&1; echo $? >"$logs/$name.status"; } | tee "$logs/$name.log"
    status=$(cat "$logs/$name.status" 2>/dev/null || echo 1)
    # shellcheck disable=SC2046 # two numbers
    set -- "$name" $(sh testnet/scripts/sum.sh "$name" "$status" <"$logs/$name.log")
    passed=$((passed + $2))
    failed=$((failed + $3))
    [ "$3" -eq 0 ] || report="${report:-}
failed: $name, $3 (the whole output is in $logs/$name.log)"
}

step check make --no-print-directory check
# The smoke test runs the programs themselves; with the tests beside them they are built with the same features.
step build "${CARGO:-cargo}" build --locked --workspace --all-features --bins --tests
step tests "${CARGO:-cargo}" test --locked --workspace --all-features --no-fail-fast
# Before the seeds: the simulator with mutations is not what stays in the folder.
step selfcheck make --no-print-directory selfcheck ARGS=--json
# With the simulator that has mutations.
step shrink sh testnet/scripts/shrink.sh
step sim make --no-print-directory sim SEEDS=0..300 ARGS=--json
# With the program that has just been built: a scenario that takes minutes in a debug build.
step hundred "${CARGO_TARGET_DIR:-target}/release/falaj-sim" run hundred-validators --json
step profiles sh testnet/scripts/profiles.sh

[ -z "${report:-}" ] || printf '%s\n' "$report"
printf '%d passed, %d failed\n' "$passed" "$failed"
[ "$failed" -eq 0 ]

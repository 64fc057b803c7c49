#!/bin/sh
# Runs seeds by the simulator as tests build it and as a release is built: the hash over all their events has to be one.
# Where it is not, the first event that differs is named.
#
# Both programs are there when this runs: `make test` has built the first for its tests and the second for its seeds.
# Two hundred seeds of small networks in short trouble, and ten of the random scenario.
set -eu
cd "$(dirname "$0")/../.."
built=${CARGO_TARGET_DIR:-target}
work=$(mktemp -d)
trap 'rm -rf "$work"' EXIT

# trace_hash PROFILE SCENARIO? RANGE…
trace_hash() {
    profile=$1
    shift
    "$built/$profile/falaj-sim" run "$@" --json | sed -n '${s/.*"trace_hash": *"\([0-9a-f]*\)".*/\1/p;}'
}

# name_difference END SCENARIO?: finds the first seed below END whose hashes differ, and its first event that does.
name_difference() {
    end=$1
    shift
    seed=0
    while [ "$seed" -lt "$end" ]; do
        if [ "$(trace_hash debug "$@" --seed "$seed")" != "$(trace_hash release "$@" --seed "$seed")" ]; then
            for profile in debug release; do
                "$built/$profile/falaj-sim" run "$@" --seed "$seed" --trace >"$work/$profile" || true
            done
            "$built/release/falaj-sim" compare "$work/debug" "$work/release" || return 0
        fi
        seed=$((seed + 1))
    done
}

# same END SCENARIO?: runs all seeds below END in both.
same() {
    end=$1
    shift
    debug=$(trace_hash debug "$@" --seeds "0..$end")
    release=$(trace_hash release "$@" --seeds "0..$end")
    printf '%s, %s seeds\n  debug   %s\n  release %s\n' "${1:-random scenario}" "$end" "$debug" "$release"
    [ -n "$debug" ] && [ "$debug" = "$release" ] && return
    name_difference "$end" "$@"
    return 1
}

same 200 short-trouble
same 10

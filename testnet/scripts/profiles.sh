#!/bin/sh
# Runs some seeds by the simulator as tests build it and as a release is built: the hash over all their events has to be one.
#
# Both programs are there when this runs: `make test` has built the first for its tests and the second for its seeds.
set -eu
cd "$(dirname "$0")/../.."
built=${CARGO_TARGET_DIR:-target}

trace_hash() {
    "$built/$1/falaj-sim" run --seeds 0..10 --json | sed -n '${s/.*"trace_hash": *"\([0-9a-f]*\)".*/\1/p;}'
}

debug=$(trace_hash debug)
release=$(trace_hash release)
printf 'debug   %s\nrelease %s\n' "$debug" "$release"
[ -n "$debug" ] && [ "$debug" = "$release" ]

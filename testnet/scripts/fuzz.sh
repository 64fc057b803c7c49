#!/bin/sh
# Runs fuzz targets under libFuzzer, one after another (docs/guide/fuzzing.md).
#
#   fuzz.sh SECONDS [TARGET…]
#
# Without targets it runs all of them, SECONDS each. Findings go beside the build, never into the committed corpus; the input of a crash is
# named in the output. No sanitizer: unsafe code is forbidden here, and without one the stable compiler suffices.
set -eu
cd "$(dirname "$0")/../.."
seconds=$1
shift
[ $# -gt 0 ] || set -- message frame transaction bundle record log genesis scenario
found=${CARGO_TARGET_DIR:-$PWD/target}/fuzz
cd simulations/fuzz
# The versions that the node is built with; cargo adds libFuzzer to them.
cp ../../Cargo.lock Cargo.lock
for target; do
    case $target in
        scenario) features='--features simulator' ;;
        *) features= ;;
    esac
    mkdir -p "$found/found/$target" "$found/crashes/$target"
    # shellcheck disable=SC2086 # two words or none
    cargo fuzz run --fuzz-dir . --sanitizer none --target-dir "$found/build" $features "$target" \
        "$found/found/$target" "corpus/$target" -- \
        -artifact_prefix="$found/crashes/$target/" -max_total_time="$seconds" -malloc_limit_mb=256 -rss_limit_mb=2048 -timeout=10 \
        -print_final_stats=1
done

#!/bin/sh
# Lints each crate alone, without features and with each of its features alone: a workspace build unifies features
# and would hide a feature that does not stand by itself.
#
# One feature must not stand by itself: the shell of the node without a signing backend has to refuse to compile.
# And the shell must not compile with mutations in what is shipped, which is a build without debug assertions.
set -eu
cd "$(dirname "$0")/../.."
cargo=${CARGO:-cargo}

lint() {
    printf '%s with [%s]\n' "$1" "$2"
    "$cargo" clippy --quiet --locked -p "$1" --no-default-features --features "$2" -- -D warnings
}

# The names in [features] of a manifest, `default` left out.
features() { awk '/^\[/ { on = ($0 == "[features]") } on && /^[a-z0-9_-]+ *=/ && $1 != "default" { print $1 }' "$1"; }

# refuses WHAT BECAUSE OPTION…: a check of the node that has to fail, and say why.
refuses() {
    what=$1 because=$2
    shift 2
    printf 'falaj-node with %s: must not compile\n' "$what"
    if output=$("$cargo" check --quiet --locked -p falaj-node "$@" 2>&1); then
        printf 'error: falaj-node compiled with %s\n' "$what" >&2
        return 1
    fi
    case $output in
        *"$because"*) ;;
        *) printf '%s\nerror: it failed, but not because of %s\n' "$output" "$what" >&2; return 1 ;;
    esac
}

needs_backend() { refuses 'the shell and no signing backend' 'signing backend' --no-default-features --features shell; }

never_ships() {
    refuses 'the shell and mutations, as shipped' 'must never be shipped' --features mutations \
        --config profile.dev.package.falaj-node.debug-assertions=false
}

lint falaj-light ""
for crate in consensus ledger hsm node simulations testnet; do
    lint "falaj-$crate" ""
    for feature in $(features "$crate/Cargo.toml"); do
        case $crate/$feature in
            node/shell) needs_backend; lint falaj-node shell,soft; lint falaj-node shell,pkcs11 ;;
            node/mutations) never_ships; lint falaj-node mutations ;;
            *) lint "falaj-$crate" "$feature" ;;
        esac
    done
done

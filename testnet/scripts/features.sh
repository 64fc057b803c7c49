#!/bin/sh
# Lints each crate alone, without features and with each of its features alone: a workspace build unifies features
# and would hide a feature that does not stand by itself.
#
# One feature must not stand by itself: the shell of the node without a signing backend has to refuse to compile.
set -eu
cd "$(dirname "$0")/../.."
cargo=${CARGO:-cargo}

lint() {
    printf '%s with [%s]\n' "$1" "$2"
    "$cargo" clippy --quiet --locked -p "$1" --no-default-features --features "$2" -- -D warnings
}

# The names in [features] of a manifest, `default` left out.
features() { awk '/^\[/ { on = ($0 == "[features]") } on && /^[a-z0-9_-]+ *=/ && $1 != "default" { print $1 }' "$1"; }

needs_backend() {
    printf 'falaj-node with [shell] and no signing backend: must not compile\n'
    if output=$("$cargo" check --quiet --locked -p falaj-node --no-default-features --features shell 2>&1); then
        echo "error: falaj-node compiled with the shell and without a signing backend" >&2
        return 1
    fi
    case $output in
        *"signing backend"*) ;;
        *) printf '%s\nerror: it failed, but not because of the missing signing backend\n' "$output" >&2; return 1 ;;
    esac
}

for crate in consensus ledger hsm node simulations testnet; do
    lint "falaj-$crate" ""
    for feature in $(features "$crate/Cargo.toml"); do
        case $crate/$feature in
            node/shell) needs_backend; lint falaj-node shell,soft; lint falaj-node shell,pkcs11 ;;
            *) lint "falaj-$crate" "$feature" ;;
        esac
    done
done

#!/bin/sh
# Makes sure that the tools named on the command line are there; installs what is missing where it can, and says so.
#
#   tools.sh [rust] [cc] [lint] [softhsm] [software] [chromium] [python] [fuzz]
#
# What cannot be installed ends in exit code 1 and the one line to run. Nothing is installed that was not asked for.
set -u
cd "$(dirname "$0")/../.." || exit 1

say() { printf '%s\n' "$*" >&2; }

stop() {
    say "error: $1"
    say "  run: $2"
    exit 1
}

have() { command -v "$1" >/dev/null 2>&1; }

# The version that Cargo.toml asks for, as `major minor`.
wanted() { sed -n 's/^rust-version = "\([0-9]*\)\.\([0-9]*\).*/\1 \2/p' Cargo.toml; }

rust() {
    have cargo && have rustc || stop "no Rust compiler was found" \
        "curl --proto '=https' --tlsv1.2 -sSf https://sh.rustup.rs | sh"
    found=$(rustc --version | sed -n 's/^rustc \([0-9]*\)\.\([0-9]*\).*/\1 \2/p')
    # shellcheck disable=SC2046 # two words each, on purpose
    set -- $(wanted) $found
    [ $# -eq 4 ] || stop "the version of rustc could not be read from \"$(rustc --version)\"" "rustup update stable"
    if [ "$3" -lt "$1" ] || { [ "$3" -eq "$1" ] && [ "$4" -lt "$2" ]; }; then
        stop "rustc is $3.$4 and Falaj needs $1.$2 or later" "rustup update stable"
    fi
}

cc() { have "${CC:-cc}" || install "a C compiler" gcc gcc gcc gcc; }

lint() {
    if cargo fmt --version >/dev/null 2>&1 && cargo clippy --version >/dev/null 2>&1; then return; fi
    have rustup || stop "rustfmt or clippy is missing" "install the packages rustfmt and clippy of your Rust compiler"
    say "installing rustfmt and clippy through rustup"
    rustup component add rustfmt clippy || stop "rustup could not add them" "rustup component add rustfmt clippy"
}

softhsm() {
    have softhsm2-util && return
    install "SoftHSM2, the token of the demo and of the tests," softhsm2 softhsm softhsm softhsm
    have softhsm2-util || stop "softhsm2-util is still not on the path" "see the package's own documentation"
}

chromium() {
    for name in chromium chromium-browser google-chrome google-chrome-stable; do
        have "$name" && return
    done
    install "Chromium, in which the tests open the simulator's reports," chromium chromium chromium chromium
}

python() { have python3 || install "Python, in which the independent verifier is written," python3 python3 python3 python; }

# libFuzzer is C++, and cargo-fuzz builds with it.
fuzz() {
    have "${CXX:-c++}" || install "a C++ compiler" g++ gcc-c++ g++ gcc
    cargo fuzz --version >/dev/null 2>&1 || stop "cargo-fuzz was not found" "cargo install cargo-fuzz"
}

# Nothing to install: the software signer needs no token.
software() { :; }

# install WHAT APT DNF APK PACMAN: through whichever package manager this system has.
install() {
    if have apt-get; then set -- "$1" "apt-get install -y --no-install-recommends $2"
    elif have dnf; then set -- "$1" "dnf install -y $3"
    elif have apk; then set -- "$1" "apk add $4"
    elif have pacman; then set -- "$1" "pacman -S --noconfirm $5"
    else refuse "$1 is missing and no known package manager was found" "install $2 by hand"
    fi
    as_root=
    if [ "$(id -u)" -ne 0 ]; then
        if have sudo && sudo -n true 2>/dev/null; then as_root="sudo -n "
        elif have sudo && [ -t 0 ]; then as_root="sudo "
        else refuse "$1 is missing and only root may install it" "sudo $2"
        fi
    fi
    say "installing $1 by: $as_root$2"
    case $2 in apt-get*) $as_root env DEBIAN_FRONTEND=noninteractive apt-get update -qq >&2 ;; esac
    # shellcheck disable=SC2086 # the command is words
    $as_root env DEBIAN_FRONTEND=noninteractive $2 >&2 || refuse "$1 could not be installed" "$2"
}

# As stop, with the way on that the demo has without a token.
refuse() {
    hint=
    case $1 in SoftHSM2*) hint="  or, without a token: make demo SIGNER=software   (keys in memory, TEST banner)" ;; esac
    (stop "$1" "$2") || [ -z "$hint" ] || say "$hint"
    exit 1
}

for tool in "$@"; do
    case $tool in
        rust | cc | lint | softhsm | software | chromium | python | fuzz) "$tool" ;;
        *) say "error: unknown tool $tool"; exit 2 ;;
    esac
done

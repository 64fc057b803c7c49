# Every command of the project; each target is a line or two that calls cargo.
#
#   make demo    four validators, real parts, under load and faults, before your eyes
#   make test    everything CI runs; the last line is `N passed, N failed`
#   make check   format, lints, each feature alone, the light client without std, documentation, licences
#   make bench   costs as ratios to floors measured in the same run; ARGS=--quick for a look
#   make sim     many seeds of the deterministic fault simulator
#   make model   check the rules as a model, within greater bounds than the tests; ARGS=4 for four rounds
#   make fuzz    the decoders under libFuzzer; SECONDS=600 each, ARGS="frame bundle" for some of them
#   make selfcheck  break the protocol in every known way, and see that the simulator's oracles see it
#
# SIGNER=software runs the demo without a token, behind its TEST banner. ARGS=… is passed on to the program.

SHELL   = /bin/sh
CARGO  ?= cargo
SIGNER ?= softhsm
SEEDS  ?= 0..300
SECONDS ?= 600
ARGS   ?=
BUILT   = $${CARGO_TARGET_DIR:-target}/release
TOOLS   = @sh testnet/scripts/tools.sh

.PHONY: demo test check fmt lint features no-std docs licences bench sim model selfcheck fuzz clean

demo:
	$(TOOLS) rust cc $(SIGNER)
	$(CARGO) build --release --locked -p falaj-node -p falaj-testnet
	@"$(BUILT)/falaj-testnet" demo --signer $(SIGNER) $(ARGS)

test:
	$(TOOLS) rust cc lint softhsm chromium python
	@CARGO="$(CARGO)" sh testnet/scripts/test.sh

check: fmt lint features no-std docs licences

fmt:
	$(TOOLS) rust cc lint
	$(CARGO) fmt --all --check

lint:
	$(CARGO) clippy --locked --workspace --all-targets --all-features -- -D warnings

features:
	CARGO="$(CARGO)" sh testnet/scripts/features.sh

# Panics that abort need no unwinder, so the example's own handler is the only one, or the compiler finds the standard library's beside it.
no-std:
	$(CARGO) build --locked -p falaj-light --example bare --config 'profile.dev.panic="abort"'

docs:
	RUSTDOCFLAGS="-D warnings -A rustdoc::private_intra_doc_links" $(CARGO) doc --locked --workspace --no-deps --all-features --document-private-items

licences:
	$(CARGO) test --locked --quiet --workspace --all-features --test tidy -- dependencies
	@if $(CARGO) deny --version >/dev/null 2>&1; then $(CARGO) deny --all-features check; fi

bench:
	$(TOOLS) rust cc softhsm
	$(CARGO) build --release --locked -p falaj-node -p falaj-testnet
	$(CARGO) build --release --locked -p falaj-simulations
	$(CARGO) bench --locked --quiet -p falaj-light --bench receipt
	@"$(BUILT)/falaj-sim" bench $(filter --quick --json,$(ARGS))
	@"$(BUILT)/falaj-testnet" bench $(ARGS)

sim:
	$(TOOLS) rust cc
	$(CARGO) build --release --locked -p falaj-simulations
	@"$(BUILT)/falaj-sim" run --seeds $(SEEDS) $(ARGS)

model:
	$(TOOLS) rust cc
	@$(CARGO) run --release --locked -p falaj-simulations --features model --example model -- $(ARGS)

selfcheck:
	$(TOOLS) rust cc
	$(CARGO) build --release --locked -p falaj-simulations --features mutations
	@"$(BUILT)/falaj-sim" selfcheck $(ARGS)

fuzz:
	$(TOOLS) rust cc fuzz
	@sh testnet/scripts/fuzz.sh $(SECONDS) $(ARGS)

clean:
	$(CARGO) clean

"""The five bundles, their file and their checks, in the order and with the names of docs/spec/receipts.md."""

import base64
import binascii
import json
from dataclasses import dataclass, replace

from chain import KNOWN_FEATURES, Refused, SignedBlock, read_set, require, set_hash
from encoding import Malformed, Reader, option, u32, u64
from genesis import without_repeats
from records import (
    account, account_state_key, dedup_state_key, event, id_time_ms, receipt, spanned, transaction_key,
)
from trees import (
    consistency_holds, inclusion_holds, read_consistency, read_inclusion, read_state_proof, state_proof_holds,
)

LAYOUT = b"\1"
BUNDLE_BYTES_MAX = 16 * 1024 * 1024
SET_CHANGES_MAX = 1024
UINT64_MAX = 2**64 - 1


@dataclass(frozen=True)
class Trust:
    """What a verifier believes: the chain, its constants, and the set in force from a height on."""

    chain_id: str
    genesis_hash: bytes
    id_window_ms: int
    fips_strict: bool
    validators: list
    in_force_from: int = 1

    @classmethod
    def of_genesis(cls, genesis):
        return cls(genesis.chain_id, genesis.hash, genesis.id_window_ms, genesis.fips_strict, genesis.validators)

    def followed_by(self, validators, height):
        return replace(self, validators=validators, in_force_from=min(height + 2, UINT64_MAX))

    def check(self, block):
        header = block.header
        require(header.genesis_hash == self.genesis_hash, "other-chain")
        require(header.features & ~KNOWN_FEATURES == 0, "unknown-features")
        require(header.set_hash == set_hash(self.validators), "other-validator-set")
        require(header.height == 0 or header.height >= self.in_force_from, "set-not-in-force")
        block.check_certificate(self.chain_id, self.genesis_hash, self.validators, self.fips_strict)


class Certified:
    """A certified outcome: a signed block, and the changes of set on the way to it."""

    def __init__(self, reader):
        reader.version()
        self.block = SignedBlock.read(reader)
        count = reader.u16()
        if count > SET_CHANGES_MAX:
            raise Malformed("too many changes of set")
        self.changes = [(SignedBlock.read(reader), read_set(reader)) for _ in range(count)]
        self.header, self.outcome = self.block.header, self.block.outcome

    def check(self, trust):
        for block, validators in self.changes:
            trust.check(block)
            require(set_hash(validators) == block.outcome.set_hash, "set-change-set")
            require(set_hash(validators) != set_hash(trust.validators), "set-change-none")
            trust = trust.followed_by(validators, block.header.height)
        trust.check(self.block)
        return trust.validators


class Proven:
    """What a bundle proves, as the vectors state it."""

    def __init__(self, bundle, certified, validators):
        self.kind, self.what = bundle.kind, bundle.what()
        self.height, self.time_us = certified.header.height, certified.header.time_us
        self.signers, self.validators = len(certified.block.signatures), len(validators)


class Receipt:
    kind = "falaj-receipt"

    def __init__(self, reader):
        self.certified = Certified(reader)
        (self.place, self.time_us), self.leaf = spanned(reader, receipt)
        self.path = read_inclusion(reader)

    def what(self):
        return self.leaf

    def check(self, trust):
        validators = self.certified.check(trust)
        header, (index, size, _) = self.certified.header, self.path
        where = (header.height, index), header.time_us, header.transactions
        require((self.place, self.time_us, size) == where, "receipt-place")
        require(inclusion_holds(self.path, self.certified.outcome.receipts_root, LAYOUT + self.leaf), "receipt-path")
        return Proven(self, self.certified, validators)


class NoExecution:
    kind = "falaj-no-execution"

    def __init__(self, reader):
        self.certified, self.key = Certified(reader), transaction_key(reader)
        self.valid_until_ms, self.path = reader.option(reader.u64), read_state_proof(reader)

    def what(self):
        until = None if self.valid_until_ms is None else u64(self.valid_until_ms)
        return u32(self.key[0]) + self.key[1] + option(until)

    def check(self, trust):
        validators = self.certified.check(trust)
        time_us, made_ms = self.certified.header.time_us, id_time_ms(self.key)
        latest_ms = min(made_ms + trust.id_window_ms, UINT64_MAX)
        until_ms = latest_ms if self.valid_until_ms is None else min(self.valid_until_ms, latest_ms)
        require(time_us > min(until_ms * 1000, UINT64_MAX), "too-early")
        last_us = (made_ms + 2 * trust.id_window_ms) * 1000
        require(time_us <= min(last_us, UINT64_MAX), "too-late")
        root = self.certified.outcome.state_root
        require(state_proof_holds(self.path, root, dedup_state_key(self.key), None), "state-path")
        return Proven(self, self.certified, validators)


class Account:
    kind = "falaj-account"

    def __init__(self, reader):
        self.certified, self.id = Certified(reader), reader.take(16)
        self.record = reader.option(lambda: spanned(reader, account)[1])
        self.path = read_state_proof(reader)

    def what(self):
        return self.id + option(self.record)

    def check(self, trust):
        validators = self.certified.check(trust)
        value = None if self.record is None else LAYOUT + self.record
        root = self.certified.outcome.state_root
        require(state_proof_holds(self.path, root, account_state_key(self.id), value), "state-path")
        return Proven(self, self.certified, validators)


class Event:
    kind = "falaj-event"

    def __init__(self, reader):
        self.certified = Certified(reader)
        (self.sequence, self.height), self.leaf = spanned(reader, event)
        self.path = read_inclusion(reader)

    def what(self):
        return self.leaf

    def check(self, trust):
        validators = self.certified.check(trust)
        header, outcome, (index, size, _) = self.certified.header, self.certified.outcome, self.path
        here = (index, size) == (self.sequence, outcome.events) and self.height <= header.height
        require(here, "event-place")
        require(inclusion_holds(self.path, outcome.events_root, LAYOUT + self.leaf), "event-path")
        return Proven(self, self.certified, validators)


class LogExtension:
    kind = "falaj-log-extension"

    def __init__(self, reader):
        self.earlier, self.later, self.path = Certified(reader), Certified(reader), read_consistency(reader)

    def what(self):
        return u64(self.earlier.outcome.events) + u64(self.later.outcome.events)

    def check(self, trust):
        self.earlier.check(trust)
        validators = self.later.check(trust)
        old, new = self.earlier.outcome, self.later.outcome
        sizes = self.path[:2] == (old.events, new.events)
        require(sizes and self.earlier.header.height <= self.later.header.height, "event-place")
        require(consistency_holds(self.path, old.events_root, new.events_root), "log-path")
        return Proven(self, self.later, validators)


BUNDLES = {1: Receipt, 2: NoExecution, 3: Account, 4: Event, 5: LogExtension}


def from_bytes(data):
    try:
        require(len(data) <= BUNDLE_BYTES_MAX, "bundle-bytes")
        reader = Reader(data)
        bundle = BUNDLES[reader.one_of(BUNDLES)](reader)
        reader.end()
        return bundle
    except Malformed as error:
        raise Refused("bundle-bytes") from error


def from_text(text):
    try:
        file = json.loads(text, object_pairs_hook=without_repeats)
        kind, version, encoded = (file.pop(name) for name in ("kind", "version", "bundle"))
        fits = not file and isinstance(kind, str) and isinstance(encoded, str) and type(version) is int
        require(fits and 0 <= version < 2**16, "bundle-json")
    except (ValueError, KeyError, TypeError, AttributeError, RecursionError) as error:
        raise Refused("bundle-json") from error
    require(version == 1, "bundle-version")
    bundle = from_bytes(decoded(encoded))
    require(bundle.kind == kind, "bundle-kind")
    return bundle


def decoded(encoded):
    """The standard alphabet, padded, no bit left over."""
    try:
        data = base64.b64decode(encoded, validate=True)
    except (binascii.Error, ValueError) as error:
        raise Refused("bundle-base64") from error
    require(base64.b64encode(data).decode() == encoded, "bundle-base64")
    return data

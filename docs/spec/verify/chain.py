"""Headers, outcomes, validator sets and commit certificates: docs/spec/encoding.md, from "Sign-bytes" to "Certificates".

A certificate is checked by `check_certificate`, which names what does not hold by the names of docs/spec/receipts.md, "Names".
"""

from dataclasses import dataclass

from encoding import Malformed, option, sequence, tagged_hash, text, u8, u16, u32, u64, u128
from signatures import ED25519, SIGNATURE_BYTES_MAX, key_bytes, may_be_enrolled, read_key, verifies

VALIDATORS_MAX = 1024
SUPPLY_ENTRIES_MAX = 64
LABEL_BYTES_MAX = 64
KNOWN_FEATURES = 0


class Refused(Exception):
    """A check that does not hold; the argument is its stable name."""


def require(holds, name):
    if not holds:
        raise Refused(name)


@dataclass
class Header:
    features: int
    genesis_hash: bytes
    height: int
    round: int
    proposer: int
    parent: bytes
    parent_outcome: bytes
    time_us: int
    set_hash: bytes
    body_root: bytes
    evidence_root: bytes
    transactions: int
    transaction_bytes: int

    @classmethod
    def read(cls, reader):
        reader.version()
        return cls(
            reader.u64(), reader.digest(), reader.u64(), reader.u32(), reader.u16(), reader.digest(), reader.digest(),
            reader.u64(), reader.digest(), reader.digest(), reader.digest(), reader.u32(), reader.u64(),
        )

    def bytes(self):
        return b"".join([
            u16(1), u64(self.features), self.genesis_hash, u64(self.height), u32(self.round), u16(self.proposer),
            self.parent, self.parent_outcome, u64(self.time_us), self.set_hash, self.body_root, self.evidence_root,
            u32(self.transactions), u64(self.transaction_bytes),
        ])

    def id(self):
        return tagged_hash("falaj/header/1", self.bytes())


@dataclass
class Outcome:
    state_root: bytes
    receipts_root: bytes
    events_root: bytes
    events: int
    supply: list
    set_hash: bytes
    parameters_hash: bytes

    @classmethod
    def read(cls, reader):
        reader.version()
        outcome = cls(
            reader.digest(), reader.digest(), reader.digest(), reader.u64(),
            reader.list(lambda: (reader.take(3), reader.u128()), SUPPLY_ENTRIES_MAX),
            reader.digest(), reader.digest(),
        )
        codes = [code for code, _ in outcome.supply]
        if any(a >= b for a, b in zip(codes, codes[1:])):
            raise Malformed("supply out of order")
        return outcome

    def bytes(self):
        supply = sequence([code + u128(units) for code, units in self.supply])
        roots = self.state_root + self.receipts_root + self.events_root
        return u16(1) + roots + u64(self.events) + supply + self.set_hash + self.parameters_hash

    def hash(self):
        return tagged_hash("falaj/outcome/1", self.bytes())


@dataclass
class Validator:
    id: int
    power: int
    key: tuple
    labels: tuple  # operator, site, HSM vendor, cloud, residency

    @classmethod
    def read(cls, reader):
        return cls(reader.u32(), reader.u64(), read_key(reader), tuple(label(reader) for _ in range(5)))

    def bytes(self):
        return u32(self.id) + u64(self.power) + key_bytes(self.key) + b"".join(map(text, self.labels))


def label(reader):
    data = reader.bytes(LABEL_BYTES_MAX)
    if any(byte < 0x20 or byte > 0x7E for byte in data):
        raise Malformed("a label is printable ASCII")
    return data.decode()


def read_set(reader):
    return checked_set(reader.list(lambda: Validator.read(reader), VALIDATORS_MAX))


def checked_set(validators):
    ids, keys = [one.id for one in validators], {one.key for one in validators}
    if not validators or any(a >= b for a, b in zip(ids, ids[1:])):
        raise Malformed("a validator set is not empty and in order of id")
    if len(keys) < len(validators) or any(one.power == 0 for one in validators):
        raise Malformed("validators have keys of their own and a power")
    if not all(may_be_enrolled(one.key) for one in validators):
        raise Malformed("a key that may not be enrolled")
    return validators


def set_hash(validators):
    return tagged_hash("falaj/validator-set/1", sequence([one.bytes() for one in validators]))


def sign_bytes(chain_id, genesis_hash, statement):
    return b"falaj/consensus\0" + u16(1) + text(chain_id) + genesis_hash + statement


def proposal_statement(height, round_, block_id, valid_round):
    return u8(1) + u64(height) + u32(round_) + block_id + valid_round_bytes(valid_round)


def prevote_statement(height, round_, value):
    """`value` is None for nil, or (block id, valid round)."""
    named = None if value is None else value[0] + valid_round_bytes(value[1])
    return u8(2) + u64(height) + u32(round_) + option(named)


def precommit_statement(height, round_, value):
    """`value` is None for nil, or (block id, outcome hash)."""
    return u8(3) + u64(height) + u32(round_) + option(None if value is None else value[0] + value[1])


def valid_round_bytes(valid_round):
    return option(None if valid_round is None else u32(valid_round))


@dataclass
class SignedBlock:
    """A header, an outcome, and a commit certificate over both, whose height, block id and outcome hash are computed."""

    header: Header
    outcome: Outcome
    round: int
    signers: bytes
    signatures: list

    @classmethod
    def read(cls, reader):
        header, outcome, round_ = Header.read(reader), Outcome.read(reader), reader.u32()
        signers = reader.bytes((VALIDATORS_MAX + 7) // 8)
        return cls(header, outcome, round_, signers, reader.list(lambda: reader.bytes(SIGNATURE_BYTES_MAX), VALIDATORS_MAX))

    def check_certificate(self, chain_id, genesis_hash, validators, fips_strict):
        height = self.header.height
        require(0 < height < 2**64 - 1 and self.round < 2**32 - 1, "certificate-height")
        bits = [number for number in range(8 * len(self.signers)) if self.signers[number // 8] >> number % 8 & 1]
        canonical = len(self.signers) == (len(validators) + 7) // 8 and all(bit < len(validators) for bit in bits)
        require(canonical, "certificate-bitmap")
        require(len(bits) == len(self.signatures), "certificate-signature-count")
        power, whole = sum(validators[bit].power for bit in bits), sum(one.power for one in validators)
        require(3 * power > 2 * whole, "certificate-no-quorum")
        statement = precommit_statement(height, self.round, (self.header.id(), self.outcome.hash()))
        message = sign_bytes(chain_id, genesis_hash, statement)
        for bit, signature in zip(bits, self.signatures):
            key = validators[bit].key
            admitted = key[0] != ED25519 or not fips_strict
            require(admitted and verifies(key, message, signature), "certificate-signature")

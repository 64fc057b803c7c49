"""Recomputes the committed vectors: docs/spec/encoding.md, docs/spec/state-root.md and docs/spec/receipts.md, "Vectors".

Each check gives pairs of a name and a value; a name that is not in the file, or has another value there, is told and ends with 1.
The lines `seeded.…` and `map.batches.…` are for the code of the node, and of the tree, alone.
"""

import json

import trees
from bundle import Trust, from_bytes, from_text
from chain import (
    Header, Outcome, Refused, Validator, checked_set, precommit_statement, prevote_statement, proposal_statement,
    read_set, set_hash, sign_bytes,
)
from encoding import Malformed, Reader, blob, option, plain_hash, sequence, tagged_hash, text, u8, u16, u32, u64
from signatures import NAMES, checked_key, key_bytes, verifies

BUNDLES = "docs/spec/vectors/light-client.json"
HEIGHT, ROUND, VALID_ROUND = 0x0102030405060708, 0x0A0B0C0D, 0x0A0B0C0C


def main(repository):
    faults = []
    for name, check in (
        ("consensus/tests/vectors/encoding.txt", encodings),
        ("consensus/tests/vectors/signatures.txt", signatures),
        ("ledger/tests/vectors/state-root.txt", state_roots),
    ):
        lines = (repository / name).read_text(encoding="ascii").splitlines()
        held, wrong = check([line.split(" ") for line in lines if line and not line.startswith("#")])
        print(f"{name} {held} right, {len(wrong)} wrong")
        faults += [f"{name}: {what}" for what in wrong]
    print("\n".join(faults), end="\n" if faults else "")
    return verdicts(repository / BUNDLES, BUNDLES) or (1 if faults else 0)


def verdicts(path, name=None):
    held, wrong = bundles(json.loads(path.read_text(encoding="utf-8")))
    print(f"{name or path.name} {held} right, {len(wrong)} wrong")
    print("\n".join(wrong), end="\n" if wrong else "")
    return 1 if wrong else 0


def compare(lines, computed, skipped):
    stated = {line[0]: line[1] for line in lines if not line[0].startswith(skipped)}
    computed = {name: value.hex() for name, value in computed}
    wrong = [name for name in sorted(stated.keys() | computed.keys()) if stated.get(name) != computed.get(name)]
    return len(stated.keys() | computed.keys()) - len(wrong), wrong


def filled(byte):
    return bytes([byte]) * 32


# Encodings


def encodings(lines):
    stated = dict(line for line in lines)
    ed25519 = bytes.fromhex(stated["key.ed25519.bytes"])[5:]
    return compare(lines, [*tags(), *keys(ed25519), *sets(ed25519), *statements(), *blocks(), *messages(stated)], "seeded.")


def tags():
    yield "tag.prefix", bytes([14]) + b"falaj/header/1"
    yield "tagged.empty", tagged_hash("falaj/header/1", b"")
    yield "tagged.abc", tagged_hash("falaj/header/1", b"abc")


def keys(ed25519):
    for algorithm, name in NAMES.items():
        size = {1: 32, 2: 65, 3: 97, 4: 256, 5: 384, 6: 512}[algorithm]
        data = {1: ed25519, 2: b"\4" + b"\x81" * 64, 3: b"\4" + b"\x81" * 96}.get(algorithm, b"\x81" * size)
        key = checked_key(algorithm, data)
        yield f"key.{name}.bytes", key_bytes(key)
        yield f"key.{name}.fingerprint", tagged_hash("falaj/key/1", u8(algorithm) + data)


def sets(ed25519):
    no_labels = ("",) * 5
    validators = checked_set([
        Validator(1, 10, (1, ed25519), ("Bank A", "Muscat 1", "Vendor", "", "OM")),
        Validator(2, 20, checked_key(2, b"\4" + b"\x82" * 64), no_labels),
        Validator(7, 2**64 - 1, checked_key(4, b"\x83" * 256), no_labels),
    ])
    yield "validator-set.bytes", sequence([one.bytes() for one in validators])
    yield "validator-set.hash", set_hash(validators)
    # Height 3, header round 1: round 0 belonged to validator index 3 mod 3 of the unbenched, whose first stay is 16 heights.
    yield "bench.bytes", sequence([u32(1) + u64(3) + u64(16) + u8(1)])
    words = [1300, 610, 610, 200, 50, 100, 60_000, 10_000, 8_388_608, 256, 65_536, 32]
    times = [500_000, 2_000_000, 500_000, 100_000, 604_800_000]
    encoded = u16(1) + b"".join(map(u32, words)) + b"".join(map(u64, times))
    yield "parameters.bytes", encoded
    yield "parameters.hash", tagged_hash("falaj/parameters/1", encoded)


def statements():
    block, outcome = filled(0x33), filled(0x44)
    for name, statement in (
        ("proposal-fresh", proposal_statement(HEIGHT, ROUND, block, None)),
        ("proposal-valid-round", proposal_statement(HEIGHT, ROUND, block, VALID_ROUND)),
        ("prevote-nil", prevote_statement(HEIGHT, ROUND, None)),
        ("prevote-fresh", prevote_statement(HEIGHT, ROUND, (block, None))),
        ("prevote-valid-round", prevote_statement(HEIGHT, ROUND, (block, VALID_ROUND))),
        ("precommit-nil", precommit_statement(HEIGHT, ROUND, None)),
        ("precommit", precommit_statement(HEIGHT, ROUND, (block, outcome))),
    ):
        yield f"sign-bytes.{name}", sign_bytes("falaj-vectors-1", filled(0x11), statement)


def header():
    return Header(
        0, filled(0x11), HEIGHT, ROUND, 0x0203, filled(0x21), filled(0x22), 1_800_000_000_000_000,
        filled(0x23), filled(0x24), filled(0x25), 5, 1000,
    )


def blocks():
    yield "header.bytes", header().bytes()
    yield "header.id", header().id()
    transactions = [b"first", b"", b"third"]
    batch = u32(7) + u64(9) + u8(3) + sequence(list(map(blob, transactions)))
    digest = tagged_hash("falaj/batch/1", batch)
    tail = u32(7) + u64(9) + u32(3) + u64(10)
    yield "batch.bytes", batch
    yield "batch.digest", digest
    yield "batch-ref.bytes", digest + tail
    pieces = sequence([double_prevote()])
    listed, inline = sequence([digest + tail, filled(0x61) + tail]), sequence([blob(b"inline")])
    nothing = sequence([])
    for name, batches, inline, evidence in (("body-empty", nothing, nothing, nothing), ("body", listed, inline, pieces)):
        yield f"{name}.bytes", batches + inline + evidence
        yield f"{name}.root", tagged_hash("falaj/body/1", batches + inline)
        yield f"{name}.evidence-root", tagged_hash("falaj/evidence-list/1", evidence)
    supply = [(b"EUR", 0), (b"OMR", 2**128 - 1)]
    outcome = Outcome(filled(0x51), filled(0x52), filled(0x53), 12, supply, filled(0x54), filled(0x55))
    yield "outcome.bytes", outcome.bytes()
    yield "outcome.hash", outcome.hash()


# Messages: their signatures are any bytes, so they are read, and their values and ids compared


def messages(stated):
    for name, kind, value, signature in (
        ("prevote-nil", 2, None, b"\xa2" * 64),
        ("prevote", 2, filled(0x33) + valid_round(VALID_ROUND), b"\xa3" * 64),
        ("precommit", 3, filled(0x33) + filled(0x44), b"\xa4" * 64),
    ):
        yield f"vote.{name}.bytes", vote(kind, value, signature)
    yield "proposal.bytes", header().bytes() + u32(ROUND) + valid_round(VALID_ROUND) + u16(2) + blob(b"\xa1" * 64)
    for name, named in (("polka", valid_round(None)), ("commit-certificate", filled(0x44))):
        start = u64(HEIGHT) + u32(ROUND) + filled(0x33) + named
        yield f"{name}.bytes", start + signers(Reader(bytes.fromhex(stated[f"{name}.bytes"])[len(start) :]))
    for kind, name in enumerate(("double-proposal", "double-prevote", "double-precommit", "amnesia"), 1):
        reader = Reader(bytes.fromhex(stated[f"evidence.{name}.bytes"]))
        reader.u8()
        read = read_proposal if kind == 1 else read_vote
        (offender, first), (_, second) = read(reader), read(reader)
        reader.end()
        key = u64(HEIGHT) + u16(offender) + u8(kind)
        yield f"evidence.{name}.bytes", u8(kind) + reader.data[1:]
        yield f"evidence.{name}.id", tagged_hash("falaj/evidence/1", key + first + second)


def signers(reader):
    """A bitmap and a list of as many signatures as it has bits, encoded again."""
    bitmap = reader.bytes(128)
    signatures = reader.list(lambda: blob(reader.bytes(512)), 1024)
    reader.end()
    if sum(bin(byte).count("1") for byte in bitmap) != len(signatures):
        raise Malformed("a signature for each bit")
    return blob(bitmap) + sequence(signatures)


def valid_round(number):
    return option(None if number is None else u32(number))


def vote(kind, value, signature):
    return u16(2) + u64(HEIGHT) + u32(ROUND) + u8(kind) + option(value) + blob(signature)


def double_prevote():
    value = filled(0x33) + valid_round(None)
    return u8(2) + vote(2, None, b"\xd1" * 64) + vote(2, value, b"\xd2" * 64)


def read_vote(reader):
    """The validator and its statement."""
    validator, height, round_, kind = reader.u16(), reader.u64(), reader.u32(), reader.one_of((2, 3))
    if kind == 2:
        value = reader.option(lambda: (reader.digest(), reader.option(reader.u32)))
        statement = prevote_statement(height, round_, value)
    else:
        value = reader.option(lambda: (reader.digest(), reader.digest()))
        statement = precommit_statement(height, round_, value)
    reader.bytes(512)
    return validator, statement


def read_proposal(reader):
    """The proposer and its statement."""
    block, round_, valid, proposer = Header.read(reader), reader.u32(), reader.option(reader.u32), reader.u16()
    reader.bytes(512)
    return proposer, proposal_statement(block.height, round_, block.id(), valid)


# Signatures


def signatures(lines):
    known, held, wrong = {}, 0, []
    numbers = {name: number for number, name in NAMES.items()}
    for what, name, *rest in lines:
        if what == "key":
            known[name] = checked_key(numbers[rest[0]], bytes.fromhex(rest[1]))
            right = True
        elif what == "badkey":
            right = not is_key(numbers[rest[0]], bytes.fromhex(rest[1]))
        else:
            message, signature = map(bytes.fromhex, rest[1:])
            right = verifies(known[rest[0]], message, signature) == (what == "accept")
        held += right
        wrong += [] if right else [f"{what} {name}"]
    return held, wrong


def is_key(algorithm, data):
    try:
        return bool(checked_key(algorithm, data))
    except Malformed:
        return False


# Trees


def state_roots(lines):
    """Each proof of the file is checked against the root above it: the proof that holds is the only one."""
    stated, held, wrong = {line[0]: bytes.fromhex(line[1]) for line in lines}, 0, []
    for name, data in stated.items():
        words = name.split(".")
        if name.startswith("map.batches"):
            continue
        right = checks_tree(stated, words, data)
        held += right
        wrong += [] if right else [name]
    return held, wrong


def checks_tree(stated, words, data):
    if words == ["leaf"]:
        return data == trees.leaf(plain_hash(b"key 0"), plain_hash(b"value 0"))
    size = int(words[1])
    if words[2] == "root":
        return data == (map_root(size) if words[0] == "map" else log_root(size))
    root, reader = stated[f"{words[0]}.{size}.root"], Reader(data)
    if words[0] == "map":
        number = int(words[3].removeprefix("key-"))
        value = f"value {number}".encode() if number < size else None
        holds = trees.state_proof_holds(trees.read_state_proof(reader), root, f"key {number}".encode(), value)
    elif words[2] == "inclusion":
        proof = trees.read_inclusion(reader)
        holds = proof[:2] == (int(words[3]), size) and trees.inclusion_holds(proof, root, f"leaf {words[3]}".encode())
    elif words[2] == "consistency":
        proof = trees.read_consistency(reader)
        holds = proof[:2] == (int(words[3]), size) and trees.consistency_holds(proof, log_root(int(words[3])), root)
    else:
        holds = data == frontier(size)
    if words[2] != "frontier":
        reader.end()
    return holds


def map_root(size):
    keys = [f"key {number}".encode() for number in range(size)]
    leaves = [(plain_hash(key), trees.leaf(plain_hash(key), plain_hash(key.replace(b"key", b"value")))) for key in keys]
    return subtree(leaves, 0)


def subtree(leaves, depth):
    if len(leaves) < 2:
        return leaves[0][1] if leaves else trees.NOTHING
    halves = [[one for one in leaves if trees.bit(one[0], depth) == side] for side in (0, 1)]
    return plain_hash(b"".join(subtree(half, depth + 1) for half in halves))


def log_root(size, first=0):
    if size < 2:
        return plain_hash(b"\0" + f"leaf {first}".encode()) if size else plain_hash(b"")
    half = trees.largest_power_below(size)
    return trees.branch(log_root(half, first), log_root(size - half, first + half))


def frontier(size):
    """The size, then a root for each of its one-bits, the largest subtree first."""
    roots, first = [], 0
    for power in (1 << bit for bit in reversed(range(size.bit_length())) if size >> bit & 1):
        roots.append(log_root(power, first))
        first += power
    return u64(size) + b"".join(roots)


# Bundles


def bundles(file):
    """Each vector's verdict on its bytes or its text, and all that it proves where the file states it."""
    trusts, held, wrong = {name: trust(one) for name, one in file["trusts"].items()}, 0, []
    for vector in file["vectors"]:
        said, proves = answer(trusts[vector["trust"]], vector)
        right = said == vector["verdict"] and proves == vector.get("proves", proves)
        held += right
        wrong += [] if right else [f"{vector['name']}: {said}, not {vector['verdict']}"]
    return held, wrong


def trust(one):
    reader = Reader(bytes.fromhex(one["validators"]))
    validators = read_set(reader)
    reader.end()
    if set_hash(validators).hex() != one["validators_hash"]:
        raise Malformed("the hash of a trust's validators")
    return Trust(one["chain_id"], bytes.fromhex(one["genesis_hash"]), one["id_window_ms"], one["fips_strict"], validators)


def answer(trusted, vector):
    try:
        bundle = from_text(vector["text"]) if "text" in vector else from_bytes(bytes.fromhex(vector["bundle"]))
        proven = bundle.check(trusted)
    except Refused as refused:
        return str(refused), None
    return "ok", {**vars(proven), "what": proven.what.hex()}

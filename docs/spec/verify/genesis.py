"""From a genesis file to its hash: docs/spec/ledger.md, "Genesis" and "Genesis file".

Of all that makes a genesis add up only the forms are checked that its encoding needs: whoever runs the chain has had the
rest checked. A file that is not of the form raises ValueError, KeyError, TypeError or `Malformed`.
"""

import json
from dataclasses import dataclass

from chain import Validator, checked_set
from encoding import option, sequence, tagged_hash, text, u8, u16, u32, u64, u128
from signatures import NAMES, checked_key, key_bytes

ALGORITHMS = {name: number for number, name in NAMES.items()}
ROLES = {"central-bank": 1, "intermediary": 2, "government": 4}
CLASSES = {"issue": 1, "redeem": 2}
KINDS = {
    name: number
    for number, name in enumerate(
        "issuance reserve wholesale retail-0 retail-1 retail-2 retail-3 merchant government".split(), 1
    )
}
TIMEOUTS = ("propose_ms", "prevote_ms", "precommit_ms", "growth_ms", "growth_rounds_max", "tick_ms", "heartbeat_ms")
LIMITS = ("block_transactions_max", "block_bytes_max", "block_batches_max", "transaction_bytes_max", "block_evidence_max")
TIMES = ("precision_us", "delay_us", "delay_growth_us", "evidence_age_heights", "evidence_age_ms")
BECH32 = "qpzry9x8gf2tvdw0s3jn54khce6mua7l"


@dataclass
class Genesis:
    chain_id: str
    hash: bytes
    id_window_ms: int
    fips_strict: bool
    validators: list


def read(source):
    file = json.loads(source, object_pairs_hook=without_repeats)
    validators = checked_set([validator(one) for one in file["validators"]])
    scales = {one["code"]: one["scale"] for one in file["currencies"]}
    network = file["network"]
    content = b"".join([
        u16(file["version"]), text(file["chain_id"]), text(network), u64(file["time_us"]),
        constants(file["constants"]),
        sequence([currency(one, network) for one in file["currencies"]]),
        sequence([participant(one) for one in file["participants"]]),
        sequence([account(one, network, scales) for one in file["accounts"]]),
        sequence([authority(one, scales) for one in file["authorities"]]),
        sequence([one.bytes() for one in validators]),
        parameters(file["parameters"]),
    ])
    rails, hashed = file["constants"], tagged_hash("falaj/genesis/1", content)
    return Genesis(file["chain_id"], hashed, rails["id_window_ms"], rails["fips_strict"], validators)


def without_repeats(pairs):
    names = [name for name, _ in pairs]
    if len(set(names)) < len(names):
        raise ValueError("a key is repeated")
    return dict(pairs)


def constants(one):
    return u64(one["id_window_ms"]) + u64(one["proposal_life_ms"]) + u8(one["fips_strict"])


def currency(one, network):
    scale = one["scale"]
    sums = [u128(units(one[name], scale)) for name in ("cap", "rolling_cap", "issued")]
    return one["code"].encode() + u8(scale) + account_id(one["issuance_account"], network) + b"".join(sums)


def participant(one):
    keys = [key(held) + u64(held["valid_from"]) + optional(held, "valid_until", u64) for held in one["keys"]]
    return b"".join([
        u32(one["number"]), bytes.fromhex(one["identity"]), u16(sum(ROLES[role] for role in one["roles"])),
        optional(one, "parent", u32), u8(1), one["residency"].encode(), u32(one["quota"]), sequence(keys),
    ])


def account(one, network, scales):
    return b"".join([
        account_id(one["id"], network), one["currency"].encode(), u8(KINDS[one["kind"]]), controllers(one.get("controllers")),
        u64(units(one["balance"], scales[one["currency"]])), optional(one, "kyc", bytes.fromhex),
    ])


def controllers(one):
    return u8(1) if one is None else u8(2) + u8(one["threshold"]) + sequence(list(map(key, one["keys"])))


def authority(one, scales):
    return b"".join([
        u32(one["id"]), u8(CLASSES[one["class"]]), one["currency"].encode(), u32(one["participant"]),
        sequence(list(map(key, one["members"]))), u8(one["threshold"]),
        u128(units(one["rolling_cap"], scales[one["currency"]])), u64(one["delay_ms"]),
        sequence(list(map(key, one["vetoers"]))),
    ])


def validator(one):
    labels = tuple(one[name] for name in ("operator", "site", "hsm_vendor", "cloud", "residency"))
    return Validator(one["id"], one["power"], read_key(one), labels)


def parameters(one):
    words = [u32(one["timeouts"][name]) for name in TIMEOUTS] + [u32(one["limits"][name]) for name in LIMITS]
    return u16(one["version"]) + b"".join(words) + b"".join(u64(one[name]) for name in TIMES)


def read_key(one):
    return checked_key(ALGORITHMS[one["algorithm"]], bytes.fromhex(one["public_key"]))


def key(one):
    return key_bytes(read_key(one))


def optional(one, name, encode):
    return option(encode(one[name]) if name in one else None)


def units(decimal, scale):
    """Minor units of a decimal with exactly `scale` decimals."""
    whole, _, decimals = decimal.partition(".")
    if len(decimals) != scale or ("." in decimal) != (scale > 0) or not (whole + decimals).isdecimal():
        raise ValueError(f"{decimal} has not {scale} decimals")
    return int(whole + decimals)


def account_id(name, network):
    """The 16 bytes of a bech32m text (BIP 350) under the network's prefix."""
    prefix, _, data = name.rpartition("1")
    values = [BECH32.index(letter) for letter in data]
    spread = [ord(letter) >> 5 for letter in prefix] + [0] + [ord(letter) & 31 for letter in prefix]
    number = 0
    for value in values[:-6]:
        number = number << 5 | value
    bits = 5 * (len(values) - 6) - 128
    if prefix != network or polymod(spread + values) != 0x2BC830A3 or not 0 <= bits < 5 or number & (1 << bits) - 1:
        raise ValueError(f"{name} is no account of {network}")
    return (number >> bits).to_bytes(16, "big")


def polymod(values):
    check = 1
    for value in values:
        top, check = check >> 25, (check & 0x1FFFFFF) << 5 ^ value
        for bit, generator in enumerate((0x3B6A57B2, 0x26508E6D, 0x1EA119FA, 0x3D4233DD, 0x2A1462B3)):
            check ^= generator if top >> bit & 1 else 0
    return check

"""The ledger's values that a bundle carries: docs/spec/ledger.md, "State", "Receipts" and "Events".

A reader here checks a value and throws it away: what counts is the bytes it spans, which are the leaf, and the few fields
that a check reads.
"""

import re

from encoding import Malformed
from signatures import read_key

AMOUNT_MAX = 10**18 - 1
MINUTE_MS = 60_000
REFERENCE = re.compile(rb"[A-Za-z0-9/\-?:().,'+]{1,35}")
CURRENCY = re.compile(rb"[A-Z]{3}")
CONTROLLER_KEYS_MAX = 8
CODES = {
    *range(1001, 1018), *range(2001, 2006), *range(3001, 3019),
    *range(4000, 4015), *range(5001, 5010), *range(6001, 6007),
}


def spanned(reader, read):
    """What `read` returns, and the bytes it took."""
    start = reader.at
    value = read(reader)
    return value, reader.data[start : reader.at]


def matching(pattern, data):
    if not pattern.fullmatch(data):
        raise Malformed("text of another form")
    return data


def currency(reader):
    return matching(CURRENCY, reader.take(3))


def account_kind(reader):
    return reader.one_of(range(1, 10))


def amount(reader):
    if reader.u64() > AMOUNT_MAX:
        raise Malformed("amount above the maximum")


def code(reader):
    if reader.u16() not in CODES:
        raise Malformed("unknown code")


def transaction_key(reader):
    """(participant, id): the id is a version 7 UUID."""
    participant, uuid = reader.u32(), reader.take(16)
    if uuid[6] >> 4 != 7 or uuid[8] >> 6 != 2:
        raise Malformed("no version 7 UUID")
    return participant, uuid


def id_time_ms(key):
    return int.from_bytes(key[1][:6], "big")


def place(reader):
    """(height, index)."""
    return reader.u64(), reader.u32()


def receipt(reader):
    """The receipt's place and time."""
    transaction_key(reader)
    reader.digest()
    where, time_us = place(reader), reader.u64()
    verdict = reader.one_of((1, 2, 3))
    if verdict == 2:
        code(reader)
        reader.boolean()
    elif verdict == 3:
        code(reader)
        reader.option(lambda: (place(reader), reader.option(lambda: code(reader))))
    return where, time_us


def event(reader):
    """The event's sequence and height."""
    sequence = reader.u64()
    reader.option(lambda: transaction_key(reader))
    where = place(reader)
    EVENTS[reader.one_of(EVENTS)](reader)
    return sequence, where[0]


def account_opened(reader):
    reader.take(16)
    currency(reader)
    account_kind(reader)


def transferred(reader):
    reader.take(32)
    currency(reader)
    amount(reader)


def supply_changed(reader):
    reader.digest()
    currency(reader)
    reader.take(16)
    amount(reader)
    matching(REFERENCE, reader.bytes(35))


def offence_proven(reader):
    reader.take(32 + 8 + 4)
    reader.one_of((1, 2, 3, 4))


EVENTS = {
    1: account_opened,
    2: transferred,
    32: lambda reader: reader.take(32 + 4),
    33: lambda reader: reader.take(32 + 1),
    34: supply_changed,
    35: lambda reader: reader.take(32),
    36: supply_changed,
    70: lambda reader: reader.take(32 + 8 + 32),
    71: lambda reader: reader.take(32 + 8 + 32),
    72: offence_proven,
    75: lambda reader: reader.take(32 + 1 + 8),
    76: lambda reader: reader.take(32 + 1),
}


def account(reader):
    currency(reader)
    account_kind(reader)
    reader.u32()
    controllers(reader)
    reader.u128()
    reader.u128()
    reader.u64()
    place(reader)
    reader.option(reader.digest)


def controllers(reader):
    if reader.one_of((1, 2)) == 1:
        return
    threshold, keys = reader.u8(), reader.list(lambda: read_key(reader), CONTROLLER_KEYS_MAX)
    if not 1 <= threshold <= len(keys) or any(a >= b for a, b in zip(keys, keys[1:])):
        raise Malformed("controller keys ascend and reach their threshold")


def account_state_key(account_id):
    return b"\x12" + account_id


def dedup_state_key(key):
    minute = id_time_ms(key) // MINUTE_MS
    return b"\x18" + minute.to_bytes(8, "big") + key[0].to_bytes(4, "big") + key[1]

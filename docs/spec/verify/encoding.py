"""Bytes and hashes: borsh as docs/spec/encoding.md narrows it, "Basic encoding", "Decoding" and "Hashes".

A value has one encoding. `Reader` refuses every other one by `Malformed`, and compares a count with its bound before it reads.
"""

from hashlib import sha256


class Malformed(Exception):
    """Bytes that are no encoding of what was expected."""


class Reader:
    """Reads values from the front of some bytes."""

    def __init__(self, data):
        self.data, self.at = data, 0

    def take(self, count):
        end = self.at + count
        if end > len(self.data):
            raise Malformed("bytes are missing")
        self.at, taken = end, self.data[self.at : end]
        return taken

    def uint(self, count):
        return int.from_bytes(self.take(count), "little")

    def u8(self):
        return self.uint(1)

    def u16(self):
        return self.uint(2)

    def u32(self):
        return self.uint(4)

    def u64(self):
        return self.uint(8)

    def u128(self):
        return self.uint(16)

    def digest(self):
        return self.take(32)

    def boolean(self):
        return self.one_of((0, 1)) == 1

    def one_of(self, numbers):
        number = self.u8()
        if number not in numbers:
            raise Malformed(f"unknown number {number}")
        return number

    def version(self, known=1):
        if self.u16() != known:
            raise Malformed("unknown version")

    def option(self, value):
        return value() if self.boolean() else None

    def count(self, most):
        count = self.u32()
        if count > most:
            raise Malformed(f"{count} where {most} are the most")
        return count

    def bytes(self, most):
        return self.take(self.count(most))

    def list(self, value, most):
        return [value() for _ in range(self.count(most))]

    def end(self):
        if self.at != len(self.data):
            raise Malformed("bytes are left over")


def uint(number, count):
    return number.to_bytes(count, "little")


def u8(number):
    return uint(number, 1)


def u16(number):
    return uint(number, 2)


def u32(number):
    return uint(number, 4)


def u64(number):
    return uint(number, 8)


def u128(number):
    return uint(number, 16)


def text(value):
    return blob(value.encode())


def blob(value):
    return u32(len(value)) + value


def option(value):
    """Encoded bytes, or None."""
    return b"\0" if value is None else b"\1" + value


def sequence(values):
    """A list of encoded values."""
    return u32(len(values)) + b"".join(values)


def plain_hash(data):
    return sha256(data).digest()


def tagged_hash(tag, content):
    name = tag.encode()
    return plain_hash(bytes([len(name)]) + name + content)

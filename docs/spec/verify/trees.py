"""The state tree and the log trees: docs/spec/state-root.md, "Proofs about the state" and "Log trees"."""

from encoding import Malformed, plain_hash, tagged_hash

SIBLINGS_MAX = 256
NOTHING = bytes(32)


def read_state_proof(reader):
    """(end, siblings): end is "present", "nothing", or (key hash, value hash) of the other leaf."""
    end = reader.one_of((0, 1, 2))
    other = (reader.digest(), reader.digest()) if end == 2 else None
    count = reader.u16()
    if count > SIBLINGS_MAX:
        raise Malformed("more siblings than bits")
    siblings = [reader.digest() for _ in range(count)]
    return other or ("present", "nothing")[end], siblings


def state_proof_holds(proof, root, key, value):
    """That `key` has `value` under the root, or for None that it is absent."""
    end, siblings = proof
    key_hash = plain_hash(key)
    if (value is not None) != (end == "present"):
        return False
    if value is not None:
        node = leaf(key_hash, plain_hash(value))
    elif end == "nothing":
        node = NOTHING
    else:
        if end[0] == key_hash or any(bit(end[0], depth) != bit(key_hash, depth) for depth in range(len(siblings))):
            return False
        node = leaf(*end)
    for depth, sibling in zip(reversed(range(len(siblings))), siblings):
        node = plain_hash(sibling + node if bit(key_hash, depth) else node + sibling)
    return node == root


def leaf(key_hash, value_hash):
    return tagged_hash("falaj/state-leaf/1", key_hash + value_hash)


def bit(key_hash, depth):
    return key_hash[depth // 8] >> (7 - depth % 8) & 1


def read_inclusion(reader):
    """(index, size, path)."""
    index, size = reader.u64(), reader.u64()
    if index >= size:
        raise Malformed("no leaf of this tree")
    return index, size, [reader.digest() for _ in range(inclusion_length(index, size))]


def inclusion_length(index, size):
    """The nodes on the way from leaf `index` to the root of `size` leaves (RFC 9162 section 2.1.3.1)."""
    length = 0
    while size > 1:
        half = largest_power_below(size)
        index, size = (index, half) if index < half else (index - half, size - half)
        length += 1
    return length


def largest_power_below(size):
    return 1 << (size - 1).bit_length() - 1


def inclusion_holds(proof, root, data):
    index, size, path = proof
    return inclusion_root(plain_hash(b"\0" + data), index, size, path) == root


def inclusion_root(node, index, size, path):
    if size == 1:
        return node
    half = largest_power_below(size)
    if index < half:
        return branch(inclusion_root(node, index, half, path[:-1]), path[-1])
    return branch(path[-1], inclusion_root(node, index - half, size - half, path[:-1]))


def branch(left, right):
    return plain_hash(b"\1" + left + right)


def read_consistency(reader):
    """(old size, new size, path)."""
    old, new = reader.u64(), reader.u64()
    if old > new:
        raise Malformed("a log does not shrink")
    return old, new, [reader.digest() for _ in range(consistency_length(old, new))]


def consistency_length(old, new, whole=True):
    """The nodes of the path between two sizes (RFC 9162 section 2.1.4.1)."""
    if old == 0:
        return 0
    length = 0
    while old != new:
        half = largest_power_below(new)
        if old <= half:
            new = half
        else:
            old, new, whole = old - half, new - half, False
        length += 1
    return length if whole else length + 1


def consistency_holds(proof, old_root, new_root):
    old, new, path = proof
    if old == 0:
        return old_root == plain_hash(b"")
    return consistency_roots(old, new, path, old_root, True) == (old_root, new_root)


def consistency_roots(old, new, path, old_root, whole):
    """What the path makes of the old tree's part of this subtree, and of the whole subtree."""
    if old == new:
        node = old_root if whole else path[0]
        return node, node
    half = largest_power_below(new)
    if old <= half:
        below, node = consistency_roots(old, half, path[:-1], old_root, whole)
        return below, branch(node, path[-1])
    below, node = consistency_roots(old - half, new - half, path[:-1], old_root, False)
    return branch(path[-1], below), branch(path[-1], node)

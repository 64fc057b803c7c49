"""Verifies bundles offline, with a genesis and nothing else; needs Python 3.9 or later and no package.

    python3 -B docs/spec/verify GENESIS BUNDLE...     says `ok` of each file, or the name of the first part that does not hold
    python3 -B docs/spec/verify --vectors REPOSITORY  recomputes every committed vector
    python3 -B docs/spec/verify --bundles FILE        compares with the verdicts of a file in the form of light-client.json

It was written from the pages of docs/spec/ alone, so that they are known to suffice, and shares no code with the node.
It ends with 0 if everything held, 1 if something did not, and 78 if the genesis cannot be read.
"""

import sys
from pathlib import Path

import vectors
from bundle import Trust, from_text
from chain import Refused
from encoding import Malformed
from genesis import read


def main(arguments):
    if len(arguments) == 2 and arguments[0] == "--vectors":
        return vectors.main(Path(arguments[1]))
    if len(arguments) == 2 and arguments[0] == "--bundles":
        return vectors.verdicts(Path(arguments[1]))
    if len(arguments) < 2:
        print(__doc__, file=sys.stderr)
        return 2
    try:
        genesis = read(Path(arguments[0]).read_text(encoding="utf-8"))
    except (OSError, ValueError, KeyError, TypeError, AttributeError, OverflowError, Malformed) as error:
        print(f"{arguments[0]}: no genesis: {error}", file=sys.stderr)
        return 78
    verdicts = [(path, verdict(genesis, Path(path).read_bytes())) for path in arguments[1:]]
    for path, said in verdicts:
        print(path, said)
    return 0 if all(said == "ok" for _, said in verdicts) else 1


def verdict(genesis, data):
    try:
        from_text(text(data)).check(Trust.of_genesis(genesis))
    except Refused as refused:
        return str(refused)
    return "ok"


def text(data):
    try:
        return data.decode()
    except UnicodeDecodeError as error:
        raise Refused("bundle-json") from error


if __name__ == "__main__":
    sys.exit(main(sys.argv[1:]))

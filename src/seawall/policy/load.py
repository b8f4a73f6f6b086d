"""Read a policy: bytes to a document, with the place of everything in it."""

import hashlib
from dataclasses import dataclass
from pathlib import Path as FilePath
from typing import Final

from seawall.policy.document import PolicyDocument
from seawall.policy.fault import START, Fault, Places, in_order
from seawall.policy.validate import validate
from seawall.policy.yaml_tree import MAX_BYTES, read_tree

VERSION_LENGTH: Final = 12


@dataclass(frozen=True, slots=True)
class Reading:
    """A policy as it was read.

    With faults, `document` is only what remains without the faulty parts (or None), good for finding more faults and
    for nothing else. `version` is the first 12 hex digits of the SHA-256 of the bytes.
    """

    source: str
    version: str
    document: PolicyDocument | None
    places: Places
    faults: tuple[Fault, ...]


def read_policy(data: bytes, source: str) -> Reading:
    """Read a policy from its bytes; never fails, whatever they are. `source` names them in every message."""
    tree = read_tree(data)
    validated = validate(tree, data[:MAX_BYTES].decode("utf-8", "replace"))
    version = hashlib.sha256(data).hexdigest()[:VERSION_LENGTH]
    return Reading(source, version, validated.document, tree.places, in_order(validated.faults))


def read_policy_file(path: FilePath) -> Reading:
    """Read a policy from a file; a file that cannot be read is a fault like every other."""
    try:
        with path.open("rb") as file:
            data = file.read(MAX_BYTES + 1)
    except OSError as error:
        found = f"a file that cannot be read ({error.strerror})"
        fault = Fault(START, (), found, "a policy (`seawall init` writes one)", code="file.unreadable")
        return Reading(str(path), "", None, Places({}, {}), (fault,))
    return read_policy(data, str(path))

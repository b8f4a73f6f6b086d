"""Read a policy: bytes to a document, with the place of everything in it."""

import hashlib
from collections.abc import Mapping
from dataclasses import dataclass, field, replace
from pathlib import Path as FilePath
from typing import Final

from seawall.policy.document import PolicyDocument
from seawall.policy.fault import START, Fault, PlaceElsewhere, Places, in_order
from seawall.policy.pins import Pins, lay_over, pins_path, read_pins
from seawall.policy.validate import validate
from seawall.policy.yaml_tree import MAX_BYTES, read_tree

VERSION_LENGTH: Final = 12


@dataclass(frozen=True, slots=True)
class Reading:
    """A policy as it was read.

    With faults, `document` is only what remains without the faulty parts (or None), good for finding more faults and
    for nothing else. `version` is the first 12 hex digits of the SHA-256 of the bytes, those of the pins included.
    `pins` are laid over the document already; `own_models` are what the document itself says of the pinned routes.
    """

    source: str
    version: str
    document: PolicyDocument | None
    places: Places
    faults: tuple[Fault, ...]
    pins: Pins = field(default_factory=Pins)
    own_models: Mapping[str, str | None] = field(default_factory=dict)


def read_policy(data: bytes, source: str) -> Reading:
    """Read a policy from its bytes; never fails, whatever they are. `source` names them in every message."""
    tree = read_tree(data)
    validated = validate(tree, data[:MAX_BYTES].decode("utf-8", "replace"))
    version = hashlib.sha256(data).hexdigest()[:VERSION_LENGTH]
    return Reading(source, version, validated.document, tree.places, in_order(validated.faults))


def read_policy_file(path: FilePath, pins: bytes | None = None) -> Reading:
    """Read a policy from a file, and the pins beside it; a file that cannot be read is a fault like every other.

    `pins` are bytes to read in the place of the pins file.
    """
    try:
        with path.open("rb") as file:
            data = file.read(MAX_BYTES + 1)
    except OSError as error:
        found = f"a file that cannot be read ({error.strerror})"
        fault = Fault(START, (), found, "a policy (`seawall init` writes one)", code="file.unreadable")
        return Reading(str(path), "", None, Places({}, {}), (fault,))
    reading = read_policy(data, str(path))
    source = str(pins_path(path))
    if pins is None:
        try:
            with pins_path(path).open("rb") as file:
                pins = file.read(MAX_BYTES + 1)
        except FileNotFoundError:
            return reading
        except OSError as error:
            found = f"a file that cannot be read ({error.strerror})"
            fault = Fault(PlaceElsewhere(1, 1, source), (), found, "pins, or no such file", code="file.unreadable")
            return replace(reading, faults=in_order([*reading.faults, fault]))
    version = hashlib.sha256(data + b"\0" + pins).hexdigest()[:VERSION_LENGTH] if pins else reading.version
    return _with_pins(replace(reading, version=version), read_pins(pins, source))


def _with_pins(reading: Reading, pins: Pins) -> Reading:
    document = reading.document
    if pins.faults or document is None:
        return replace(reading, pins=pins, faults=in_order([*reading.faults, *pins.faults]))
    own = {route: document.routes[route].model for route in pins.pins if route in document.routes}
    return replace(reading, document=lay_over(document, reading.places, pins), pins=pins, own_models=own)

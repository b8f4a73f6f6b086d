"""Pin a route's model, roll it back, and write the pins down."""

import contextlib
import fcntl
import io
import os
from collections.abc import Iterator
from dataclasses import asdict, replace
from pathlib import Path as FilePath
from typing import Final

from ruamel.yaml import YAML

from seawall.core.error import NotFound
from seawall.policy.pins import MAX_HISTORY, VERSION, Change, Pin, Pins
from seawall.policy.secret_shape import masked

_HEADER: Final = (
    "# Models that operators have pinned; `seawall models` writes this file.\n"
    "# Keep it beside the policy, under version control. The newest change stands last.\n"
)


def pinned(pins: Pins, route: str, pin: Pin, own: str) -> Pins:
    """Give the pins with one more; `own` is the policy's own model of the route, empty where the client decides."""
    was = pins.pins[route].model if route in pins.pins else own
    pin = replace(pin, by=masked(pin.by), why=masked(pin.why))
    change = Change("pin", route, pin.model, was, pin.by, pin.at, pin.why)
    return replace(pins, pins={**pins.pins, route: pin}, history=_longer(pins.history, change))


def rolled_back(pins: Pins, route: str, who: Pin) -> Pins:
    """Give the pins with a route's last one undone: the pin before it counts again, or the policy's own model.

    `who` says by whom, when and why; its model is not looked at.

    Raises:
        NotFound: the route is not pinned.
    """
    if route not in pins.pins:
        raise NotFound(f"{route} is not pinned: the policy's own model is in force")
    current, before = pins.pins[route], _before(pins, route)
    kept = {name: pin for name, pin in pins.pins.items() if name != route}
    if before is not None:
        kept[route] = before
    model = before.model if before is not None else ""
    change = Change("rollback", route, model, current.model, masked(who.by), who.at, masked(who.why))
    return replace(pins, pins=kept, history=_longer(pins.history, change))


def _before(pins: Pins, route: str) -> Pin | None:
    """Replay the record to find the pin under the current one; one that was written by hand has none under it."""
    stack: list[Pin] = []
    for change in pins.history:
        if change.route != route:
            continue
        if change.did == "pin":
            stack.append(Pin(change.model, change.by, change.at, change.why))
        elif stack:
            stack.pop()
    if not stack or stack[-1].model != pins.pins[route].model:
        return None
    return stack[-2] if len(stack) > 1 else None


def _longer(history: tuple[Change, ...], change: Change) -> tuple[Change, ...]:
    return (*history, change)[-MAX_HISTORY:]


def render(pins: Pins) -> bytes:
    """Write the pins for people and for `read_pins`: routes in order of their names, empty fields left out."""
    document = {
        "version": VERSION,
        "pins": {route: _said(asdict(pins.pins[route])) for route in sorted(pins.pins)},
        "history": [_said(asdict(change)) for change in pins.history],
    }
    yaml = YAML(typ="rt", pure=True)
    yaml.width = 10_000  # a text stays on its line, so that a change is one line in a diff
    yaml.default_flow_style = False
    out = io.StringIO()
    yaml.dump(document, out)
    return (_HEADER + out.getvalue()).encode()


def _said(fields: dict[str, str]) -> dict[str, str]:
    return {name: text for name, text in fields.items() if text}


def write(path: FilePath, data: bytes) -> None:
    """Replace the pins file in one step, durably.

    Raises:
        OSError: it cannot be written; the old one stays.
    """
    fresh = path.with_name(f"{path.name}.{os.getpid()}.new")
    try:
        with fresh.open("wb") as file:
            file.write(data)
            file.flush()
            os.fsync(file.fileno())
        fresh.replace(path)
    except OSError:
        fresh.unlink(missing_ok=True)
        raise


@contextlib.contextmanager
def alone(policy: FilePath) -> Iterator[None]:
    """Keep other changes of the pins away: the lock is on the policy file, which is read and not changed."""
    with policy.open("rb") as file:
        fcntl.flock(file, fcntl.LOCK_EX)
        yield

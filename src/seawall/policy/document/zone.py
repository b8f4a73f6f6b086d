"""Time zones by their names."""

import re
from datetime import UTC, tzinfo
from typing import Annotated, Final, TypeAlias
from zoneinfo import ZoneInfo, ZoneInfoNotFoundError, available_timezones

from pydantic import BeforeValidator, WithJsonSchema

from seawall.policy.document.section import wrong

UNKNOWN: Final = "zone.unknown"

_NAME: Final = r"[A-Za-z][A-Za-z0-9_+-]*(?:/[A-Za-z0-9_+-]+)*"
# What lies beside the zones: another count of seconds, a copy, and what the machine happens to be set to.
_NO_ZONES: Final = re.compile(r"(?:right|posix)/.*|localtime|posixrules|Factory")


def zone_of(name: str) -> tzinfo:
    """Find a time zone; `UTC` is there on every machine, the others come from its own files or from `tzdata`.

    Raises:
        ValueError: this machine knows no such zone.
    """
    if name == "UTC":
        return UTC
    if not re.fullmatch(_NAME, name) or _NO_ZONES.fullmatch(name):
        raise ValueError(f"no time zone is called {name!r}")
    try:
        return ZoneInfo(name)
    except (ZoneInfoNotFoundError, OSError) as error:  # a directory of zones, such as Europe, is an OSError
        raise ValueError(f"no time zone is called {name!r} on this machine") from error


def near_zones(name: str) -> dict[str, str]:
    """Map what may be meant by a misspelt zone to the zone: each zone by its name, and by its city alone."""
    zones = sorted(available_timezones())
    cities = {zone.rpartition("/")[2]: zone for zone in zones if zone.rpartition("/")[2][:1] == name[:1].upper()}
    return {**({} if "/" in name else cities), **{zone: zone for zone in zones}}


def _check_zone(value: object) -> object:
    try:
        if isinstance(value, str):
            zone_of(value)
            return value
    except ValueError as error:
        if not available_timezones():
            expected = "UTC: this machine has no other time zones (install its tzdata package, or the one for Python)"
            raise wrong(expected, code=UNKNOWN) from error
    raise wrong("a time zone such as Europe/Berlin, or UTC", code=UNKNOWN)


TimeZone: TypeAlias = Annotated[
    str, BeforeValidator(_check_zone), WithJsonSchema({"type": "string", "examples": ["Europe/Berlin", "UTC"]})
]

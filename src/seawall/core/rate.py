"""How fast calls and tokens may come."""

from typing import NamedTuple


class Rate(NamedTuple):
    """A bucket's size and speed: `burst` units at once, `per_minute` units a minute; both at least 1."""

    per_minute: int
    burst: int


class Bucket(NamedTuple):
    """One holder's rate: `user:k_1/ab12#requests`."""

    name: str
    rate: Rate

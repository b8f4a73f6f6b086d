"""The limits of one worker, by target."""

from collections.abc import Mapping
from typing import Final

import msgspec

from seawall.core.target import Target
from seawall.guards.concurrency.rule import GradientLimit
from seawall.guards.concurrency.settings import ConcurrencySettings

MAX_TARGETS: Final = 1024
_DEFAULT: Final = ConcurrencySettings()


class LimitState(msgspec.Struct, frozen=True):
    """A target's limit as the status page shows it."""

    target: str
    limit: int
    in_flight: int


class TargetLimits:
    """The limits of one worker, one for each target, made on demand; they outlive policies.

    `settings` are the policy's, by the provider's name. Beyond `MAX_TARGETS` the oldest one that nobody uses is
    forgotten.
    """

    __slots__ = ("_all", "_settings")

    def __init__(self, settings: Mapping[str, ConcurrencySettings] | None = None) -> None:
        self._all: dict[str, tuple[str, GradientLimit]] = {}
        self._settings: Mapping[str, ConcurrencySettings] = settings or {}

    def follow(self, settings: Mapping[str, ConcurrencySettings]) -> None:
        """Take a new policy's settings on; what was found out about each target stays as far as they allow."""
        self._settings = settings
        for provider, limit in self._all.values():
            limit.follow(settings.get(provider, _DEFAULT))

    def of(self, target: Target) -> GradientLimit:
        """Give a target's limit."""
        found = self._all.get(target.name)
        return self._make(target) if found is None else found[1]

    def states(self) -> list[LimitState]:
        """Say how every limit stands, for people."""
        return [LimitState(name, int(limit.limit), limit.in_flight) for name, (_, limit) in self._all.items()]

    def _make(self, target: Target) -> GradientLimit:
        if len(self._all) >= MAX_TARGETS:
            idle = next((name for name, (_, limit) in self._all.items() if not limit.in_flight), None)
            if idle is not None:
                del self._all[idle]
        provider = target.provider.name
        limit = GradientLimit(self._settings.get(provider, _DEFAULT))
        self._all[target.name] = provider, limit
        return limit

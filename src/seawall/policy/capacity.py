"""From what the document says of a worker's capacity to the settings of the guards."""

from collections.abc import Mapping
from types import MappingProxyType
from typing import Final

from seawall.guards.concurrency.settings import SHARES, AdmissionSettings, ConcurrencySettings
from seawall.guards.idempotency.settings import IdempotencySettings
from seawall.guards.killswitch.settings import KillSettings
from seawall.policy.document import (
    ConcurrencyDocument,
    IdempotencyDocument,
    KillDocument,
    OverloadDocument,
    ProviderDocument,
)

_USUAL: Final = ConcurrencySettings()
_SECONDS_PER_HOUR: Final = 3600
_BYTES_PER_MB: Final = 1024 * 1024


def admission(said: OverloadDocument) -> AdmissionSettings:
    """Give the limit of a worker and the classes' shares of it."""
    shares = {**SHARES, "automation": said.shares.automation, "analysis": said.shares.analysis}
    return AdmissionSettings(said.max_in_flight, MappingProxyType(shares))


def concurrency(providers: Mapping[str, ProviderDocument]) -> Mapping[str, ConcurrencySettings]:
    """Give the limits of the providers that have any of their own."""
    limits = {name: _limit(each.concurrency) for name, each in providers.items() if each.concurrency is not None}
    return MappingProxyType(limits)


def _limit(said: ConcurrencyDocument) -> ConcurrencySettings:
    # What is not said gives way to what is: whoever says only `most: 5` means five, from the first call on.
    most = said.most if said.most is not None else max(_USUAL.most, said.least or 0, said.first or 0)
    least = said.least if said.least is not None else min(_USUAL.least, said.first or most, most)
    first = said.first if said.first is not None else max(least, min(_USUAL.first, most))
    return ConcurrencySettings(first, least, most, said.adaptive)


def kill(said: KillDocument) -> KillSettings:
    """Give what becomes of calls that run when something is switched off."""
    return KillSettings(said.in_flight)


def idempotency(said: IdempotencyDocument) -> IdempotencySettings:
    """Give how long answers are kept and how large they may be."""
    return IdempotencySettings(said.keep_hours * _SECONDS_PER_HOUR, said.max_answer_mb * _BYTES_PER_MB)

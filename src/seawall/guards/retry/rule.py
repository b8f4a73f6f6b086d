"""Decide about another attempt at the same target; pure."""

from dataclasses import dataclass
from typing import Final, NamedTuple, TypeAlias

from seawall.core.remedy import Remedy
from seawall.guards.retry.settings import RetrySettings

# Nobody waits longer than this for one target while another is free.
PATIENCE_S: Final = 0.5
# The official SDKs obey a longer one in full, or not at all.
LONGEST_PASSED_ON_S: Final = 120.0
_MAX_DOUBLINGS: Final = 30  # beyond it a float overflows, and no wait is that long


class Failure(NamedTuple):
    """How an attempt failed, and what is left of the call.

    `retry` counts the further attempts made at this target so far, `attempts_left` those that the whole call may still
    make, `legs_left` the targets after this one. `demanded_s` is the provider's `retry-after`, `took_s` how long the
    attempt took until it failed. `draw` is uniform in [0, 1).
    """

    remedy: Remedy
    retry: int
    attempts_left: int
    legs_left: int
    left_s: float
    demanded_s: float | None
    draw: float
    took_s: float = 0.0


@dataclass(frozen=True, slots=True)
class Wait:
    """Try again after this many seconds."""

    for_s: float


@dataclass(frozen=True, slots=True)
class Stop:
    """Make no further attempt here; `why` is `hopeless`, `attempts`, `patience` or `deadline`."""

    why: str


Decision: TypeAlias = Wait | Stop

HOPELESS: Final = Stop("hopeless")
NO_ATTEMPTS: Final = Stop("attempts")
NO_PATIENCE: Final = Stop("patience")
NO_TIME: Final = Stop("deadline")


def decide(settings: RetrySettings, failure: Failure) -> Decision:
    """Say whether the same target is tried again, and after how long.

    Every target that is left keeps one of the call's attempts, since another target is a better second try than the
    same one. What the provider demands is waited in full, with the jitter on top so that not everybody comes back at
    once; a demand that is too long for the deadline, or for the patience of a call with another target, ends the
    attempts here. So does an attempt that took long to fail: what is silent once is silent again, and would leave the
    other target no time.
    """
    if not failure.remedy.again:
        return HOPELESS
    if failure.retry >= settings.retries or failure.attempts_left <= failure.legs_left:
        return NO_ATTEMPTS
    if failure.legs_left and failure.took_s > PATIENCE_S:
        return NO_PATIENCE
    wait_s = backoff_s(settings, failure)
    demanded_s = failure.demanded_s
    if demanded_s is not None:
        if failure.legs_left and demanded_s > PATIENCE_S:
            return NO_PATIENCE
        wait_s += demanded_s
    return Wait(wait_s) if wait_s < failure.left_s else NO_TIME


def backoff_s(settings: RetrySettings, failure: Failure) -> float:
    """Draw a wait with full jitter: evenly from zero to a ceiling that doubles each time."""
    base_s = settings.throttle_base_s if failure.remedy.is_throttle else settings.base_s
    ceiling_s = min(base_s * 2.0 ** min(failure.retry, _MAX_DOUBLINGS), settings.longest_s)
    if failure.legs_left:
        ceiling_s = min(ceiling_s, PATIENCE_S)
    return ceiling_s * failure.draw


def may_repeat(demanded_s: float | None) -> bool:
    """Say whether a client should try again what was tried again here in vain: only after a wait it was told of."""
    return demanded_s is not None and demanded_s <= LONGEST_PASSED_ON_S

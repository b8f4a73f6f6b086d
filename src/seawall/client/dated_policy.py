"""A policy that is read once, with the prices of the day."""

import logging
import threading
from collections.abc import Mapping
from datetime import UTC, datetime, time
from pathlib import Path
from typing import Final

from seawall.core.error import PolicyError
from seawall.policy.compile import Surroundings, compile_policy
from seawall.policy.fault import policy_error
from seawall.policy.load import read_policy_file
from seawall.policy.plan import CompiledPolicy
from seawall.policy.reference import References
from seawall.ports.clock import Clock

RETRY_S: Final = 3600.0
_log: Final = logging.getLogger("seawall.policy")


class DatedPolicy:
    """Read a policy file, and give it compiled with the prices of today; safe from any thread.

    The document is read once: whoever holds a client decides when it changes, by making a new one. Only on a day on
    which one of its prices changes is the same document compiled again, which takes some 30 ms.

    Raises:
        PolicyError: the policy cannot be used; the message has a line for every fault, a missing key among them.
    """

    def __init__(self, path: Path, environment: Mapping[str, str], clock: Clock) -> None:
        self._reading = read_policy_file(path)
        self._environment = environment
        self._clock = clock
        self._lock = threading.Lock()
        self._policy = self._compiled()
        self._due_s = _changes_at_s(self._policy)

    def today(self) -> CompiledPolicy:
        """Give the policy; the same object for as long as no price changes."""
        if self._due_s is not None and self._clock.wall_s() >= self._due_s:
            with self._lock:
                self._renew()
        return self._policy

    def _renew(self) -> None:
        now_s = self._clock.wall_s()
        if self._due_s is None or now_s < self._due_s:
            return  # another thread was quicker
        try:
            self._policy = self._compiled()
        except PolicyError as error:  # a key that is gone by now: calls that need it must not lose those that do not
            self._due_s = now_s + RETRY_S
            _log.error("policy refused, yesterday's prices stay", extra={"fields": {"faults": str(error)}})
        else:
            self._due_s = _changes_at_s(self._policy)

    def _compiled(self) -> CompiledPolicy:
        today = datetime.fromtimestamp(self._clock.wall_s(), UTC).date()
        compiled = compile_policy(self._reading, Surroundings(References(self._environment), today))
        if compiled.policy is None:
            raise policy_error(self._reading.source, compiled.faults)
        return compiled.policy


def _changes_at_s(policy: CompiledPolicy) -> float | None:
    if policy.changes_on is None:
        return None
    return datetime.combine(policy.changes_on, time(), UTC).timestamp()

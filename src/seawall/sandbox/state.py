"""What a running sandbox remembers between requests."""

import hmac
from dataclasses import dataclass, field

from seawall.core.secret import Secret
from seawall.sandbox.cache import PromptCache
from seawall.sandbox.draw import digest
from seawall.sandbox.fault import Incidents
from seawall.sandbox.limit import Limits
from seawall.sandbox.meter import Meter
from seawall.sandbox.ring import Ring
from seawall.sandbox.setting import Settings

_MOST_KEYS = 10_000


@dataclass(slots=True)
class State:
    """Settings, faults, meter, requests, prompt cache and limits of one sandbox; all change on its event loop only."""

    initial: Settings
    settings: Settings
    expected_key: Secret | None = None
    incidents: Incidents = field(default_factory=Incidents)
    meter: Meter = field(default_factory=Meter)
    requests: Ring = field(default_factory=Ring)
    cache: PromptCache = field(default_factory=PromptCache)
    limits: Limits = field(default_factory=Limits)
    _numbers: dict[bytes, int] = field(default_factory=dict)

    def number(self, key: str) -> int:
        """Number an API key in order of appearance; the key itself is not kept. All beyond 10,000 share one number."""
        if not key:
            return 0
        seen = digest(key.encode())
        if seen not in self._numbers and len(self._numbers) < _MOST_KEYS:
            self._numbers[seen] = len(self._numbers) + 1
        return self._numbers.get(seen, _MOST_KEYS + 1)

    def accepts(self, key: str) -> bool:
        """Say whether this API key is good: any is, unless the sandbox was started with one."""
        expected = self.expected_key
        return expected is None or hmac.compare_digest(key.encode(), expected.reveal().encode())

    def reset(self) -> None:
        """Go back to the settings of the start, without faults, with an empty prompt cache and full limits."""
        self.settings = self.initial
        self.incidents.clear()
        self.cache.clear()
        self.limits = Limits()

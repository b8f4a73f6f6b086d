"""How many retries a target gets from this worker, so that its bad hour is not made worse; pure.

Two limits at once. The *quota* (AWS SDKs, 2026) is a bucket of tokens: a retry costs 14, a success gives one back, so
in the long run one retry comes on 14 successes and none where nothing succeeds. The *budget* (Envoy) bounds those under
way: a fifth of the exchanges that are live, and at least 3.
"""

from typing import Final

FULL: Final = 500
COST: Final = 14
REFUND: Final = 1
BUDGET_SHARE: Final = 0.2
BUDGET_LEAST: Final = 3
MAX_TARGETS: Final = 1024


class RetryQuota:
    """One target's quota and budget.

    `live` counts the exchanges at this target and `retrying` those of them in a further attempt; the guard keeps both.
    """

    __slots__ = ("live", "retrying", "tokens")

    def __init__(self) -> None:
        self.tokens = FULL
        self.live = 0
        self.retrying = 0

    def may_retry(self) -> bool:
        """Take a retry's price from the bucket, unless it is too empty or too many retries are under way."""
        if self.tokens < COST or self.retrying >= max(BUDGET_LEAST, self.live * BUDGET_SHARE):
            return False
        self.tokens -= COST
        return True

    def succeed(self) -> None:
        """Give a success's token back."""
        if self.tokens < FULL:
            self.tokens += REFUND


class RetryQuotas:
    """The quotas of one worker, by the target's name; they outlive policies.

    Beyond `MAX_TARGETS` the oldest one that nobody uses is forgotten, which hands its target a full bucket.
    """

    __slots__ = ("_all",)

    def __init__(self) -> None:
        self._all: dict[str, RetryQuota] = {}

    def of(self, name: str) -> RetryQuota:
        """Give a target's quota; a new one is full."""
        found = self._all.get(name)
        if found is None:
            if len(self._all) >= MAX_TARGETS:
                self._forget_one()
            found = self._all[name] = RetryQuota()
        return found

    def __len__(self) -> int:
        return len(self._all)

    def _forget_one(self) -> None:
        idle = next((name for name, quota in self._all.items() if not quota.live), None)
        if idle is not None:
            del self._all[idle]

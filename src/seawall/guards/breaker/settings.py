"""What the policy may say about a breaker."""

from dataclasses import dataclass


@dataclass(frozen=True, slots=True)
class BreakerSettings:
    """When a target is left alone, and for how long.

    Of the last `window_s` seconds' calls, at least `min_calls`, the share that failed (`failure_ratio`) or were slow
    (`slow_ratio`) opens it. A call is slow whose first token, or whole answer where nothing streams, took longer than
    `slow_s`; None means that none is. It stays open for `open_s`, twice as long each time that the probes fail, up to
    `longest_open_s`; then `probes` calls at once may try.
    """

    failure_ratio: float = 0.5
    slow_ratio: float = 0.9
    slow_s: float | None = None
    min_calls: int = 20
    window_s: float = 30.0
    open_s: float = 15.0
    longest_open_s: float = 300.0
    probes: int = 3

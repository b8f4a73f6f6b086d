"""The time that a sandbox lives in unless it is given another, and how the dialects write times."""

import asyncio
from datetime import UTC, datetime
from email.utils import formatdate


class LoopTime:
    """Read the running event loop's time, which may be virtual, and the machine's date; implements the `Clock` port."""

    def monotonic_s(self) -> float:
        """Give seconds on the event loop's clock."""
        return asyncio.get_running_loop().time()

    def wall_s(self) -> float:
        """Give seconds since 1970."""
        return datetime.now(UTC).timestamp()


def rfc3339(wall_s: float) -> str:
    """Write a time as Anthropic's headers do: `2026-11-21T08:15:00Z`."""
    return datetime.fromtimestamp(int(wall_s), UTC).strftime("%Y-%m-%dT%H:%M:%SZ")


def http_date(wall_s: float) -> str:
    """Write a time as HTTP does (RFC 9110 §5.6.7)."""
    return formatdate(wall_s, usegmt=True)


def go_duration(seconds: float) -> str:
    """Write a length of time as OpenAI's headers do: `12ms`, `1.5s`, `6m0s`, `1h0m0s`."""
    if seconds < 1:
        return f"{round(seconds * 1000)}ms"
    minutes, rest = divmod(seconds, 60)
    hours, minutes = divmod(int(minutes), 60)
    text = f"{round(rest, 3):g}s"
    if hours:
        return f"{hours}h{minutes}m{text}"
    return f"{minutes}m{text}" if minutes else text

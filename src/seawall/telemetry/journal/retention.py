"""Two clocks of forgetting: what happened is kept for long, texts for a shorter time or not at all."""

import contextlib
import re
from collections.abc import Iterable
from dataclasses import dataclass
from datetime import UTC, datetime, timedelta
from pathlib import Path
from typing import Final

_DATED: Final = re.compile(r"(calls|bodies)-(\d{8})\..+")


@dataclass(frozen=True, slots=True)
class Keep:
    """How many whole days a file is kept after its own day has ended."""

    metadata_days: int = 90
    bodies_days: int = 0


def expired(names: Iterable[str], now_s: float, keep: Keep) -> list[str]:
    """Name the files to delete: day files whose last moment is older than their clock allows.

    A database comes before its write-ahead log, which means nothing without it. Other files are never named.
    """
    today = datetime.fromtimestamp(now_s, UTC).date()
    oldest = today.toordinal() - 1
    last = {
        kind: (today - timedelta(days=min(days + 1, oldest))).isoformat().replace("-", "")
        for kind, days in (("calls", keep.metadata_days), ("bodies", keep.bodies_days))
    }
    dated = ((name, _DATED.fullmatch(name)) for name in names)
    return sorted(name for name, found in dated if found and found[2] <= last[found[1]])


def sweep(directory: Path, now_s: float, keep: Keep) -> list[str]:
    """Delete what has expired, and say what that was; a file that cannot be deleted is tried again next time."""
    deleted = []
    with contextlib.suppress(OSError):
        for name in expired([path.name for path in directory.iterdir()], now_s, keep):
            with contextlib.suppress(OSError):
                (directory / name).unlink()
                deleted.append(name)
    return deleted

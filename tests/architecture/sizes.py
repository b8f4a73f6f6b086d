"""Say how large the core is when installed: every package of core.lock, without compiled caches.

Sizes are in MB of 2**20 bytes, so that they compare with what `du` says.
"""

import re
import sys
from importlib.metadata import PackageNotFoundError, distribution
from pathlib import Path
from typing import Final

from tests.architecture.layout import ROOT

LOCK: Final = ROOT / "requirements" / "core.lock"
MB: Final = 2**20
CEILING_MB: Final = 60.0


def size_mb(name: str) -> float | None:
    """Measure one installed package; None when it is not for this platform and so not installed."""
    try:
        files = distribution(name).files or []
    except PackageNotFoundError:
        return None
    kept = (file for file in files if "__pycache__" not in file.parts)
    return sum(path.stat().st_size for file in kept if (path := Path(str(file.locate()))).is_file()) / MB


def core_sizes() -> dict[str, float]:
    """Measure every package of the core that is installed here."""
    names = re.findall(r"^([\w.-]+)==", LOCK.read_text("utf-8"), re.MULTILINE)
    return {name: size for name in names if (size := size_mb(name)) is not None}


def main() -> int:
    """Print the table, largest first; give 1 when the sum is above the ceiling."""
    sizes = core_sizes()
    for name, size in sorted(sizes.items(), key=lambda entry: -entry[1]):
        print(f"{name:<20} {size:6.1f}")
    total = sum(sizes.values())
    print(f"{f'{len(sizes)} packages':<20} {total:6.1f} MB of at most {CEILING_MB:.0f}")
    return int(total > CEILING_MB)


if __name__ == "__main__":
    sys.exit(main())

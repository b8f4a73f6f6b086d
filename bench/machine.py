"""Say on what the figures were taken; without this line they mean nothing."""

import os
import platform
from pathlib import Path


def machine_line() -> str:
    """Describe processor, cores, memory, kernel and Python in one line."""
    model = "unknown processor"
    for line in Path("/proc/cpuinfo").read_text().splitlines():
        if line.startswith("model name"):
            model = line.partition(":")[2].strip()
            break
    gib = os.sysconf("SC_PAGE_SIZE") * os.sysconf("SC_PHYS_PAGES") / 2**30
    kind = "virtual machine" if "hypervisor" in Path("/proc/cpuinfo").read_text() else "bare metal"
    return (
        f"{model}, {os.cpu_count()} cores, {gib:.0f} GiB, {kind}; "
        f"{platform.system()} {platform.release()}; Python {platform.python_version()}"
    )

"""The simulated provider: both dialects over real HTTP, with faults on demand.

async with Sandbox() as sandbox:
    client = AsyncAnthropic(base_url=sandbox.url, api_key="any")
"""

from seawall.sandbox.fault import FAULTS
from seawall.sandbox.meter import Entry, Meter, Total
from seawall.sandbox.ring import Ring, Seen
from seawall.sandbox.sandbox import Sandbox
from seawall.sandbox.setting import SETTINGS, Settings

__all__ = ["FAULTS", "SETTINGS", "Entry", "Meter", "Ring", "Sandbox", "Seen", "Settings", "Total"]

"""A receipt for tests of what stands below the budget."""

from typing import Final

from seawall.core.receipt import Receipt

PAID: Final = Receipt("test", 0, 0)

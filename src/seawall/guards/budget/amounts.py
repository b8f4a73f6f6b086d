"""What is held, and what is booked, in each unit."""

from typing import NamedTuple


class Amounts(NamedTuple):
    """What one hold takes, or one attempt cost, in each unit; an account counts the part of its own unit."""

    nusd: int
    tokens: int = 0
    calls: int = 0

"""What one run came to."""

from collections.abc import Mapping
from dataclasses import dataclass

from torture.judge import Line
from torture.scenario import Scenario


@dataclass(frozen=True, slots=True)
class Outcome:
    """What the meter says of every cap, what is wrong, and what became of the calls.

    `unsettled_nusd` is what the gateway's books hold for calls whose cost nobody knows; None where they do not say.
    """

    scenario: Scenario
    lines: list[Line]  # the first is the account of all
    complaints: list[str]
    answers: Mapping[str, int]
    unsettled_nusd: int | None
    took_s: float

    @property
    def is_kept(self) -> bool:
        """Whether every cap held."""
        return not any(line.is_over for line in self.lines)

    @property
    def worst(self) -> Line:
        """The account that is furthest over its cap, or nearest to it."""
        return max(self.lines, key=lambda line: line.billed_nusd - line.cap_nusd)

    @property
    def over_nusd(self) -> int:
        """By how much the worst cap was exceeded; 0 where all held."""
        return max(self.worst.billed_nusd - self.worst.cap_nusd, 0)

    @property
    def share(self) -> float:
        """How much of the cap of all was billed; 1 is the whole of it."""
        return self.lines[0].billed_nusd / self.lines[0].cap_nusd

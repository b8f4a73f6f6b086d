"""What the provider's own meter says of the caps; pure."""

from collections.abc import Collection, Mapping
from dataclasses import dataclass
from typing import Any

from torture.scenario import FLAT, KINDS, MODELS, TEAMS, Scenario

Report = Mapping[str, Any]  # the sandbox's meter, as its control endpoint gives it


@dataclass(frozen=True, slots=True)
class Line:
    """One account: what the provider billed for it, and its cap, in nano-dollars."""

    account: str
    billed_nusd: int
    cap_nusd: int

    @property
    def kind(self) -> str:
        """What sort of account it is: all, provider, team or user."""
        return self.account.partition(":")[0]

    @property
    def is_over(self) -> bool:
        """Whether the cap was exceeded, by however little."""
        return self.billed_nusd > self.cap_nusd


def judge(scenario: Scenario, meter: Report, kinds: Collection[str] = KINDS) -> list[Line]:
    """Compare every cap of a run with the meter, where the gateway has caps of that kind; `all` is the first."""
    caps = scenario.caps
    models, callers = _billed(meter["by_model"]), _billed(meter["by_caller"])
    lines = [Line("all", int(meter["total"]["billed_nusd"]), caps.all)]
    for dialect in ("anthropic", "openai"):
        spent = sum(nusd for model, nusd in models.items() if _maker(model) == dialect)
        lines.append(Line(f"provider:{dialect}", spent, caps.provider))
    for team in range(TEAMS):
        spent = sum(nusd for name, nusd in callers.items() if name.startswith(f"t{team}/"))
        lines.append(Line(f"team:t{team}", spent, caps.team))
    lines += [Line(f"user:{name}", nusd, caps.user) for name, nusd in sorted(callers.items())]
    return [line for line in lines if line.kind in kinds]


def complaints(scenario: Scenario, lines: list[Line]) -> list[str]:
    """Say what must not be: a cap exceeded, nothing spent, or, where nothing went wrong, less than the last cent."""
    found = [f"{line.account}: billed {line.billed_nusd}, cap {line.cap_nusd}" for line in lines if line.is_over]
    if lines[0].billed_nusd == 0:
        found.append("all: billed nothing, so that no cap was tried")
    elif scenario.is_exact and lines[0].billed_nusd < lines[0].cap_nusd:
        found.append(f"all: billed {lines[0].billed_nusd}, expected exactly {lines[0].cap_nusd}")
    return found


def _billed(totals: Mapping[str, Mapping[str, int]]) -> dict[str, int]:
    return {name: total["billed_nusd"] for name, total in totals.items()}


def _maker(model: str) -> str:
    return "anthropic" if model == FLAT or MODELS.get(model) == "anthropic" or model.startswith("claude") else "openai"

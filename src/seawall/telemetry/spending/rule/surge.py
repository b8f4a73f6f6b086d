"""Whether more is spent than was to be expected; pure."""

from typing import Final, NamedTuple

from seawall.core.account import Unit
from seawall.core.spending import HOUR_S, SpendAlert, Standing
from seawall.telemetry.spending.forecast import SpendHistory, usual_between
from seawall.telemetry.spending.rule.episode import Signal
from seawall.telemetry.spending.settings import DAY_S, SurgeSettings
from seawall.telemetry.spending.wording import amount_text, length_text

_HOUR_S: Final = float(HOUR_S)


class Expected(NamedTuple):
    """What was forecast for the last `over_s` seconds, and from what: the season, or the mean of earlier days."""

    nusd: float
    over_s: float
    is_seasonal: bool


def expected(settings: SurgeSettings, history: SpendHistory, at_s: float) -> Expected | None:
    """Forecast the last hour, or the last day; None where too little is known."""
    if history.since_s is None or at_s - history.since_s < settings.linear_after_s:
        return None
    if at_s - history.since_s >= settings.season_after_s:
        nusd = usual_between(history, at_s - _HOUR_S, at_s)
        if nusd is not None:
            return Expected(nusd, _HOUR_S, is_seasonal=True)
    ends_s = (at_s - DAY_S) // HOUR_S * HOUR_S
    before = sum(spent for starts_s, spent in history.hours.items() if starts_s < ends_s)
    days = (ends_s - history.since_s) / DAY_S
    return Expected(before / days, DAY_S, is_seasonal=False)


def surge_signal(settings: SurgeSettings, nusd: float, spent_nusd: int, calm: float) -> Signal:
    """Compare what was spent with what was expected."""
    limit = max(settings.times * nusd, settings.least_nusd)
    is_low = spent_nusd < calm * limit
    return Signal(is_on=spent_nusd > limit, is_calm=is_low, is_over=is_low)


def surge_alert(settings: SurgeSettings, found: Expected, spent_nusd: int, seen: Standing, at_s: float) -> SpendAlert:
    """Tell that more is spent than forecast."""
    spent, forecast = amount_text(Unit.NUSD, spent_nusd), amount_text(Unit.NUSD, found.nusd)
    what = "this hour of the week usually takes" if found.is_seasonal else "earlier days took on average"
    key = f"surge {seen.budget}"
    return SpendAlert(
        id=f"{key} {at_s:.0f}",
        key=key,
        rule="surge",
        severity=settings.severity,
        account=seen.account,
        at_s=at_s,
        message=(
            f"{seen.holder} has spent {spent} in the last {length_text(found.over_s)}, "
            f"more than {settings.times:g} times the {forecast} that {what}"
        ),
        figures={
            "times": settings.times,
            "spent": spent_nusd,
            "forecast": round(found.nusd),
            "over_s": found.over_s,
            "is_seasonal": found.is_seasonal,
        },
    )

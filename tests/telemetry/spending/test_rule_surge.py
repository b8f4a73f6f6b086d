import pytest

from seawall.core.money import NUSD_PER_USD as USD
from seawall.core.spending import HOUR_S, standing
from seawall.telemetry.spending.forecast import SpendHistory
from seawall.telemetry.spending.rule.surge import Expected, expected, surge_alert, surge_signal
from seawall.telemetry.spending.settings import DAY_S, SurgeSettings

SETTINGS = SurgeSettings()
MONDAY_S = 1_795_392_000  # 2026-11-23T00:00Z
TEAM = standing("team:a@2026-11/UTC", 1000 * USD, 5 * USD)


def _history(days: float, per_hour: int = USD) -> SpendHistory:
    since_s = MONDAY_S - round(days * DAY_S)
    return SpendHistory(0, dict.fromkeys(range(since_s, MONDAY_S, HOUR_S), per_hour), since_s)


@pytest.mark.parametrize(
    ("history", "found"),
    [
        pytest.param(SpendHistory(0), None, id="nothing known"),
        pytest.param(_history(2), None, id="two days say nothing"),
        pytest.param(_history(3), Expected(24.0 * USD, DAY_S, is_seasonal=False), id="the mean of earlier days"),
        pytest.param(_history(15), Expected(float(USD), float(HOUR_S), is_seasonal=True), id="the hour of the week"),
    ],
)
def test_what_is_expected_depends_on_what_is_known(history: SpendHistory, found: Expected | None) -> None:
    assert expected(SETTINGS, history, MONDAY_S) == found


def test_an_hour_that_is_known_once_only_is_judged_by_days() -> None:
    early = SurgeSettings(season_after_s=7 * DAY_S)
    found = expected(early, _history(8), MONDAY_S)

    assert found is not None
    assert not found.is_seasonal


@pytest.mark.parametrize(
    ("forecast", "spent", "is_on", "is_calm"),
    [
        pytest.param(3 * USD, 7 * USD, True, False, id="more than twice"),
        pytest.param(3 * USD, 6 * USD, False, False, id="twice"),
        pytest.param(3 * USD, 5 * USD, False, True, id="less"),
        pytest.param(0, USD // 2, False, True, id="more than nothing, but under the floor"),
    ],
)
def test_a_surge_is_more_than_twice_what_was_forecast(forecast: int, spent: int, is_on: bool, is_calm: bool) -> None:
    assert surge_signal(SETTINGS, forecast, spent, 0.9) == (is_on, is_calm, is_calm)


def test_the_alert_says_what_it_compared() -> None:
    hour = surge_alert(SETTINGS, Expected(USD, HOUR_S, is_seasonal=True), 3 * USD, TEAM, 7.0)
    day = surge_alert(SETTINGS, Expected(USD, DAY_S, is_seasonal=False), 3 * USD, TEAM, 7.0)

    assert hour.message == (
        "team:a has spent $3.00 in the last 1 h, more than 2 times the $1.00 that this hour of the week usually takes"
    )
    assert day.message.endswith("in the last 24 h, more than 2 times the $1.00 that earlier days took on average")

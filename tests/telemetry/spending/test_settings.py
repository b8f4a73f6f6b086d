import pytest

from seawall.telemetry.spending.settings import DAY_S, BurnLevel, SpendingSettings

FAST, SLOW, TICKET = SpendingSettings().burns


@pytest.mark.parametrize(
    ("level", "days", "long_s", "short_s"),
    [
        pytest.param(FAST, 30, 3600, 300, id="2 % of 30 days"),
        pytest.param(SLOW, 30, 6 * 3600, 1800, id="5 % of 30 days"),
        pytest.param(TICKET, 30, 3 * DAY_S, 6 * 3600, id="10 % of 30 days"),
        pytest.param(FAST, 1, 900, 75, id="a day: no less than a quarter of an hour"),
        pytest.param(SLOW, 1, 1800, 150, id="a day: no less than half an hour"),
        pytest.param(TICKET, 1, 8640, 720, id="10 % of a day"),
    ],
)
def test_lookbacks_follow_the_window(level: BurnLevel, days: int, long_s: float, short_s: float) -> None:
    assert level.long_s(days * DAY_S) == pytest.approx(long_s)
    assert level.short_s(days * DAY_S) == pytest.approx(short_s)

import pytest

from seawall.core.spending import Standing, standing
from seawall.telemetry.spending.rule.burn import Burn, burn_alert, burn_rate, burn_signal, levels_for
from seawall.telemetry.spending.settings import DAY_S, SpendingSettings

SETTINGS = SpendingSettings()
FAST, _, TICKET = SETTINGS.burns
NOVEMBER = standing("team:a@2026-11/UTC", 3_000_000_000_000, 300_000_000_000)  # 30 days
STARTS_S = NOVEMBER.window.starts_s


@pytest.mark.parametrize(
    ("seen", "count"),
    [
        pytest.param(NOVEMBER, 3, id="month"),
        pytest.param(standing("all@2026-03-29/Europe/Berlin", 9, 0), 3, id="a day of 23 hours"),
        pytest.param(standing("all@2026-11-21T10Z", 9, 0), 0, id="an hour renews itself"),
        pytest.param(standing("all@lifetime", 9, 0), 0, id="a lifetime has no end"),
        pytest.param(standing("all@2026-11/UTC", 0, 0), 0, id="no cap"),
    ],
)
def test_rates_are_for_windows_in_which_somebody_can_act(seen: Standing, count: int) -> None:
    assert len(levels_for(SETTINGS, seen)) == count


def test_a_burn_of_one_lasts_to_the_end() -> None:
    assert burn_rate(NOVEMBER.cap, 30 * DAY_S, NOVEMBER) == 1.0
    assert burn_rate(NOVEMBER.cap // 50, 3600.0, NOVEMBER) == pytest.approx(14.4)


@pytest.mark.parametrize(
    ("burn", "is_on", "is_calm", "is_over"),
    [
        pytest.param(Burn(14.4, 14.4), True, False, False, id="both"),
        pytest.param(Burn(14.4, 14.2), False, False, False, id="a little less lately"),
        pytest.param(Burn(14.2, 30.0), False, False, False, id="not for long enough"),
        pytest.param(Burn(14.4, 5.0), False, True, False, id="it has stopped"),
        pytest.param(Burn(5.0, 5.0), False, True, True, id="long ago"),
    ],
)
def test_both_lookbacks_have_to_burn(burn: Burn, is_on: bool, is_calm: bool, is_over: bool) -> None:
    assert burn_signal(FAST, burn, NOVEMBER, STARTS_S, 0.9) == (is_on, is_calm, is_over)


def test_a_ticket_is_for_a_budget_that_will_not_last() -> None:
    burn = Burn(1.2, 1.2)

    assert burn_signal(TICKET, burn, NOVEMBER, STARTS_S + 3 * DAY_S, 0.9).is_on
    assert not burn_signal(TICKET, burn, NOVEMBER, STARTS_S + 25 * DAY_S, 0.9).is_on
    assert burn_signal(FAST, Burn(20, 20), NOVEMBER, STARTS_S + 30 * DAY_S, 0.9).is_on


def test_the_alert_says_how_long_the_rest_lasts() -> None:
    alert = burn_alert(FAST, Burn(14.4, 20.0), NOVEMBER, STARTS_S + 60)

    assert alert.message == (
        "team:a spends 14.4 times as fast as its budget lasts, over the last 1 h: $300.00 of $3,000.00 "
        "of the month that ends 2026-12-01 00:00 UTC are spent, and at this rate the rest lasts 45 h"
    )
    assert alert.severity == "page"
    assert alert.key == "burn page team:a@month/UTC"
    assert alert.figures["burn_short"] == 20.0

import pytest

from seawall.core.spending import Standing, standing
from seawall.telemetry.spending.rule.share import reached, share_alert
from seawall.telemetry.spending.settings import SpendingSettings

LEVELS = SpendingSettings().shares


def _day(spent: int, *, cap: int = 100, holder: str = "team:a#calls", is_short: bool = False) -> Standing:
    return standing(f"{holder}@2026-11-21/UTC", cap, spent, is_short=is_short)


@pytest.mark.parametrize(
    ("seen", "fraction"),
    [
        pytest.param(_day(49), None, id="less than half"),
        pytest.param(_day(50), 0.5, id="half"),
        pytest.param(_day(79), 0.5, id="under 80 %"),
        pytest.param(_day(80), 0.8, id="80 %"),
        pytest.param(_day(99), 0.8, id="nearly all"),
        pytest.param(_day(100), 1.0, id="all"),
        pytest.param(_day(130), 1.0, id="more than all"),
        pytest.param(_day(0, cap=0), None, id="a cap of nothing"),
        pytest.param(_day(85, is_short=True), 1.0, id="what is left is less than a call"),
        pytest.param(_day(60, is_short=True), 0.5, id="one large call did not fit"),
        pytest.param(_day(10, is_short=True), None, id="one huge call did not fit"),
    ],
)
def test_the_highest_level_that_is_reached_counts(seen: Standing, fraction: float | None) -> None:
    level = reached(LEVELS, seen)

    assert (level and level.fraction) == fraction


def test_the_alert_names_the_holder_the_cap_and_the_window() -> None:
    alert = share_alert(LEVELS[1], _day(80), 7.0)

    assert alert.message == (
        "team:a#calls has spent 80 calls of 100 calls (80 %) of the day that ends 2026-11-22 00:00 UTC"
    )
    assert alert.severity == "ticket"
    assert alert.ended_at_s == _day(80).window.ends_s
    assert alert.figures == {"fraction": 0.8, "spent": 80, "cap": 100}


def test_a_budget_that_is_cut_off_says_so() -> None:
    assert "what is left is less than one" in share_alert(LEVELS[2], _day(90), 7.0).message


def test_nobody_is_called_for_one_user() -> None:
    assert share_alert(LEVELS[2], _day(100, holder="user:ab12"), 7.0).severity == "notice"


def test_a_lifetime_has_no_end() -> None:
    alert = share_alert(LEVELS[2], standing("team:a@lifetime", 100, 100), 7.0)

    assert alert.ended_at_s is None
    assert alert.message.endswith("of its lifetime")

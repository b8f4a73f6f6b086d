import pytest

from seawall.core.account import Unit
from seawall.core.spending import standing
from seawall.telemetry.spending.wording import amount_text, length_text, window_text


@pytest.mark.parametrize(
    ("unit", "amount", "text"),
    [
        pytest.param(Unit.NUSD, 0, "$0.00", id="nothing"),
        pytest.param(Unit.NUSD, 12_500_000_000, "$12.50", id="dollars"),
        pytest.param(Unit.NUSD, 4_200_000, "$0.004200", id="less than a cent"),
        pytest.param(Unit.TOKENS, 1200, "1,200 tokens", id="tokens"),
        pytest.param(Unit.CALLS, 3, "3 calls", id="calls"),
    ],
)
def test_amounts_are_written_for_a_person(unit: Unit, amount: int, text: str) -> None:
    assert amount_text(unit, amount) == text


def test_windows_end_by_their_zones_clock() -> None:
    text = window_text(standing("all@2026-11-21/Europe/Berlin", 1, 0))

    assert text == "of the day that ends 2026-11-22 00:00 Europe/Berlin"
    assert window_text(standing("all@lifetime", 1, 0)) == "of its lifetime"


@pytest.mark.parametrize(
    ("length_s", "text"), [(45, "45 s"), (300, "5 min"), (4320, "1.2 h"), (86_400, "24 h"), (259_200, "3 d")]
)
def test_lengths_are_written_in_a_fitting_unit(length_s: float, text: str) -> None:
    assert length_text(length_s) == text

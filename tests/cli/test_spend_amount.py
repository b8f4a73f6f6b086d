import pytest
from hypothesis import given
from hypothesis import strategies as st

from seawall.cli.spend_amount import amount_text, length_text, short_name, unit_text, whole_text
from seawall.core.account import Unit

HASH = "0123456789abcdef0123456789abcdef"


@pytest.mark.parametrize(
    ("nusd", "text"),
    [
        (0, "$0"),
        (1, "$0.0001"),
        (123_456_789, "$0.1235"),
        (20_000_000_000, "$20.0000"),
        (999_999_999, "$1.0000"),
    ],
)
def test_dollars_in_a_column_are_rounded_up(nusd: int, text: str) -> None:
    assert amount_text(Unit.NUSD, nusd) == text


@given(st.integers(0, 10**20))
def test_a_column_never_shows_less_than_there_is(nusd: int) -> None:
    shown = round(float(amount_text(Unit.NUSD, nusd)[1:]) * 1e9)

    assert shown >= nusd * (1 - 1e-9)


def test_other_units_are_counted() -> None:
    assert amount_text(Unit.TOKENS, 4100) == "4100"
    assert whole_text(Unit.TOKENS, 4100) == "4100 tokens"
    assert whole_text(Unit.NUSD, 12_300_001) == "$0.012300001"
    assert [unit_text(unit) for unit in Unit] == ["usd", "tokens", "calls"]


def test_what_nobody_reads_to_its_end_is_shortened() -> None:
    assert short_name(f"user:key_0123456789abcdef/{HASH}") == "user:key_01234567…/01234567…"
    assert short_name("team:deadbeef") == "team:deadbeef"


@pytest.mark.parametrize(
    ("seconds", "text"),
    [
        (0, "0s"),
        (59.9, "59s"),
        (60, "1m"),
        (61, "1m 1s"),
        (33_130, "9h 12m"),
        (86_400, "1d"),
        (86_461, "1d"),
        (90_000, "1d 1h"),
    ],
)
def test_lengths_have_two_units_at_most(seconds: float, text: str) -> None:
    assert length_text(seconds) == text

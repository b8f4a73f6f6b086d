import pytest

from seawall.core.account import Unit, account_name, holder_of, unit_of
from seawall.core.window import LIFETIME, Window

TODAY = Window("2026-11-21/Europe/Berlin", 0.0, 1.0)


@pytest.mark.parametrize(
    ("holder", "unit", "window", "name"),
    [
        ("team:a", Unit.NUSD, TODAY, "team:a@2026-11-21/Europe/Berlin"),
        ("conversation:k/c", Unit.TOKENS, LIFETIME, "conversation:k/c#tokens@lifetime"),
        ("user:a@b.example", Unit.CALLS, TODAY, "user:a@b.example#calls@2026-11-21/Europe/Berlin"),
    ],
)
def test_the_name_says_who_what_and_when(holder: str, unit: Unit, window: Window, name: str) -> None:
    assert account_name(holder, unit, window) == name
    assert holder_of(name) == holder + unit.value
    assert unit_of(name) is unit


def test_a_mark_within_a_holders_name_is_no_unit() -> None:
    assert unit_of("user:a#tokens/x@lifetime") is Unit.NUSD
    assert unit_of("user:a#b#calls@lifetime") is Unit.CALLS

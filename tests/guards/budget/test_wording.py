from datetime import UTC

import pytest

from seawall.core.account import Account, Unit
from seawall.core.window import LIFETIME, Period, Window, window_at
from seawall.guards.budget.amounts import Amounts
from seawall.guards.budget.wording import exhausted_note, left_of
from seawall.ports.ledger import Short
from seawall.testing.clock import START_WALL_S

DAY = window_at(Period.DAY, UTC, START_WALL_S)
NEED = Amounts(2_500_000_000, 900)


@pytest.mark.parametrize(
    ("unit", "window", "note"),
    [
        pytest.param(
            Unit.NUSD,
            DAY,
            "team:a has 1.5 left of its 20 USD for 2026-11-21/UTC, and this call may cost 2.5 USD; "
            "it renews at 2026-11-22T00:00:00+00:00",
            id="money",
        ),
        pytest.param(
            Unit.TOKENS,
            LIFETIME,
            "team:a has 1500000000 left of its 20000000000 tokens for lifetime, and this call may use 900 tokens; "
            "it does not renew",
            id="tokens",
        ),
    ],
)
def test_a_refusal_says_what_is_left_and_when_there_is_more(unit: Unit, window: Window, note: str) -> None:
    account = Account(f"team:a{unit.value}@{window.name}", unit, 20_000_000_000)

    assert exhausted_note(Short(account, 18_000_000_000, 500_000_000, 0), NEED, window) == note


def test_nothing_is_left_of_a_cap_that_was_lowered_below_what_is_spent() -> None:
    assert left_of(Short(Account("all@lifetime", Unit.NUSD, 10), 20, 0, 0)) == 0

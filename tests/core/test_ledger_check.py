from typing import get_args

import pytest

from seawall.core.account import Unit
from seawall.core.balance import Balance, Entry, Kind, Lease
from seawall.core.ledger_check import ledger_differences

NAME = "team:a@2026-11-21/UTC"
CAP = 100


def _lines(*steps: tuple[str, int, str]) -> list[Entry]:
    """Write a history of one account; a step is its kind, amount and reference."""
    kinds = {word: word for word in get_args(Kind)}
    return [
        Entry(number, 0.0, NAME, "w1", kinds.get(kind, kind), amount, CAP, ref)
        for number, (kind, amount, ref) in enumerate(steps, 1)
    ]


def _balance(settled: int = 0, leased: int = 0, unsettled: int = 0) -> list[Balance]:
    return [Balance(NAME, Unit.NUSD, CAP, settled, leased, unsettled)]


def _leased(amount: int) -> list[Lease]:
    return [Lease("w1", NAME, amount)]


@pytest.mark.parametrize(
    ("steps", "balances", "leases"),
    [
        pytest.param([], [], [], id="an empty ledger"),
        pytest.param([], _balance(), [], id="an account that nothing happened on"),
        pytest.param([("grant", 60, "")], _balance(leased=60), _leased(60), id="a lease"),
        pytest.param([("grant", 100, ""), ("give_back", 100, "1")], _balance(), [], id="a lease given back"),
        pytest.param(
            [("grant", 60, ""), ("settle", 50, "1"), ("give_back", 4, "1")],
            _balance(settled=50, leased=6),
            _leased(6),
            id="a part spent and a part given back",
        ),
        pytest.param(
            [("grant", 100, ""), ("settle", 100, "1"), ("overrun", 7, "1")],
            _balance(settled=107),
            [],
            id="more spent than was leased, and than the cap",
        ),
        pytest.param(
            [("grant", 60, ""), ("bury", 60, "crashed:w1")],
            _balance(settled=60, unsettled=60),
            [],
            id="a dead worker's lease",
        ),
        pytest.param(
            [("grant", 60, ""), ("settle", 50, "1"), ("doubt", 40, "a"), ("doubt", 10, "b"), ("reconcile", 25, "a")],
            _balance(settled=25, leased=10, unsettled=10),
            _leased(10),
            id="two doubts, one decided",
        ),
        pytest.param(
            [("grant", 5, ""), ("settle", 5, "1"), ("doubt", 5, "a"), ("reconcile", 0, "a")],
            _balance(settled=5),
            [],
            id="a doubt that was right",
        ),
    ],
)
def test_books_that_follow_from_their_history_have_no_difference(
    steps: list[tuple[str, int, str]], balances: list[Balance], leases: list[Lease]
) -> None:
    assert ledger_differences(_lines(*steps), balances, leases) == []


@pytest.mark.parametrize(
    ("steps", "balances", "leases", "expected"),
    [
        pytest.param(
            [("grant", 60, ""), ("settle", 60, "1")],
            _balance(settled=59),
            [],
            [f"{NAME}: settled: booked 59, by the history 60"],
            id="settled money was lost",
        ),
        pytest.param(
            [("grant", 60, "")],
            _balance(leased=61),
            _leased(60),
            [f"{NAME}: leased: booked 61, by the history 60"],
            id="a sum of leases is wrong",
        ),
        pytest.param(
            [("grant", 60, "")],
            _balance(leased=60),
            [],
            [f"{NAME}: leased to w1: booked 0, by the history 60"],
            id="a lease is missing",
        ),
        pytest.param(
            [],
            _balance(),
            _leased(3),
            [f"{NAME}: leased to w1: booked 3, by the history 0"],
            id="a lease that nobody granted",
        ),
        pytest.param(
            [],
            _balance(unsettled=3),
            [],
            [f"{NAME}: unsettled: booked 3, by the history 0"],
            id="a doubt out of nothing",
        ),
        pytest.param(
            [("doubt", 3, "a")],
            _balance(unsettled=3),
            [],
            [f"{NAME}: more unsettled than settled: booked 3, by the history 0"],
            id="a doubt about money that was never charged",
        ),
        pytest.param(
            [("grant", 60, "")],
            [],
            _leased(60),
            [f"{NAME}: no such account: booked 0, by the history 60"],
            id="an account is missing",
        ),
        pytest.param(
            [("grant", 60, ""), ("grant", 41, "")],
            _balance(leased=101),
            _leased(101),
            [f"{NAME}: granted beyond the cap: booked 101, by the history 100 (line 2)"],
            id="more was granted than the cap",
        ),
        pytest.param(
            [("grant", 100, ""), ("settle", 100, "1"), ("overrun", 1, "1"), ("grant", 1, "")],
            _balance(settled=101, leased=1),
            _leased(1),
            [f"{NAME}: granted beyond the cap: booked 102, by the history 100 (line 4)"],
            id="more was granted although nothing was free",
        ),
        pytest.param(
            [("settle", 5, "1")],
            _balance(settled=5, leased=-5),
            _leased(-5),
            [f"{NAME}: settle of more than w1 had: booked 5, by the history 0 (line 1)"],
            id="spent without a lease",
        ),
        pytest.param(
            [("grant", 9, ""), ("bury", 5, "a"), ("bury", 4, "a")],
            _balance(settled=9, unsettled=4),
            [],
            [f"{NAME}: a charged twice: booked 4, by the history 5 (line 3)"],
            id="one id for two charges",
        ),
        pytest.param(
            [("grant", 9, ""), ("settle", 9, ""), ("reconcile", 2, "a")],
            _balance(settled=7),
            [],
            [f"{NAME}: reconciled more than was charged for a: booked 2, by the history 0 (line 3)"],
            id="money back without a charge",
        ),
        pytest.param(
            [("grant", 9, ""), ("settle", 9, ""), ("doubt", 5, "a"), ("reconcile", 5, "a"), ("reconcile", 0, "a")],
            _balance(settled=4),
            [],
            [f"{NAME}: reconciled more than was charged for a: booked 0, by the history 0 (line 5)"],
            id="decided twice",
        ),
        pytest.param(
            [("overrun", -3, "1")],
            _balance(settled=-3),
            [],
            [
                f"{NAME}: a negative amount: booked -3, by the history 0 (line 1)",
                f"{NAME}: more unsettled than settled: booked 0, by the history -3",
            ],
            id="a negative amount",
        ),
        pytest.param(
            [("gift", 3, "")],
            _balance(),
            [],
            [f"{NAME}: a line of unknown kind 'gift': booked 3, by the history 0 (line 1)"],
            id="a line that no ledger writes",
        ),
    ],
)
def test_a_difference_is_named(
    steps: list[tuple[str, int, str]], balances: list[Balance], leases: list[Lease], expected: list[str]
) -> None:
    assert [str(found) for found in ledger_differences(_lines(*steps), balances, leases)] == expected


def test_a_history_out_of_order_is_named() -> None:
    first, second = _lines(("grant", 5, ""), ("settle", 5, "1"))

    found = ledger_differences([first, second._replace(number=1)], _balance(settled=5), [])

    assert [str(each) for each in found] == [f"{NAME}: lines out of order: booked 1, by the history 2 (line 1)"]

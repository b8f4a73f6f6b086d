"""What every ledger must do: run `check_ledger` against your own."""
# ruff: noqa: S101, PLR2004  # a conformance suite asserts, and its numbers are facts of the case

from collections.abc import Callable
from dataclasses import dataclass
from typing import Final

from seawall.core.account import Account, Unit
from seawall.core.balance import Balance
from seawall.core.error import LedgerUnavailable, NotFound, Refused
from seawall.core.ledger_check import ledger_differences
from seawall.ports.books import Books, Decision
from seawall.ports.ledger import SHARE, SQUEEZED_S, Grant, Ledger, Move, Short, Unsettled, Want

NOW_S: Final = 1_795_000_000.0
TEAM: Final = Account("team:a@2026-11-21/Europe/Berlin", Unit.NUSD, 1600)
ALL: Final = Account("all@2026-11-21/Europe/Berlin", Unit.NUSD, 100_000)
TOKENS: Final = Account("conversation:k_1/ab12#tokens@lifetime", Unit.TOKENS, 50)


@dataclass(frozen=True, slots=True)
class LedgerUnderTest:
    """A fresh, empty ledger, the same data as another process sees it, and its books."""

    ledger: Ledger
    beside: Ledger
    books: Books


async def check_ledger(make: Callable[[], LedgerUnderTest]) -> None:
    """Check a ledger; `make` is called once for every check.

    Raises:
        AssertionError: the ledger breaks its contract; the message says how.
    """
    for check in CHECKS:
        under = make()
        await check(under)
        assert differences(under.books) == [], "every balance follows from its history"


def differences(books: Books) -> list[str]:
    """Say where the books and their history differ."""
    with books.snapshot():
        found = ledger_differences(books.history(), books.balances(), books.leases())
    return [str(each) for each in found]


def standing(books: Books, account: Account) -> Balance:
    """Give what stands on one account."""
    return next(each for each in books.balances(account.name) if each.name == account.name)


async def exactly(ledger: Ledger, owner: str, account: Account, amount: int) -> Grant | Short:
    """Ask for an amount, no more and no less."""
    return (await ledger.lease(owner, [[Want(account, amount, amount)]], NOW_S))[0]


async def check_shares(under: LedgerUnderTest) -> None:
    """Check how much is given of what is free."""
    ledger, beside, books = under.ledger, under.beside, under.books
    assert await ledger.lease("w1", [], NOW_S) == [], "nothing asked, nothing given"
    assert await ledger.lease("w1", [[]], NOW_S) == [Grant(())], "a call without an account is free"
    first = await ledger.lease("w1", [[Want(TEAM, 10, 5000), Want(TOKENS, 0, 2)]], NOW_S)
    assert first == [Grant((1600 // SHARE, 2))], "one part of what is free, and no more than was asked for"
    assert await beside.lease("w2", [[Want(TEAM, 400, 5000)]], NOW_S) == [Grant((400,))], "but what is needed"
    assert standing(books, TEAM) == Balance(TEAM.name, Unit.NUSD, 1600, 0, 500, 0), "it is charged at once"
    assert standing(books, TOKENS) == Balance(TOKENS.name, Unit.TOKENS, 50, 0, 2, 0), "in the account's own unit"
    assert sorted(await beside.owners()) == ["w1", "w2"], "everybody sees who has leases"

    twice = (await ledger.lease("w1", [[Want(TEAM, 1, 1100), Want(TEAM, 1090, 1090)]], NOW_S))[0]
    assert twice == Grant((10, 1090)), "two wants on one account: the second is sure of what it needs"
    assert await ledger.lease("w1", [[Want(TEAM, 0, 10)]], NOW_S) == [Grant((0,))], "nothing can always be had"
    assert standing(books, TEAM).leased == TEAM.cap, "to the last unit"
    for raised in (Account(TEAM.name, TEAM.unit, 100), TEAM._replace(cap=1601)):
        given = await exactly(ledger, "w1", raised, 1)
        assert isinstance(given, Grant) is (raised.cap > TEAM.cap), "the cap of the latest request counts"
    assert standing(books, TEAM).cap == TEAM.cap + 1, "and is shown"


async def check_refusals(under: LedgerUnderTest) -> None:
    """Check that a request is served in full or not at all, and the next one all the same."""
    ledger, beside, books = under.ledger, under.beside, under.books
    await exactly(beside, "w2", TEAM, 1000)
    asked = [
        [Want(ALL, 5, 5), Want(TEAM, 601, 700), Want(TOKENS, 51, 51)],
        [Want(TOKENS, 30, 30), Want(TOKENS, 21, 21)],
        [Want(ALL, 5, 5), Want(TEAM, 600, 700)],
    ]
    told = await ledger.lease("w1", asked, NOW_S)
    assert told[0] == Short(TEAM, 0, 1000, 1000), "the first account that is short is named, and who has the rest"
    assert told[1] == Short(TOKENS, 0, 0, 0), "two wants on one account are short together"
    assert told[2] == Grant((5, 600)), "what comes after is served"
    assert standing(books, ALL).leased == 5, "of a request that was refused nothing was taken"
    own = await exactly(ledger, "w1", TEAM, 1)
    assert own == Short(TEAM, 0, 1600, 1000), "one's own leases are not elsewhere"


async def check_reports(under: LedgerUnderTest) -> None:
    """Check that what became of leases is booked once, whatever it was."""
    ledger, beside, books = under.ledger, under.beside, under.books
    await exactly(ledger, "w1", TEAM, 1000)
    doubt = Unsettled("attempt 1", NOW_S, "hung_up", "anthropic/model", ((TEAM.name, 40),))
    for each, number in ((ledger, 1), (beside, 1), (ledger, 2)):
        await each.report("w1", number, [Move(TEAM.name, 100, 50)], [doubt], NOW_S)
    assert standing(books, TEAM) == Balance(TEAM.name, Unit.NUSD, 1600, 200, 700, 40), "each number and doubt once"
    await ledger.report("w1", 1, [Move(TEAM.name, 100, 50)], [], NOW_S)
    assert standing(books, TEAM).settled == 200, "a number from before changes nothing"
    [row] = books.unsettled_rows()
    assert (row.unsettled, row.owner, row.decision) == (doubt, "w1", None), "a doubt is kept as it was told"

    await ledger.report("w1", 3, [Move(TEAM.name, 2000, 10)], [], NOW_S)
    assert standing(books, TEAM) == Balance(TEAM.name, Unit.NUSD, 1600, 2200, 0, 40), "what was spent is spent"
    assert [line.amount for line in books.history(TEAM.name) if line.kind == "overrun"] == [1300], "and told apart"
    assert isinstance(await exactly(ledger, "w1", TEAM, 1), Short), "an account beyond its cap gives nothing"
    assert await ledger.lease("w1", [[Want(TEAM, 0, 9)]], NOW_S) == [Grant((0,))], "but nothing can be had of it"
    assert list(await ledger.owners()) == [], "who has given everything back has no lease"
    await ledger.report("w2", 1, [Move(TOKENS.name, 3, 9)], [], NOW_S)
    assert standing(books, TOKENS) == Balance(TOKENS.name, Unit.TOKENS, 0, 3, 0, 0), "without a lease, too"


async def check_squeezes(under: LedgerUnderTest) -> None:
    """Check that whoever holds what another needs hears of it for a minute."""
    ledger, beside = under.ledger, under.beside
    await exactly(ledger, "w1", TEAM, 1600)
    assert list(await ledger.squeezed("w1")) == [], "nobody came short"
    await exactly(beside, "w2", TEAM, 1)
    assert list(await ledger.squeezed("w1")) == [TEAM.name], "whoever holds it hears"
    assert list(await beside.squeezed("w2")) == [], "whoever came short knows"
    await exactly(ledger, "w1", TEAM, 1)
    assert list(await ledger.squeezed("w1")) == [TEAM.name], "coming short oneself changes nothing"
    for later_s, names in ((SQUEEZED_S, [TEAM.name]), (SQUEEZED_S + 2.0, []), (-SQUEEZED_S - 2.0, [])):
        await beside.lease("w3", [[Want(ALL, 1, 1)]], NOW_S + later_s)
        assert list(await ledger.squeezed("w1")) == names, "for a minute, whichever way the clock goes"
    await exactly(beside, "w2", TEAM, 1)
    await ledger.report("w1", 1, [Move(TEAM.name, 0, 1600)], [], NOW_S)
    assert list(await ledger.squeezed("w1")) == [], "who has nothing of it has nothing to hear"


async def check_burials(under: LedgerUnderTest) -> None:
    """Check that a dead worker's leases are charged once, and that it is not heard any more."""
    ledger, beside, books = under.ledger, under.beside, under.books
    await ledger.lease("w1", [[Want(TEAM, 1000, 1000), Want(TOKENS, 20, 20)]], NOW_S)
    await ledger.report("w1", 1, [Move(TEAM.name, 100, 0)], [], NOW_S)
    counts = [await each.bury("w1", NOW_S + 5.0) for each in (beside, ledger)]
    assert counts == [2, 0], "a burial happens once"
    assert standing(books, TEAM) == Balance(TEAM.name, Unit.NUSD, 1600, 1000, 0, 900), "all it had counts as spent"
    [row] = books.unsettled_rows()
    charges = ((TOKENS.name, 20), (TEAM.name, 900))
    assert row.unsettled == Unsettled("crashed:w1", NOW_S + 5.0, "crashed", "", charges), "and waits for a decision"
    await ledger.report("w1", 1, [Move(TEAM.name, 100, 0)], [], NOW_S)
    for refused in (
        ledger.report("w1", 2, [Move(TEAM.name, 500, 400)], [], NOW_S),
        ledger.lease("w1", [[Want(TEAM, 1, 1)]], NOW_S),
    ):
        try:
            await refused
        except LedgerUnavailable:
            continue
        raise AssertionError("who was buried is not heard: what it held is charged already")
    assert standing(books, TEAM).settled == 1000, "nothing counts twice"
    assert await ledger.bury("never seen", NOW_S) == 0, "who had nothing leaves nothing"


async def check_decisions(under: LedgerUnderTest) -> None:
    """Check that a charge in doubt is put right once, by one who says so, within what was charged."""
    ledger, books = under.ledger, under.books
    await ledger.lease("w1", [[Want(TEAM, 100, 100), Want(TOKENS, 20, 20)]], NOW_S)
    doubt = Unsettled("attempt 1", NOW_S, "unknown", "openai/model", ((TEAM.name, 60), (TOKENS.name, 10)))
    await ledger.report("w1", 1, [Move(TEAM.name, 60, 0), Move(TOKENS.name, 10, 0)], [doubt], NOW_S)
    right = {TEAM.name: 25, TOKENS.name: 0}
    for unsettled_id, actual, expected in (
        ("attempt 2", right, NotFound),
        ("attempt 1", {TEAM.name: 25}, Refused),
        ("attempt 1", {**right, ALL.name: 0}, Refused),
        ("attempt 1", {**right, TEAM.name: 61}, Refused),
        ("attempt 1", {**right, TEAM.name: -1}, Refused),
    ):
        assert decided(books, unsettled_id, actual) is expected, "a decision fits what was charged"
    assert standing(books, TEAM).settled == 60, "what was refused changed nothing"

    assert decided(books, "attempt 1", right) is None, "a good decision is booked"
    assert standing(books, TEAM) == Balance(TEAM.name, Unit.NUSD, 1600, 25, 40, 0), "what is over is free again"
    assert standing(books, TOKENS) == Balance(TOKENS.name, Unit.TOKENS, 50, 0, 10, 0), "on every account"
    assert decided(books, "attempt 1", right) is Refused, "and only once"
    assert books.unsettled_rows() == [], "nothing waits"
    [row] = books.unsettled_rows(decided=True)
    assert row.decision == Decision("ann", "the provider's export", NOW_S + 9.0), "who, why and when are kept"
    assert (row.unsettled, dict(row.actual)) == (doubt, right), "beside what was charged and what it cost"


def decided(books: Books, unsettled_id: str, actual: dict[str, int]) -> type[Refused] | None:
    """Decide, and give the kind of the refusal if there is one."""
    try:
        books.reconcile(unsettled_id, actual, "ann", "the provider's export", NOW_S + 9.0)
    except Refused as refusal:
        return type(refusal)
    return None


CHECKS: Final = (check_shares, check_refusals, check_reports, check_squeezes, check_burials, check_decisions)

"""What every store of idempotent answers must do: run `check_answers` against your own."""
# ruff: noqa: S101  # a conformance suite asserts

from collections.abc import Callable
from dataclasses import dataclass
from typing import Final

from seawall.core.kept import Claim, Ending, KeptAnswer, KeptFailure, KeyState
from seawall.ports.answers import ALIVE_S, AnswerStore

NOW_S: Final = 1_795_000_000.0
DAY_S: Final = 86_400.0
PLACE: Final = bytes(range(32))
ANSWER: Final = KeptAnswer(200, ((b"request-id", b"req_\xff"),), bytes(range(256)) * 300, True, 12_345, "model")
FAILURE: Final = KeptFailure("upstream.refused", 529, "too many — try later", "overloaded_error", "detail", "a.b")


@dataclass(frozen=True, slots=True)
class AnswersUnderTest:
    """A fresh, empty store, and the same data as another process sees it."""

    store: AnswerStore
    beside: AnswerStore


def claim(ticket: str, owner: str = "", place: bytes = PLACE, fingerprint: bytes = b"print") -> Claim:
    """Make a claim; its owner is named after it."""
    return Claim(place, fingerprint, owner or f"owner of {ticket}", ticket, f"req_{ticket}")


async def check_answers(make: Callable[[], AnswersUnderTest]) -> None:
    """Check a store; `make` is called once for every check.

    Raises:
        AssertionError: the store breaks its contract; the message says how.
    """
    for check in (check_claims, check_endings, check_owners, check_times):
        await check(make())


async def check_claims(under: AnswersUnderTest) -> None:
    """Check that one of many claims gets the key, and the others the row that is in the way."""
    store, beside = under.store, under.beside
    assert await store.look(PLACE, NOW_S) is None, "a new store is empty"
    claims = [(each, claim(str(number))) for number, each in enumerate([store, beside] * 5)]
    asked = [each.reserve(wanted, NOW_S) for each, wanted in claims]
    rows = [await future for future in asked]

    assert rows.count(None) == 1, "exactly one claim gets the key"
    winner = claims[rows.index(None)][1]
    assert {row.ticket for row in rows if row} == {winner.ticket}, "the others see the claim that has it"
    row = next(row for row in rows if row)
    assert (row.state, row.is_alive, row.answer, row.failure) == (KeyState.RESERVED, True, None, None)
    assert (row.fingerprint, row.owner, row.exchange_id) == (winner.fingerprint, winner.owner, winner.exchange_id)
    assert await beside.reserve(claim("elsewhere", place=b"another place"), NOW_S) is None, "another key is free"

    assert not await store.mark(PLACE, "a stranger", NOW_S + DAY_S), "only the ticket that has the key marks it"
    assert await store.mark(PLACE, winner.ticket, NOW_S + DAY_S), "the winner may send"
    assert not await store.mark(PLACE, winner.ticket, NOW_S + DAY_S), "nothing is marked twice"
    marked = await beside.reserve(claim("late"), NOW_S, over=row)
    assert marked is not None, "what was seen is there no more, so that nothing is taken over"
    assert marked.state is KeyState.DISPATCHED, "the mark shows everywhere"
    assert await beside.reserve(claim("heir"), NOW_S, over=marked) is None, "what was seen is taken over"
    assert not await store.finish(PLACE, winner.ticket, Ending(KeyState.DONE, NOW_S + DAY_S, ANSWER)), (
        "a ticket that lost the key writes nothing"
    )
    assert not await store.release(PLACE, winner.ticket), "and gives nothing back"


async def check_endings(under: AnswersUnderTest) -> None:
    """Check that endings are kept as they were given, and that a key given back is free."""
    store, beside = under.store, under.beside
    for state, answer, failure in (
        (KeyState.DONE, ANSWER, None),
        (KeyState.FAILED, None, FAILURE),
        (KeyState.TOO_LARGE, None, None),
        (KeyState.UNKNOWN, None, None),
    ):
        place = state.value.encode()
        assert await store.reserve(claim("1", place=place), NOW_S) is None
        await store.mark(place, "1", NOW_S + DAY_S)
        assert await store.finish(place, "1", Ending(state, NOW_S + DAY_S, answer, failure)), "the ending is written"
        row = await beside.look(place, NOW_S + 100.0)
        assert row is not None, "an ending outlives its process"
        assert (row.state, row.answer, row.failure) == (state, answer, failure), "byte for byte"
        assert await beside.reserve(claim("2", place=place), NOW_S + 100.0) == row, "and is in the way of the next"

    assert await store.reserve(claim("1"), NOW_S) is None
    assert await store.release(PLACE, "1"), "the key is given back"
    assert await beside.look(PLACE, NOW_S) is None, "as if nobody had used it"
    assert await beside.reserve(claim("2"), NOW_S) is None, "so that the next may run"


async def check_owners(under: AnswersUnderTest) -> None:
    """Check that a process that is not heard of counts as dead, and one that beats does not."""
    store, beside = under.store, under.beside
    await store.reserve(claim("1", owner="first"), NOW_S)
    await store.mark(PLACE, "1", NOW_S + DAY_S)
    for at_s, is_alive in ((ALIVE_S, True), (ALIVE_S + 0.1, False), (-ALIVE_S - 0.1, False)):
        row = await beside.look(PLACE, NOW_S + at_s)
        assert row is not None, "the mark stands in either case"
        assert row.is_alive is is_alive, "two seconds without a beat are a death, whichever way the clock went"
    await store.beat("first", NOW_S + 60.0)
    row = await beside.look(PLACE, NOW_S + 61.0)
    assert row is not None, "still there"
    assert row.is_alive, "a beat revives"


async def check_times(under: AnswersUnderTest) -> None:
    """Check that what is over counts as none and is purged, and that what still runs is neither."""
    store, beside = under.store, under.beside
    ended, sent, running, claimed = (name.encode() for name in ("ended", "sent", "running", "claimed"))
    await store.reserve(claim("1", place=ended), NOW_S)
    await store.finish(ended, "1", Ending(KeyState.DONE, NOW_S + 10.0, ANSWER))
    await store.reserve(claim("2", place=sent), NOW_S)
    await store.mark(sent, "2", NOW_S + 10.0)
    await store.reserve(claim("3", "living", running), NOW_S)
    await store.mark(running, "3", NOW_S + 10.0)
    await store.reserve(claim("4", place=claimed), NOW_S)
    await store.beat("living", NOW_S + 10.0)

    assert await beside.look(ended, NOW_S + 9.9) is not None, "kept to the end of its time"
    assert await beside.look(ended, NOW_S + 10.0) is None, "and no longer"
    assert await beside.look(sent, NOW_S + 10.0) is None, "nor is a mark whose process is dead"
    assert await beside.look(claimed, NOW_S + 10.0) is None, "a dead claim sent nothing"
    row = await beside.look(running, NOW_S + 10.0)
    assert row is not None, "a call that runs is never over"
    dropped = [await beside.purge(NOW_S + after_s) for after_s in (5.0, 10.0, 10.0)]
    assert dropped == [1, 2, 0], "what counts as none is dropped once: the dead claim first, the others in their time"
    assert await store.look(running, NOW_S + 10.0) == row, "and nothing else"
    assert await beside.reserve(claim("5", place=ended), NOW_S + 10.0) is None, "the key is free again"

import asyncio
from collections.abc import Iterator
from pathlib import Path

import apsw
import pytest

from seawall.core.error import Unavailable
from seawall.core.spending import HourSpend, Mark, SpendAlert, SpendingPast
from seawall.ports.spending import SpendingTurn
from seawall.stores.sqlite.spending import KEEP_S, MOST_ALERTS, STEPS, SqliteSpending, read_spending

NOW_S = 1_795_219_200.0
ALERT = SpendAlert("burn x 1", "burn x", "burn", "page", "all@2026-11/UTC", NOW_S, "it burns", {"burn": 14.4})
HOUR = HourSpend("all@month/UTC", int(NOW_S), 5)
MARK = Mark("all@2026-11/UTC", "all@month/UTC", 5, NOW_S)


@pytest.fixture
def path(tmp_path: Path) -> Path:
    return tmp_path / "state" / "spending.db"


@pytest.fixture
def store(path: Path) -> Iterator[SqliteSpending]:
    opened = SqliteSpending(path)
    yield opened
    opened.close()


async def test_nothing_is_remembered_of_nothing(store: SqliteSpending, path: Path) -> None:
    assert read_spending(path, NOW_S) == SpendingPast()
    assert await store.load(NOW_S) == SpendingPast([], [], [])


async def test_what_was_kept_comes_back(store: SqliteSpending, path: Path) -> None:
    new = await store.keep(SpendingTurn([HOUR], [MARK], [ALERT]), NOW_S)

    assert new == {ALERT.id}
    assert await store.load(NOW_S) == SpendingPast([HOUR], [MARK], [ALERT])
    assert read_spending(path, NOW_S) == SpendingPast([HOUR], [MARK], [ALERT])


async def test_what_is_kept_again_replaces_what_was(store: SqliteSpending) -> None:
    await store.keep(SpendingTurn([HOUR], [MARK]), NOW_S)
    hour, mark = HOUR._replace(spent=9), MARK._replace(spent=9)

    await store.keep(SpendingTurn([hour], [mark]), NOW_S)

    assert await store.load(NOW_S) == SpendingPast([hour], [mark], [])


async def test_an_alert_is_new_once_and_ends_in_its_place(store: SqliteSpending) -> None:
    await store.keep(SpendingTurn(alerts=[ALERT]), NOW_S)
    ended = ALERT._replace(ended_at_s=NOW_S + 60)

    assert await store.keep(SpendingTurn(alerts=[ALERT]), NOW_S) == frozenset()
    assert await store.keep(SpendingTurn(alerts=[ended]), NOW_S + 60) == frozenset()

    assert (await store.load(NOW_S)).alerts == [ended]


async def test_the_same_trouble_seen_by_another_process_is_not_new(store: SqliteSpending, path: Path) -> None:
    other = SqliteSpending(path)
    await store.keep(SpendingTurn(alerts=[ALERT]), NOW_S)
    theirs = ALERT._replace(id="burn x 2", at_s=NOW_S + 5)

    assert await other.keep(SpendingTurn(alerts=[theirs]), NOW_S + 5) == frozenset()
    ended = theirs._replace(ended_at_s=NOW_S + 60)
    assert await other.keep(SpendingTurn(alerts=[ended, ended]), NOW_S + 60) == frozenset()
    other.close()

    assert (await store.load(NOW_S)).alerts == [ALERT._replace(ended_at_s=NOW_S + 60)]


async def test_the_next_episode_of_a_trouble_is_new(store: SqliteSpending) -> None:
    await store.keep(SpendingTurn(alerts=[ALERT._replace(ended_at_s=NOW_S + 60)]), NOW_S)
    again = ALERT._replace(id="burn x 3", at_s=NOW_S + 90)

    assert await store.keep(SpendingTurn(alerts=[again]), NOW_S + 90) == {again.id}


async def test_ten_weeks_are_remembered(store: SqliteSpending) -> None:
    await store.keep(SpendingTurn([HOUR], [MARK], [ALERT]), NOW_S)

    await store.keep(SpendingTurn(), NOW_S + KEEP_S + 3600)

    assert await store.load(NOW_S) == SpendingPast([], [], [])


async def test_alerts_are_bounded_in_number(store: SqliteSpending) -> None:
    many = [ALERT._replace(id=str(n), key=str(n), at_s=NOW_S + n) for n in range(MOST_ALERTS + 5)]

    await store.keep(SpendingTurn(alerts=many), NOW_S)

    kept = (await store.load(NOW_S)).alerts
    assert (len(kept), kept[0].id, kept[-1].id) == (MOST_ALERTS, "5", str(MOST_ALERTS + 4))


def _spoil(path: Path) -> None:
    path.parent.mkdir()
    path.write_bytes(b"this is no database at all" * 100)


async def test_a_failure_is_not_the_end(store: SqliteSpending, path: Path) -> None:
    _spoil(path)
    with pytest.raises(Unavailable, match="cannot use the store of spending"):
        await store.load(NOW_S)
    with pytest.raises(Unavailable, match="cannot read the store of spending"):
        read_spending(path, NOW_S)
    await asyncio.to_thread(path.unlink)

    assert await store.load(NOW_S) == SpendingPast([], [], [])


async def test_a_row_that_somebody_edited_changes_nothing(store: SqliteSpending, path: Path) -> None:
    await store.keep(SpendingTurn(alerts=[ALERT]), NOW_S)
    db = apsw.Connection(str(path))
    db.execute("UPDATE alerts SET figures = 'no JSON'")
    db.close()

    with pytest.raises(Unavailable):
        await store.load(NOW_S)
    assert await store.keep(SpendingTurn([HOUR]), NOW_S) == frozenset()


async def test_a_newer_schema_is_left_alone(store: SqliteSpending, path: Path) -> None:
    await store.load(NOW_S)
    db = apsw.Connection(str(path))
    db.pragma("user_version", len(STEPS) + 1)
    db.close()

    with pytest.raises(Unavailable, match="use the newer one"):
        await SqliteSpending(path).load(NOW_S)


async def test_a_wait_that_is_cancelled_leaves_its_work(store: SqliteSpending) -> None:
    kept = store.keep(SpendingTurn([HOUR]), NOW_S)
    kept.cancel()
    await asyncio.sleep(0)

    assert (await store.load(NOW_S)).hours == [HOUR]


async def test_a_store_that_is_closed_says_so(store: SqliteSpending) -> None:
    store.close()
    store.close()

    with pytest.raises(Unavailable, match="is closed"):
        await store.load(NOW_S)

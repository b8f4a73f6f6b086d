import asyncio
import signal
import stat
import sys
from collections.abc import Awaitable, Callable, Iterator
from pathlib import Path

import apsw
import pytest

from seawall.core.error import Unavailable
from seawall.core.kept import Ending, KeyState
from seawall.stores.sqlite.answers import STEPS, SqliteAnswers
from seawall.testing.answers import (
    ANSWER,
    DAY_S,
    NOW_S,
    PLACE,
    AnswersUnderTest,
    check_answers,
    check_claims,
    check_endings,
    check_owners,
    check_times,
    claim,
)


@pytest.fixture
def make(tmp_path: Path) -> Iterator[Callable[[], AnswersUnderTest]]:
    opened: list[SqliteAnswers] = []

    def fresh() -> AnswersUnderTest:
        path = tmp_path / str(len(opened)) / "answers.db"
        store, beside = SqliteAnswers(path), SqliteAnswers(path)
        opened.extend((store, beside))
        return AnswersUnderTest(store, beside)

    yield fresh
    for each in opened:
        each.close()


@pytest.fixture
def path(tmp_path: Path) -> Path:
    return tmp_path / "state" / "answers.db"


@pytest.mark.parametrize("check", [check_claims, check_endings, check_owners, check_times])
async def test_sqlite_keeps_the_contract_of_answers(
    make: Callable[[], AnswersUnderTest], check: Callable[[AnswersUnderTest], Awaitable[None]]
) -> None:
    await check(make())


async def test_the_whole_suite_runs_in_one_call(make: Callable[[], AnswersUnderTest]) -> None:
    await check_answers(make)


async def test_an_answer_outlives_its_store(path: Path) -> None:
    first = SqliteAnswers(path)
    await first.reserve(claim("1"), NOW_S)
    await first.finish(PLACE, "1", Ending(KeyState.DONE, NOW_S + DAY_S, ANSWER))
    first.close()

    second = SqliteAnswers(path)
    row = await second.look(PLACE, NOW_S + 60.0)
    second.close()

    assert row is not None
    assert row.answer == ANSWER


async def test_work_that_nobody_waits_for_is_done_before_the_store_closes(path: Path) -> None:
    store = SqliteAnswers(path)
    claimed, marked = store.reserve(claim("1"), NOW_S), store.mark(PLACE, "1", NOW_S + DAY_S)
    claimed.cancel()
    marked.cancel()
    await asyncio.sleep(0)
    await asyncio.to_thread(store.close)
    store.close()

    second = SqliteAnswers(path)
    row = await second.look(PLACE, NOW_S)
    second.close()

    assert row is not None
    assert row.state is KeyState.DISPATCHED


async def test_a_closed_store_says_so(path: Path) -> None:
    store = SqliteAnswers(path)
    store.close()

    with pytest.raises(Unavailable, match="is closed"):
        await store.look(PLACE, NOW_S)


async def test_the_file_is_its_owners_alone(path: Path) -> None:
    store = SqliteAnswers(path)
    await store.reserve(claim("1"), NOW_S)
    modes = {stat.S_IMODE(file.stat().st_mode) for file in path.parent.iterdir()}
    store.close()

    assert modes == {0o600}


def test_a_file_that_is_no_database_cannot_be_opened(path: Path) -> None:
    path.parent.mkdir()
    path.write_bytes(b"this is no database at all, however long one reads it" * 20)

    with pytest.raises(Unavailable, match="cannot open the answer store"):
        SqliteAnswers(path)


def test_a_newer_version_is_left_alone(path: Path) -> None:
    SqliteAnswers(path).close()
    db = apsw.Connection(str(path))
    db.pragma("user_version", len(STEPS) + 1)
    db.close()

    with pytest.raises(Unavailable, match="newer"):
        SqliteAnswers(path)


@pytest.mark.parametrize("column", ["answer = x'c1'", "state = 'forged'"])
async def test_a_row_that_somebody_edited_is_no_answer(path: Path, column: str) -> None:
    store = SqliteAnswers(path)
    await store.reserve(claim("1"), NOW_S)
    await store.finish(PLACE, "1", Ending(KeyState.DONE, NOW_S + DAY_S, ANSWER))
    db = apsw.Connection(str(path))
    db.execute(f"UPDATE answers SET {column}")  # noqa: S608  # the test's own words
    db.close()

    with pytest.raises(Unavailable, match="cannot use the answer store"):
        await store.look(PLACE, NOW_S)
    store.close()


async def test_a_write_that_fails_changes_nothing(path: Path) -> None:
    store = SqliteAnswers(path)
    await store.reserve(claim("1"), NOW_S)
    db = apsw.Connection(str(path))
    db.execute("CREATE TRIGGER full BEFORE UPDATE ON answers BEGIN SELECT RAISE(ABORT, 'the disk is full'); END")

    with pytest.raises(Unavailable, match="the disk is full"):
        await store.mark(PLACE, "1", NOW_S + DAY_S)
    db.execute("DROP TRIGGER full")
    db.close()
    row = await store.look(PLACE, NOW_S)
    store.close()

    assert row is not None
    assert row.state is KeyState.RESERVED


async def test_processes_that_are_long_gone_are_forgotten(path: Path) -> None:
    store = SqliteAnswers(path)
    await store.beat("long gone", NOW_S - DAY_S)
    await store.beat("here", NOW_S)

    await store.purge(NOW_S)

    db = apsw.Connection(str(path))
    owners = [owner for (owner,) in db.execute("SELECT owner FROM owners")]
    db.close()
    store.close()
    assert owners == ["here"]


async def test_a_mark_outlives_a_process_that_is_killed_right_after_it(path: Path) -> None:
    script = f"""
import asyncio, os, signal
from pathlib import Path
from seawall.stores.sqlite.answers import SqliteAnswers
from seawall.testing.answers import DAY_S, NOW_S, PLACE, claim

async def main():
    store = SqliteAnswers(Path({str(path)!r}))
    await store.reserve(claim("1"), NOW_S)
    assert await store.mark(PLACE, "1", NOW_S + DAY_S)
    os.kill(os.getpid(), signal.SIGKILL)

asyncio.run(main())
"""
    killed = await asyncio.create_subprocess_exec(sys.executable, "-c", script)
    assert await killed.wait() == -signal.SIGKILL

    store = SqliteAnswers(path)
    alive, dead = await store.look(PLACE, NOW_S + 1.0), await store.look(PLACE, NOW_S + 3.0)
    in_the_way = await store.reserve(claim("2"), NOW_S + 3.0)
    store.close()

    assert alive is not None
    assert dead is not None
    assert (alive.state, alive.is_alive) == (KeyState.DISPATCHED, True)
    assert (dead.state, dead.is_alive) == (KeyState.DISPATCHED, False)
    assert in_the_way == dead

import asyncio
import stat
import sys
from collections.abc import Awaitable, Callable, Iterator
from pathlib import Path

import apsw
import pytest
from hypothesis import given
from hypothesis import strategies as st

from seawall.core.error import LedgerUnavailable
from seawall.core.rate import Bucket, Rate
from seawall.ports.buckets import Buckets, Taken, Wait
from seawall.stores.memory.buckets import MemoryBuckets
from seawall.stores.sqlite.buckets import MOST_WAITING, STEPS, SqliteBuckets
from seawall.testing.buckets import (
    CALLS,
    NOW_S,
    BucketsUnderTest,
    check_buckets,
    check_clocks,
    check_debts,
    check_put_back,
    check_taking,
    check_waits,
)

# One worker: it asks over ten seconds of a virtual clock, and says how much it got.
WORKER = """
import asyncio, sys
from pathlib import Path
from seawall.core.rate import Bucket, Rate
from seawall.ports.buckets import Taken
from seawall.stores.sqlite.buckets import SqliteBuckets

async def main():
    store, bucket, got = SqliteBuckets(Path(sys.argv[1])), Bucket("all#requests", Rate(600, 50)), 0
    sys.stdout.write("ready\\n"); sys.stdout.flush(); sys.stdin.readline()
    for step in range(101):
        asked = [store.take(bucket, 1, 1, 1_795_000_000.0 + step / 10) for _ in range(4)]
        got += len([1 for answer in asked if isinstance(await answer, Taken)])
        # All workers go through the same moments together, or the slowest would find what the quickest left it.
        sys.stdout.write("step\\n"); sys.stdout.flush(); sys.stdin.readline()
    store.close()
    sys.stdout.write(f"{got}\\n")

asyncio.run(main())
"""


@pytest.fixture
def make(tmp_path: Path) -> Iterator[Callable[[], BucketsUnderTest]]:
    opened: list[SqliteBuckets] = []

    def fresh() -> BucketsUnderTest:
        path = tmp_path / str(len(opened)) / "limits.db"
        store, beside = SqliteBuckets(path), SqliteBuckets(path)
        opened.extend((store, beside))
        return BucketsUnderTest(store, beside)

    yield fresh
    for each in opened:
        each.close()


@pytest.fixture
def path(tmp_path: Path) -> Path:
    return tmp_path / "state" / "limits.db"


@pytest.mark.parametrize("check", [check_taking, check_waits, check_debts, check_put_back, check_clocks])
async def test_sqlite_keeps_the_contract_of_buckets(
    make: Callable[[], BucketsUnderTest], check: Callable[[BucketsUnderTest], Awaitable[None]]
) -> None:
    await check(make())


async def test_the_whole_suite_runs_in_one_call(make: Callable[[], BucketsUnderTest]) -> None:
    await check_buckets(make)


Wish = tuple[str, int, int, float]
wishes = st.lists(
    st.tuples(
        st.sampled_from(["take", "put_back", "charge", "look"]),
        st.integers(1, 20),
        st.integers(0, 20),
        st.one_of(st.floats(0, 40), st.floats(-4000, 4000)),
    ),
    max_size=30,
)


async def answers(store: Buckets, bucket: Bucket, asked: list[Wish]) -> list[object]:
    found: list[object] = []
    for what, units, more, at_s in asked:
        if what == "take":
            found.append(await store.take(bucket, units, units + more, NOW_S + at_s))
        elif what == "look":
            found.append(await store.look(bucket, units, NOW_S + at_s))
        else:
            change = store.put_back if what == "put_back" else store.charge
            await change(bucket, units, NOW_S + at_s)
    return found


@given(asked=wishes, per_minute=st.integers(1, 1000), burst=st.integers(1, 30))
def test_it_answers_as_the_store_in_memory_does(
    tmp_path_factory: pytest.TempPathFactory, asked: list[Wish], per_minute: int, burst: int
) -> None:
    bucket = Bucket("all#requests", Rate(per_minute, burst))
    store = SqliteBuckets(tmp_path_factory.mktemp("rates") / "limits.db")
    try:
        found = asyncio.run(answers(store, bucket, asked))
    finally:
        store.close()

    assert found == asyncio.run(answers(MemoryBuckets(), bucket, asked))


async def test_four_processes_together_get_exactly_what_the_rate_allows(path: Path) -> None:
    pipe = asyncio.subprocess.PIPE
    workers = [
        await asyncio.create_subprocess_exec(sys.executable, "-c", WORKER, str(path), stdin=pipe, stdout=pipe)
        for _ in range(4)
    ]
    last = [b""] * 4
    for _ in range(102):
        for number, worker in enumerate(workers):
            assert worker.stdout is not None
            last[number] = await worker.stdout.readline()
        for worker in workers:
            assert worker.stdin is not None
            worker.stdin.write(b"\n")
    counts = []
    for worker in workers:
        assert worker.stdout is not None
        counts.append(int(await worker.stdout.readline()))
        assert await worker.wait() == 0

    assert sum(counts) == 50 + 600 * 10 // 60


async def test_what_was_taken_outlives_the_process(path: Path) -> None:
    first = SqliteBuckets(path)
    await first.take(CALLS, 10, 10, NOW_S)
    first.close()

    second = SqliteBuckets(path)
    answer = await second.take(CALLS, 1, 1, NOW_S)
    second.close()

    assert answer == Wait(NOW_S + 1.0)


async def test_full_buckets_are_forgotten_and_the_others_are_not(path: Path) -> None:
    store, once = SqliteBuckets(path), Rate(60, 1)
    for number in range(4000):
        store.take(Bucket(f"user:{number}", once), 1, 1, NOW_S)
        if number % 1000 == 999:
            await store.take(Bucket("user:last of a thousand", once), 1, 1, NOW_S)
    for number in range(1000):
        await store.take(Bucket("all", Rate(60_000, 1000)), 1, 1, NOW_S + 60.0 + 0.001 * number)
    await store.take(Bucket("user:new", once), 1, 1, NOW_S + 62.0)
    store.close()

    db = apsw.Connection(str(path))
    names = {name for (name,) in db.execute("SELECT name FROM buckets")}
    db.close()
    assert names == {"all", "user:new"}


async def test_a_closed_store_says_so(path: Path) -> None:
    store = SqliteBuckets(path)
    store.close()
    store.close()

    with pytest.raises(LedgerUnavailable, match="are closed"):
        await store.take(CALLS, 1, 1, NOW_S)


async def test_what_waits_while_the_store_closes_is_told(path: Path) -> None:
    store = SqliteBuckets(path)
    begun, waiting = store.take(CALLS, 1, 1, NOW_S), store.take(CALLS, 1, 1, NOW_S)
    await asyncio.to_thread(store.close)

    assert await begun == Taken(1)
    with pytest.raises(LedgerUnavailable, match="are closed"):
        await waiting


async def test_too_many_that_wait_are_refused(path: Path) -> None:
    store = SqliteBuckets(path)
    asked = [store.look(CALLS, 1, NOW_S) for _ in range(MOST_WAITING + 2)]

    with pytest.raises(LedgerUnavailable, match="wait for the rates"):
        await asked[-1]
    assert await asked[-2] == NOW_S
    store.close()


async def test_a_cancelled_wait_disturbs_nobody(path: Path) -> None:
    store = SqliteBuckets(path)
    asked = [store.take(CALLS, 1, 1, NOW_S) for _ in range(3)]
    asked[0].cancel()
    asked[1].cancel()

    assert await asked[2] == Taken(1)
    store.close()


def test_it_serves_one_loop_after_another(path: Path) -> None:
    store = SqliteBuckets(path)

    async def leave() -> None:
        store.take(CALLS, 1, 1, NOW_S)

    async def ask() -> object:
        return await store.take(CALLS, 10, 10, NOW_S)

    asyncio.run(leave())
    answer = asyncio.run(ask())
    store.close()

    assert answer == Wait(NOW_S + 1.0)


async def test_the_file_is_its_owners_alone(path: Path) -> None:
    store = SqliteBuckets(path)
    await store.take(CALLS, 1, 1, NOW_S)
    modes = {stat.S_IMODE(file.stat().st_mode) for file in path.parent.iterdir()}
    store.close()

    assert modes == {0o600}


def test_a_file_that_is_no_database_cannot_be_opened(path: Path) -> None:
    path.parent.mkdir()
    path.write_bytes(b"this is no database at all, however long one reads it" * 20)

    with pytest.raises(LedgerUnavailable, match="cannot open the rates"):
        SqliteBuckets(path)


def test_a_newer_version_is_left_alone(path: Path) -> None:
    SqliteBuckets(path).close()
    db = apsw.Connection(str(path))
    db.pragma("user_version", len(STEPS) + 1)
    db.close()

    with pytest.raises(LedgerUnavailable, match="newer"):
        SqliteBuckets(path)


async def test_a_write_that_fails_changes_nothing_and_says_so(path: Path) -> None:
    store = SqliteBuckets(path)
    await store.take(CALLS, 4, 4, NOW_S)
    db = apsw.Connection(str(path))
    db.execute("CREATE TRIGGER full BEFORE UPDATE ON buckets BEGIN SELECT RAISE(ABORT, 'the disk is full'); END")

    with pytest.raises(LedgerUnavailable, match="the disk is full"):
        await store.take(CALLS, 1, 1, NOW_S)
    db.execute("DROP TRIGGER full")
    db.close()

    assert await store.take(CALLS, 1, 100, NOW_S) == Taken(6)
    store.close()


async def test_a_lock_that_somebody_keeps_is_not_waited_for_without_end(path: Path) -> None:
    store = SqliteBuckets(path, busy_s=0.01)
    db = apsw.Connection(str(path))
    db.execute("BEGIN IMMEDIATE")

    with pytest.raises(LedgerUnavailable, match="locked"):
        await store.take(CALLS, 1, 1, NOW_S)
    db.execute("ROLLBACK")
    db.close()

    assert await store.take(CALLS, 1, 1, NOW_S) == Taken(1)
    store.close()

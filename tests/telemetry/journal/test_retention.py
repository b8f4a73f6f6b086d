from datetime import UTC, date, datetime, timedelta
from pathlib import Path

import pytest
from hypothesis import given
from hypothesis import strategies as st

from seawall.telemetry.journal.retention import Keep, expired, sweep

NOON_S = datetime(2026, 11, 21, 12, tzinfo=UTC).timestamp()


def files_of(day: str) -> list[str]:
    return [f"calls-{day}.db", f"calls-{day}.db-wal", f"calls-{day}.0.jsonl", f"calls-{day}.db.corrupt-1"]


def test_a_day_goes_when_its_last_moment_is_older_than_its_clock_allows() -> None:
    names = [*files_of("20261118"), *files_of("20261119"), *files_of("20261120"), *files_of("20261121")]

    assert expired(names, NOON_S, Keep(metadata_days=2)) == sorted(files_of("20261118"))
    assert expired(names, NOON_S, Keep(metadata_days=3)) == []


def test_bodies_have_a_clock_of_their_own() -> None:
    names = ["calls-20261120.db", "bodies-20261120.db", "bodies-20261121.db"]

    assert expired(names, NOON_S, Keep(metadata_days=90, bodies_days=0)) == ["bodies-20261120.db"]


@pytest.mark.parametrize(
    "name",
    ["keys.db", "pepper", "calls.lock", "calls-2026.db", "calls-20200101", "xcalls-20200101.db", "notes-20200101.db"],
)
def test_other_files_are_never_named(name: str) -> None:
    assert expired([name], NOON_S, Keep(0, 0)) == []


def test_a_database_goes_before_its_log() -> None:
    names = ["calls-20200101.db-wal", "calls-20200101.db-shm", "calls-20200101.db"]

    assert expired(names, NOON_S, Keep())[0] == "calls-20200101.db"


@given(
    ages=st.lists(st.integers(0, 400), max_size=30), keep=st.builds(Keep, st.integers(0, 10**9), st.integers(0, 10**9))
)
def test_exactly_what_is_too_old_goes(ages: list[int], keep: Keep) -> None:
    today = date(2026, 11, 21)
    names = {f"calls-{today - timedelta(days=age):%Y%m%d}.db": age for age in ages}

    gone = expired(names, NOON_S, keep)

    assert set(gone) == {name for name, age in names.items() if age > keep.metadata_days}


def test_a_sweep_deletes_and_says_what(tmp_path: Path) -> None:
    for name in ("calls-20200101.db", "calls-20261121.db", "keys.db"):
        (tmp_path / name).touch()
    (tmp_path / "calls-20200102.db").mkdir()  # cannot be unlinked

    assert sweep(tmp_path, NOON_S, Keep()) == ["calls-20200101.db"]

    assert sorted(path.name for path in tmp_path.iterdir()) == ["calls-20200102.db", "calls-20261121.db", "keys.db"]


def test_a_sweep_of_nothing_does_nothing(tmp_path: Path) -> None:
    assert sweep(tmp_path / "nowhere", NOON_S, Keep()) == []

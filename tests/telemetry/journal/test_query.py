import time
from collections.abc import Callable, Iterator
from pathlib import Path

import apsw
import pytest

from seawall.core.error import NotFound, Refused
from seawall.core.key import key_text
from seawall.core.record import CallRecord
from seawall.telemetry.journal.query import Archive, CallFilter, every
from seawall.telemetry.journal.writer import Writer, WriterSettings
from seawall.telemetry.period import DAY_S, Period
from seawall.telemetry.scrub import Scrubber
from seawall.testing.clock import START_WALL_S, FakeClock

Make = Callable[..., CallRecord]
NOON_S = START_WALL_S + DAY_S / 2
EVER = Period()


@pytest.fixture
def writer(tmp_path: Path) -> Iterator[Writer]:
    with Writer(tmp_path, Scrubber(), FakeClock(), WriterSettings(slot=1, linger_s=0.0)) as opened:
        yield opened


@pytest.fixture
def archive(tmp_path: Path) -> Archive:
    return Archive(tmp_path)


def put(writer: Writer, *records: CallRecord) -> None:
    for record in records:
        writer.write(record)
    assert writer.flush(10.0)


def test_records_come_back_as_they_went_in_the_newest_last(writer: Writer, archive: Archive, record: Make) -> None:
    made = [record(at_s=START_WALL_S + i * DAY_S / 3) for i in range(9)]
    put(writer, *made)

    assert archive.records(EVER, CallFilter(), 100) == made
    assert archive.records(EVER, CallFilter(), 4) == made[-4:]


def test_a_period_has_its_first_instant_and_not_its_last(writer: Writer, archive: Archive, record: Make) -> None:
    made = [record(at_s=NOON_S + i * DAY_S) for i in range(5)]
    put(writer, *made)

    assert archive.records(Period(NOON_S + DAY_S, NOON_S + 3 * DAY_S), CallFilter(), 100) == made[1:3]
    assert archive.records(Period(NOON_S + 3 * DAY_S), CallFilter(), 100) == made[3:]


@pytest.mark.parametrize(
    ("wanted", "fields"),
    [
        pytest.param(CallFilter(route="/ai/x"), {"route": "/ai/x"}, id="route"),
        pytest.param(CallFilter(team="x"), {"team": "x"}, id="team"),
        pytest.param(CallFilter(project="x"), {"project": "x"}, id="project"),
        pytest.param(CallFilter(user="ab" * 16), {"user": "ab" * 16}, id="user"),
        pytest.param(CallFilter(feature="x"), {"feature": "x"}, id="feature"),
        pytest.param(CallFilter(key_id="key_1"), {"key_id": "key_1"}, id="key"),
        pytest.param(CallFilter(provider="x"), {"provider": "x"}, id="provider"),
        pytest.param(CallFilter(model="x"), {"model": "x"}, id="model"),
        pytest.param(CallFilter(model="openai/x"), {"provider": "openai", "model": "x"}, id="provider and model"),
        pytest.param(CallFilter(model="meta/x"), {"model": "meta/x"}, id="model with a slash"),
        pytest.param(CallFilter(outcome="failed"), {"outcome": "failed"}, id="outcome"),
        pytest.param(CallFilter(error="a.b"), {"error": "a.b"}, id="error"),
        pytest.param(CallFilter(error="a.b"), {"error": "a.b.c"}, id="beginning of an error"),
        pytest.param(CallFilter(team="'; --", model="%"), {"team": "'; --", "model": "%"}, id="no text is SQL"),
    ],
)
def test_a_filter_takes_what_it_says(
    writer: Writer, archive: Archive, record: Make, wanted: CallFilter, fields: dict[str, str]
) -> None:
    hit = record(**fields)
    put(writer, record(error="a.bc"), hit, record(error="x.a.b"))

    assert archive.records(EVER, wanted, 10) == [hit]


def test_a_call_is_found_by_its_id_or_a_beginning_that_fits_no_other(
    writer: Writer, archive: Archive, record: Make
) -> None:
    made = [record(id=f"req_{text}", at_s=NOON_S + i * DAY_S) for i, text in enumerate(["aa1", "aa2", "ab", "aa"])]
    put(writer, *made)

    assert archive.find("req_aa1") == made[0]
    assert archive.find("req_ab") == made[2]
    assert archive.find("req_aa") == made[3], "a whole id is found though others begin with it"
    with pytest.raises(Refused, match=r"'req_a' fits req_.* and req_.*: give more of the id"):
        archive.find("req_a")


@pytest.mark.parametrize("wanted", ["", "req_none", "%", "_", "\U0010ffff"])
def test_an_unknown_id_is_named(writer: Writer, archive: Archive, record: Make, wanted: str) -> None:
    put(writer, record())

    with pytest.raises(NotFound, match="`seawall calls` lists them"):
        archive.find(wanted)


def test_a_key_in_the_place_of_an_id_is_not_repeated(archive: Archive) -> None:
    key = key_text(bytes(range(32)))

    with pytest.raises(NotFound) as caught:
        archive.find(key)

    assert key[3:20] not in str(caught.value)


def test_many_calls_are_found_by_their_ids_at_once(writer: Writer, archive: Archive, record: Make) -> None:
    # Day by day, as calls come: a day file is opened anew for every record where three days take turns.
    made = [record(id=f"req_{number:04}", at_s=NOON_S + number // 240 * DAY_S) for number in range(700)]
    put(writer, *made)
    ids = [f"req_{number:04}" for number in range(1, 800, 2)]

    found = archive.named(ids, EVER)

    assert found == {call.id: call for call in made[1::2]}
    assert list(archive.named(ids, Period(NOON_S + 2 * DAY_S, NOON_S + 2 * DAY_S + 1))) == [
        call.id for call in made[1::2] if call.at_s == NOON_S + 2 * DAY_S
    ]
    assert archive.named([], EVER) == {}


def test_where_nothing_is_there_is_nothing(tmp_path: Path) -> None:
    archive = Archive(tmp_path / "nowhere")

    assert archive.records(EVER, CallFilter(), 10) == []
    assert archive.troubles == {}


def test_a_file_that_cannot_be_read_is_passed_over_and_named(
    writer: Writer, archive: Archive, record: Make, tmp_path: Path
) -> None:
    made = record()
    put(writer, made)
    (tmp_path / "calls-20261120.db").write_bytes(b"torn by a crash" * 999)
    (tmp_path / "calls-20261119.db").touch()  # a worker is just about to create its table
    (tmp_path / "calls-20261118.db.corrupt-1").touch()
    (tmp_path / "calls-20261118.db.corrupt-1-wal").touch()

    assert archive.records(EVER, CallFilter(), 10) == [made]

    assert set(archive.troubles) == {"calls-20261120.db", "calls-20261118.db.corrupt-1"}
    assert "set aside" in archive.troubles["calls-20261118.db.corrupt-1"]
    assert Archive(tmp_path).days(Period(NOON_S)) == ["20261121"]


def test_a_file_of_a_newer_version_is_passed_over(
    writer: Writer, archive: Archive, record: Make, tmp_path: Path
) -> None:
    put(writer, record())
    writer.close()
    newer = apsw.Connection(str(tmp_path / "calls-20261121.db"))
    newer.pragma("user_version", 2)
    newer.close()

    assert archive.records(EVER, CallFilter(), 10) == []
    assert "schema version 2" in archive.troubles["calls-20261121.db"]


def test_a_record_that_is_none_is_passed_over(writer: Writer, archive: Archive, record: Make, tmp_path: Path) -> None:
    made = [record(), record()]
    put(writer, *made)
    editor = apsw.Connection(str(tmp_path / "calls-20261121.db"))
    editor.execute("UPDATE calls SET record = '{' WHERE seq = 1")
    editor.close()

    assert archive.records(EVER, CallFilter(), 10) == made[1:]
    assert "cannot be read" in archive.troubles["calls-20261121.db"]


def test_a_reader_never_keeps_a_writer_waiting(writer: Writer, archive: Archive, record: Make, tmp_path: Path) -> None:
    put(writer, *(record() for _ in range(10)))
    reader = apsw.Connection(str(tmp_path / "calls-20261121.db"), flags=apsw.SQLITE_OPEN_READONLY)
    cursor = iter(reader.execute("SELECT id FROM calls"))
    next(cursor)  # in the middle of reading

    put(writer, *(record() for _ in range(10)))

    assert writer.state().sinks[1].failures == 0
    assert len(archive.records(EVER, CallFilter(), 100)) == 20
    assert len(list(cursor)) == 9, "and it reads on what was there when it began"
    reader.close()


def test_following_gives_what_comes_and_crosses_midnight(writer: Writer, tmp_path: Path, record: Make) -> None:
    put(writer, record())
    new = [record(team="a"), record(team="b"), record(team="a", at_s=NOON_S + DAY_S)]
    late = record(team="a", at_s=NOON_S)
    clock = FakeClock(wall_s=NOON_S)
    events = iter(["written", "silence", "midnight", "late"])

    def wait() -> None:
        event = next(events)
        if event == "written":
            put(writer, *new[:2])
        elif event == "midnight":
            clock.advance(DAY_S)
        elif event == "late":
            put(writer, new[2], late)

    following = Archive(tmp_path).follow(CallFilter(team="a"), clock.wall_s, wait)

    assert [next(following) for _ in range(3)] == [new[0], late, new[2]]


def test_following_begins_when_it_is_asked_for(writer: Writer, archive: Archive, record: Make) -> None:
    following = archive.follow(CallFilter(), FakeClock(wall_s=NOON_S).wall_s, lambda: None)
    made = record()

    put(writer, made)

    assert next(following) == made


def test_following_goes_on_in_a_file_that_was_begun_anew(writer: Writer, tmp_path: Path, record: Make) -> None:
    put(writer, record(), record(), record())
    made = record()

    def set_aside() -> None:
        for end in ("", "-wal", "-shm"):
            path = tmp_path / f"calls-20261121.db{end}"
            path.rename(tmp_path / f"calls-20261121.db.corrupt-1{end}")
        put(writer, made)

    following = Archive(tmp_path).follow(CallFilter(), FakeClock(wall_s=NOON_S).wall_s, set_aside)

    assert next(following) == made


def test_waiting_takes_its_time() -> None:
    begin_s = time.monotonic()

    every(0.01)()

    assert time.monotonic() - begin_s >= 0.01

import asyncio
import logging
from collections.abc import Callable
from dataclasses import replace
from datetime import UTC, date, datetime
from pathlib import Path

import pytest

from seawall.assembly.entry import Entry
from seawall.assembly.live import WATCH_S, Live
from seawall.core.error import PolicyError
from seawall.dialects.dialect import MESSAGES
from seawall.policy.pins import pins_path
from seawall.policy.plan import CompiledPolicy
from seawall.testing.clock import LoopClock
from seawall.testing.scripted_upstream import Pause, Script, ScriptedUpstream
from seawall.testing.virtual_loop import run_virtual
from tests.assembly.conftest import Home, enter, plan, policy
from tests.scene import Call, target

OLD = policy(plan("/ai/chat", target(model="old")), version="old")
NEW = policy(plan("/ai/chat", target(model="new")), version="new")


class Source:
    """Gives one policy after the other, or raises; the last one stays."""

    def __init__(self, *given: CompiledPolicy | Exception) -> None:
        self._given = list(given)
        self.loads = 0

    def __call__(self) -> CompiledPolicy:
        self.loads += 1
        given = self._given.pop(0) if len(self._given) > 1 else self._given[0]
        if isinstance(given, Exception):
            raise given
        return given


def _live(source: Callable[[], CompiledPolicy], home: Home | None = None, first: CompiledPolicy | None = None) -> Live:
    return Live(source, (home or Home()).entry, first)


async def test_the_first_policy_is_loaded_or_given() -> None:
    loading, given = Source(OLD), Source(NEW)

    assert _live(loading).entry.policy is OLD
    assert _live(given, first=OLD).entry.policy is OLD
    assert (loading.loads, given.loads) == (1, 0)


async def test_without_a_good_first_policy_there_is_nothing_to_hold() -> None:
    with pytest.raises(PolicyError):
        _live(Source(PolicyError("policy.yaml:3:1 routes: expected a mapping")))


async def test_a_good_policy_takes_the_place_of_the_old_one() -> None:
    live = _live(Source(OLD, NEW))

    assert await live.reload()
    assert live.entry.policy is NEW


async def test_the_same_document_is_put_in_force_again() -> None:
    live = _live(Source(OLD))
    before = live.entry

    assert await live.reload()
    assert live.entry is not before


@pytest.mark.parametrize(
    "fault",
    [
        pytest.param(PolicyError("policy.yaml:3:1 routes: expected a mapping"), id="a faulty document"),
        pytest.param(OSError("the disk is gone"), id="a file that cannot be read"),
        pytest.param(RecursionError("too deep"), id="a fault of ours"),
    ],
)
async def test_a_bad_policy_never_takes_the_place_of_a_good_one(
    fault: Exception, caplog: pytest.LogCaptureFixture
) -> None:
    live = _live(Source(OLD, fault, NEW))
    before = live.entry

    with caplog.at_level(logging.ERROR, logger="seawall.policy"):
        assert not await live.reload()

    assert live.entry is before
    assert "the old one stays" in caplog.text
    assert await live.reload(), "the next good one does"
    assert live.entry.policy is NEW


async def test_a_policy_that_cannot_be_assembled_is_a_bad_one() -> None:
    def make(policy: CompiledPolicy) -> Entry:
        if policy is NEW:
            raise ValueError("a provider of an unknown dialect")
        return Home().entry(policy)

    live = Live(Source(OLD, NEW), make)

    assert not await live.reload()
    assert live.entry.policy is OLD


async def test_the_faults_go_to_the_log_line_by_line(caplog: pytest.LogCaptureFixture) -> None:
    live = _live(Source(OLD, PolicyError("policy.yaml:3:1 routes: expected a mapping")))

    with caplog.at_level(logging.ERROR, logger="seawall.policy"):
        await live.reload()

    (record,) = caplog.records
    assert record.__dict__["fields"] == {"faults": "policy.yaml:3:1 routes: expected a mapping"}


def test_calls_that_run_keep_the_policy_they_started_with() -> None:
    home = Home(ScriptedUpstream(*[Script((Pause(5.0), b"{}"))] * 2))

    async def main() -> None:
        live = _live(Source(OLD, NEW), home)

        async def ask() -> None:
            await enter(live.entry, Call(MESSAGES, {}))

        running = asyncio.ensure_future(ask())
        await asyncio.sleep(1.0)
        assert await live.reload()
        await ask()
        await running

    run_virtual(main())

    assert [(record.policy_version, record.model) for record in home.records.all] == [("old", "old"), ("new", "new")]


def test_reloads_wait_for_each_other() -> None:
    async def main() -> Source:
        source = Source(OLD, NEW, OLD, NEW)
        live = _live(source)
        assert await asyncio.gather(*(live.reload() for _ in range(3))) == [True] * 3
        assert live.entry.policy is NEW
        return source

    assert run_virtual(main()).loads == 4


@pytest.fixture
def file(tmp_path: Path) -> Path:
    path = tmp_path / "policy.yaml"
    path.write_text("one")
    return path


def _watch(source: Source, path: Path | None, *acts: Callable[[], object], clock: LoopClock | None = None) -> Live:
    """Watch a file while something happens to it each second, seldom enough to be seen twice; time is virtual."""

    async def main() -> Live:
        live = _live(source)
        watch = asyncio.ensure_future(live.watch(path, clock or LoopClock()))
        for act in acts:
            await asyncio.sleep(1.0)
            act()
        await asyncio.sleep(1.0)
        assert not watch.done()
        watch.cancel()
        return live

    return run_virtual(main())


def test_a_changed_file_is_read_again(file: Path) -> None:
    source = Source(OLD, NEW)

    live = _watch(source, file, lambda: file.write_text("two!"))

    assert live.entry.policy is NEW
    assert source.loads == 2


def test_a_file_that_is_still_being_written_is_read_once_it_stays(file: Path) -> None:
    write = file.write_text

    async def main() -> Source:
        source = Source(OLD, NEW)
        live = _live(source)
        watch = asyncio.ensure_future(live.watch(file, LoopClock()))
        await asyncio.sleep(WATCH_S / 2)
        for length in range(4, 24):
            write("x" * length)
            await asyncio.sleep(WATCH_S)
        assert source.loads == 1, "it was another one at every look"
        await asyncio.sleep(WATCH_S)
        assert live.entry.policy is NEW
        watch.cancel()
        return source

    assert run_virtual(main()).loads == 2


def test_a_file_that_is_being_written_on_the_day_of_a_price_is_read_again_when_it_stays(file: Path) -> None:
    write = file.write_text

    async def main() -> Source:
        source = Source(replace(OLD, changes_on=DAY), PolicyError("half a file"), NEW)
        live = _live(source)
        watch = asyncio.ensure_future(live.watch(file, _at(DAY, hour=8)))
        await asyncio.sleep(WATCH_S / 2)
        write("half")
        await asyncio.sleep(3 * WATCH_S)
        assert live.entry.policy is NEW
        watch.cancel()
        return source

    assert run_virtual(main()).loads == 3


def test_a_file_that_stays_is_left_alone(file: Path) -> None:
    source = Source(OLD)

    _watch(source, file, *[lambda: None] * 20)

    assert source.loads == 1


def test_a_file_that_is_replaced_is_read_again(file: Path) -> None:
    def replace_it() -> None:
        other = file.with_suffix(".new")
        other.write_text("one")
        other.replace(file)

    assert _watch(Source(OLD, NEW), file, replace_it).entry.policy is NEW


def test_a_file_that_is_gone_for_a_while_harms_nobody(file: Path) -> None:
    source = Source(OLD, PolicyError("a file that cannot be read"), NEW)

    live = _watch(source, file, file.unlink, lambda: file.write_text("back"))

    assert live.entry.policy is NEW


def test_pins_that_change_are_read_again(file: Path) -> None:
    source, pins = Source(OLD, NEW, OLD), pins_path(file)

    live = _watch(source, file, lambda: pins.write_text("a"), pins.unlink)

    assert live.entry.policy is OLD
    assert source.loads == 3


def test_the_watch_outlives_every_bad_policy(file: Path) -> None:
    source = Source(OLD, PolicyError("bad"), KeyError("worse"), NEW)
    acts = [lambda n=n: file.write_text("x" * n) for n in range(4, 7)]

    assert _watch(source, file, *acts).entry.policy is NEW


def test_without_a_file_only_the_day_matters() -> None:
    source = Source(OLD)

    _watch(source, None, *[lambda: None] * 5)

    assert source.loads == 1


def _at(day: date, *, hour: int) -> LoopClock:
    return LoopClock(wall_at_zero_s=datetime(day.year, day.month, day.day, hour, 59, 58, tzinfo=UTC).timestamp())


DAY = date(2026, 12, 1)


def test_a_price_changes_on_its_day() -> None:
    until = replace(OLD, changes_on=DAY)
    source = Source(until, NEW)

    live = _watch(source, None, *[lambda: None] * 5, clock=_at(date(2026, 11, 30), hour=23))

    assert live.entry.policy is NEW
    assert source.loads == 2


def test_before_its_day_nothing_is_read_again() -> None:
    source = Source(replace(OLD, changes_on=DAY))

    _watch(source, None, *[lambda: None] * 5, clock=_at(date(2026, 11, 30), hour=12))

    assert source.loads == 1


def test_a_policy_that_has_become_bad_is_tried_once_a_day_and_after_each_change(file: Path) -> None:
    source = Source(replace(OLD, changes_on=DAY), PolicyError("bad"), PolicyError("bad"), NEW)
    acts: list[Callable[[], object]] = [lambda: None] * 10
    acts.append(lambda: file.write_text("mended"))

    live = _watch(source, file, *acts, clock=_at(DAY, hour=8))

    assert source.loads == 3
    assert live.entry.policy.version == "old"


def test_the_next_day_it_is_tried_again() -> None:
    source = Source(replace(OLD, changes_on=DAY), PolicyError("bad"), NEW)

    live = _watch(source, None, *[lambda: None] * 5, clock=_at(DAY, hour=23))

    assert live.entry.policy is NEW
    assert WATCH_S < 1.0

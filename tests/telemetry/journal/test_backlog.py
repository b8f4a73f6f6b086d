from collections.abc import Callable, Sequence

import pytest

from seawall.telemetry.journal.backlog import BATCH, FIRST_PAUSE_S, LONGEST_PAUSE_S, Backlog
from seawall.telemetry.journal.entry import Entry

Make = Callable[[int], list[Entry]]


class Flaky:
    """A sink that takes as many entries as it is told to, and fails when it is told to."""

    name = "flaky"

    def __init__(self) -> None:
        self.taken: list[Entry] = []
        self.days: list[str] = []
        self.tries = 0
        self.error: Exception | None = None
        self.at_most = 1_000_000

    def write(self, day: str, entries: Sequence[Entry]) -> int:
        self.tries += 1
        if self.error is not None:
            raise self.error
        self.days.append(day)
        self.taken.extend(entries[: self.at_most])
        return min(len(entries), self.at_most)

    def close(self) -> None:
        self.error = OSError("closed")


@pytest.fixture
def sink() -> Flaky:
    return Flaky()


def test_everything_goes_through_in_order_and_in_batches(sink: Flaky, entries: Make) -> None:
    made, backlog = entries(BATCH * 2 + 1), Backlog(sink, 10_000)

    backlog.add(made)
    backlog.run(0.0)

    assert sink.taken == made
    assert sink.tries == 3
    assert backlog.due_s() is None


def test_a_batch_is_split_by_day(sink: Flaky, entries: Make) -> None:
    made, backlog = entries(3), Backlog(sink, 10)

    backlog.add([made[0], made[1]._replace(day="20261122"), made[2]])
    backlog.run(0.0)

    assert sink.days == ["20261121", "20261122", "20261121"]


@pytest.mark.parametrize("error", [OSError("no space left on device"), RuntimeError("anything else")])
def test_a_failing_sink_is_left_in_peace_for_longer_and_longer_and_recovers(
    sink: Flaky, entries: Make, error: Exception
) -> None:
    made, backlog = entries(3), Backlog(sink, 10)
    sink.error = error
    backlog.add(made)

    now_s, pauses = 0.0, []
    for _ in range(9):
        backlog.run(now_s)
        due_s = backlog.due_s()
        assert due_s is not None
        pauses.append(round(due_s - now_s, 6))
        backlog.run(due_s - 0.001)
        now_s = due_s

    assert pauses[0] == FIRST_PAUSE_S
    assert pauses == sorted(pauses)
    assert pauses[-1] == LONGEST_PAUSE_S
    assert (backlog.failures, sink.tries) == (9, 9)
    sink.error = None
    backlog.run(now_s)
    assert sink.taken == made
    assert (len(backlog), backlog.lost) == (0, 0)


def test_a_pause_is_cut_short_on_request(sink: Flaky, entries: Make) -> None:
    made, backlog = entries(1), Backlog(sink, 10)
    sink.error = OSError("locked")
    backlog.add(made)
    backlog.run(0.0)
    sink.error = None

    backlog.run(0.01)
    assert sink.taken == []
    backlog.run(0.01, at_once=True)
    assert sink.taken == made


def test_what_a_sink_has_taken_does_not_come_again(sink: Flaky, entries: Make) -> None:
    made, backlog = entries(5), Backlog(sink, 10)
    sink.at_most = 2
    backlog.add(made)

    backlog.run(0.0)
    assert sink.taken == made[:2]
    sink.at_most = 5
    backlog.run(1.0)

    assert sink.taken == made


def test_a_sink_that_fails_for_too_long_loses_the_oldest(sink: Flaky, entries: Make) -> None:
    made, backlog = entries(15), Backlog(sink, 10)
    sink.error = OSError("read-only file system")
    for entry in made:
        backlog.add([entry])
        backlog.run(0.0)
    sink.error = None

    backlog.run(60.0)

    assert backlog.lost == 5
    assert sink.taken == made[5:]

from collections.abc import Callable, Iterator
from pathlib import Path

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from seawall.core.record import AttemptRecord, CallRecord
from seawall.telemetry.journal.query import Archive
from seawall.telemetry.journal.spend import DIMENSIONS, Spend, spend_by, total
from seawall.telemetry.journal.writer import Writer, WriterSettings
from seawall.telemetry.period import DAY_S, Period
from seawall.telemetry.scrub import Scrubber
from seawall.testing.clock import START_WALL_S, FakeClock

Make = Callable[..., CallRecord]
EVER = Period()


@pytest.fixture
def put(tmp_path: Path) -> Iterator[Callable[..., Archive]]:
    """Write records, and give the archive that holds them."""
    with Writer(tmp_path, Scrubber(), FakeClock(), WriterSettings(slot=1, linger_s=0.0)) as writer:

        def write(*records: CallRecord) -> Archive:
            for each in records:
                writer.write(each)
            assert writer.flush(10.0)
            return Archive(tmp_path)

        yield write


@pytest.mark.parametrize(
    ("dimension", "field"), [(name, column) for name, column in DIMENSIONS.items() if name not in ("model", "provider")]
)
def test_spend_is_summed_by_any_dimension(
    put: Callable[..., Archive], record: Make, dimension: str, field: str
) -> None:
    archive = put(
        record(**{field: "/a"}, at_s=START_WALL_S),
        record(**{field: "/a"}, at_s=START_WALL_S + DAY_S),
        record(**{field: "/b"}, outcome="refused", attempts=(), cost_nusd=0),
        record(**{field: ""}, outcome="failed", cost_nusd=9),
    )

    found = spend_by(archive, dimension, EVER)

    assert list(found) == ["/a", "", "/b"], "the dearest first"
    assert found["/a"] == Spend(
        calls=2,
        input_tokens=200,
        cache_read_tokens=40,
        cache_write_tokens=30,
        output_tokens=60,
        thinking_tokens=14,
        cost_nusd=8_400_000,
    )
    assert (found["/b"].calls, found["/b"].refused, found["/b"].cost_nusd) == (1, 1, 0)
    assert (found[""].calls, found[""].failed, found[""].cost_nusd) == (1, 1, 9)


def test_only_the_period_counts(put: Callable[..., Archive], record: Make) -> None:
    archive = put(*(record(at_s=START_WALL_S + i * DAY_S / 2, cost_nusd=10**i) for i in range(4)))

    found = spend_by(archive, "feature", Period(START_WALL_S + DAY_S / 2, START_WALL_S + 3 * DAY_S / 2))

    assert found["drafts"].cost_nusd == 110


def test_a_call_that_fell_back_is_split_between_its_models(put: Callable[..., Archive], record: Make) -> None:
    first = AttemptRecord("anthropic", "dear", 0.0, 1.0, input_tokens=10, thinking_tokens=1, cost_nusd=30)
    second = AttemptRecord("openai", "cheap", 1.0, 1.0, input_tokens=10, output_tokens=5, cost_nusd=2)
    unknown = AttemptRecord("openai", "cheap", 2.0, 1.0)
    archive = put(
        record(provider="openai", model="cheap", cost_nusd=32, attempts=(first, second, unknown)),
        record(provider="openai", model="cheap", cost_nusd=2, attempts=(second,)),
    )

    by_model, by_provider = spend_by(archive, "model", EVER), spend_by(archive, "provider", EVER)

    assert by_model["dear"] == Spend(input_tokens=10, thinking_tokens=1, cost_nusd=30)
    assert by_model["cheap"] == Spend(calls=2, unpriced=1, input_tokens=20, output_tokens=10, cost_nusd=4)
    assert by_provider["anthropic"].cost_nusd == 30
    assert total(by_model.values()).cost_nusd == 34
    assert spend_by(archive, "feature", EVER)["drafts"].cost_nusd == 34


def test_without_records_nothing_was_spent(tmp_path: Path) -> None:
    assert spend_by(Archive(tmp_path), "team", EVER) == {}
    assert total([]) == Spend()


def test_an_unknown_dimension_is_an_error(tmp_path: Path) -> None:
    with pytest.raises(KeyError):
        spend_by(Archive(tmp_path), "cost_nusd; DROP TABLE calls", EVER)


@settings(max_examples=30)
@given(costs=st.lists(st.lists(st.integers(0, 10**12), max_size=3), max_size=8))
def test_every_dimension_gives_the_same_total(tmp_path_factory: pytest.TempPathFactory, costs: list[list[int]]) -> None:
    directory = tmp_path_factory.mktemp("spend")
    with Writer(directory, Scrubber(), FakeClock(), WriterSettings(slot=1)) as writer:
        for i, call in enumerate(costs):
            attempts = tuple(AttemptRecord("p", f"m{j}", 0.0, 1.0, cost_nusd=nusd) for j, nusd in enumerate(call))
            record = CallRecord(
                f"req_{i}", START_WALL_S + i, model="m0" if call else "", cost_nusd=sum(call), attempts=attempts
            )
            writer.write(record)
    expected = sum(map(sum, costs))

    for dimension in DIMENSIONS:
        found = total(spend_by(Archive(directory), dimension, EVER).values())
        assert (found.calls, found.cost_nusd) == (len(costs), expected)

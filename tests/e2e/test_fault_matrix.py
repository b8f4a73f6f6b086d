"""The sandbox's whole list of faults, through real processes and the official clients; see `docs/fault-matrix.md`."""

from typing import Final

import pytest

from seawall.sandbox.fault import FAULTS
from tests.e2e.fault_cell import ROWS, Ends
from tests.e2e.fault_matrix import DEADLINE_S, PAGE, Kind, Result, page, play

# One run of the whole matrix serves every test here.
pytestmark = [pytest.mark.xdist_group("fault-matrix"), pytest.mark.timeout(180), pytest.mark.slow]

LATE_S: Final = 0.05
# How much later a busy machine may let one process run, and how much later forty calls of one client are its turn.
BUSY_S: Final = 0.25
CROWDED_S: Final = 1.5
ALONE: Final[dict[Ends, set[Kind]]] = {
    "answer": {"answer"},
    "outage": {"error", "event"},
    "request": {"error"},
}
BACKED: Final[dict[Ends, set[Kind]]] = {
    "answer": {"answer"},
    "outage": {"fallback", "event"},
    "request": {"error"},
}


@pytest.fixture(scope="module")
def results(tmp_path_factory: pytest.TempPathFactory) -> list[Result]:
    return play(tmp_path_factory.mktemp("matrix"))


def _told(results: list[Result]) -> list[str]:
    return [f"{result.cell.row.fault}: {result.cell.name}: {result.said}" for result in results]


def test_the_matrix_has_every_fault_that_there_is() -> None:
    tried = {part.partition("=")[0] for row in ROWS for part in row.fault.split(",") if part}

    assert tried == set(FAULTS)


def test_every_cell_ends_in_a_right_answer_or_in_an_error_that_its_client_understands(results: list[Result]) -> None:
    assert _told([result for result in results if result.kind == "wrong"]) == []


def test_a_target_alone_is_answered_for_as_its_fault_demands(results: list[Result]) -> None:
    alone = [result for result in results if not result.cell.is_backed]

    assert _told([result for result in alone if result.kind not in ALONE[result.cell.ends]]) == []


def test_an_outage_is_answered_by_the_target_behind(results: list[Result]) -> None:
    backed = [result for result in results if result.cell.is_backed]

    assert _told([result for result in backed if result.kind not in BACKED[result.cell.ends]]) == []


def test_only_a_stream_that_had_begun_at_the_provider_ends_in_an_error_event(results: list[Result]) -> None:
    events = [result for result in results if result.kind == "event"]

    assert all(result.cell.is_stream for result in events)
    assert _told([result for result in events if "first_token_s" not in result.record]) == []


def test_every_call_ends_within_its_deadline(results: list[Result]) -> None:
    latest_s = DEADLINE_S + LATE_S + BUSY_S

    assert _told([result for result in results if result.record["duration_s"] > latest_s]) == []
    assert _told([result for result in results if result.seen.took_s > latest_s + CROWDED_S]) == []


def test_the_record_says_what_the_client_was_told(results: list[Result]) -> None:
    for result in results:
        record, headers = result.record, result.seen.headers
        is_good = result.kind in {"answer", "fallback"}
        assert record.get("outcome", "ok") == ("ok" if is_good else "failed")
        if is_good:
            assert (record["provider"], record["model"]) == (headers["x-seawall-provider"], headers["x-seawall-model"])
            assert record["attempts"][-1]["provider"] == record["provider"]
            assert len(record["attempts"]) == int(headers["x-seawall-attempts"]) <= 4


def test_no_credential_of_the_gateway_reaches_a_client(results: list[Result]) -> None:
    assert not any("provider-key" in f"{result.seen.raised} {result.seen.headers}" for result in results)


def test_the_page_says_what_happened(results: list[Result]) -> None:
    assert PAGE.read_text("utf-8") == page(results), "run `make docs`, and look at the difference"

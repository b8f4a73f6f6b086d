from dataclasses import replace

import pytest

from seawall.core.usage import Usage
from seawall.sandbox import meter
from seawall.sandbox.meter import Entry, Meter, Total

CALL = Entry(
    "req_1", "/v1/messages", 1, 0.0, "claude-haiku-5-5", 200, usage=Usage(1, 2, 3, 4, 5, 6), billed_nusd=7, bytes_sent=8
)
REFUSED = Entry("req_2", "/v1/messages", 2, 1.0, status=400)


def test_every_call_is_counted_under_its_endpoint_model_and_key() -> None:
    found = Meter()

    found.add(CALL)
    found.add(CALL)
    found.add(REFUSED)

    assert found.total == Total(3, 1, 0, 14, 16, 2, 4, 6, 8, 10, 12)
    assert found.by_endpoint == {"/v1/messages": found.total}
    assert found.by_model == {"claude-haiku-5-5": Total(2, 0, 0, 14, 16, 2, 4, 6, 8, 10, 12)}
    assert {key: total.calls for key, total in found.by_key.items()} == {1: 2, 2: 1}


def test_end_users_are_counted_apart_as_long_as_they_are_few(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(meter, "CALLERS", 2)
    found = Meter()

    for caller in ("anna", "", "ben", "cleo", "anna"):
        found.add(replace(CALL, caller=caller))

    assert {caller: total.billed_nusd for caller, total in found.by_caller.items()} == {"anna": 14, "ben": 7}
    assert found.report()["by_caller"]["anna"]["calls"] == 2


def test_a_report_has_the_newest_calls_first() -> None:
    found = Meter()
    found.add(CALL)
    found.add(REFUSED)

    report = found.report(entries=1)

    assert [entry["request_id"] for entry in report["entries"]] == ["req_2"]
    assert report["total"]["billed_nusd"] == 7
    assert found.report()["entries"] == []


def test_the_calls_kept_are_bounded_and_the_totals_are_not() -> None:
    found = Meter()

    for _ in range(meter.KEPT + 1):
        found.add(REFUSED)

    assert len(found.entries) == meter.KEPT
    assert found.total.calls == meter.KEPT + 1


def test_a_cleared_meter_begins_at_nothing() -> None:
    found = Meter()
    found.add(CALL)

    found.clear()

    assert found == Meter()

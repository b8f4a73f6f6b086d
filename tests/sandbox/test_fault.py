from contextlib import suppress
from dataclasses import asdict, fields

import pytest
from hypothesis import given
from hypothesis import strategies as st

from seawall.core.usage import NO_USAGE, Usage
from seawall.sandbox.fault import FAULTS, NO_FAULTS, ErrorAt, Faults, Incident, Incidents, parse
from seawall.sandbox.problem import Problem


def test_the_table_names_every_fault_once() -> None:
    assert list(FAULTS) == [field.name for field in fields(Faults)]


@pytest.mark.parametrize("name", FAULTS)
def test_the_example_of_every_fault_changes_that_fault_alone(name: str) -> None:
    asked = asdict(parse(FAULTS[name].example))

    assert {field for field, value in asked.items() if value != asdict(NO_FAULTS)[field]} == {name}


def test_several_faults_are_read_together() -> None:
    faults = parse(" status=503 , retry_after=1.5,,slow_bytes=10")

    assert (faults.status, faults.retry_after, faults.slow_bytes) == (503, 1.5, 10.0)


@pytest.mark.parametrize(
    ("text", "says"),
    [
        pytest.param("explode", "unknown sandbox fault 'explode'; valid faults: status, ", id="no such fault"),
        pytest.param("status=200", "expected a status from 400 to 599", id="not an error status"),
        pytest.param("status", "expected a status", id="a value is missing"),
        pytest.param("stall=1", "expected no value", id="a value too many"),
        pytest.param("wrong_length=5", r"expected \+n or -n", id="without a sign"),
        pytest.param("cut=x", "expected a number of bytes", id="not a number"),
        pytest.param("error_in_stream=A@1", "expected <type>@<event>", id="not a type"),
        pytest.param("slow_bytes=0", "expected bytes a second", id="slower than anything"),
    ],
)
def test_a_bad_fault_is_refused_with_what_was_expected(text: str, says: str) -> None:
    with pytest.raises(Problem, match=says) as caught:
        parse(text)

    assert caught.value.status == 400


@given(text=st.text(max_size=60))
def test_any_text_is_read_or_refused(text: str) -> None:
    with suppress(Problem):
        parse(text)


@pytest.mark.parametrize(
    ("text", "expected"),
    [
        pytest.param("error_in_stream", ErrorAt("overloaded_error", 1), id="nothing said"),
        pytest.param("error_in_stream=api_error", ErrorAt("api_error", 1), id="a type"),
        pytest.param("error_in_stream=@7", ErrorAt("overloaded_error", 7), id="a place"),
    ],
)
def test_an_error_in_the_stream_has_defaults(text: str, expected: ErrorAt) -> None:
    assert parse(text).error_in_stream == expected


@pytest.mark.parametrize(
    ("text", "status"),
    [
        pytest.param("", None, id="no fault"),
        pytest.param("status=529", 529, id="the status itself"),
        pytest.param("retry_after=2", 429, id="retry-after alone"),
        pytest.param("retry_after_ms=2", 429, id="retry-after-ms alone"),
        pytest.param("retry_after_date=2,status=503", 503, id="both"),
        pytest.param("error_code=insufficient_quota", 400, id="a code alone"),
    ],
)
def test_what_status_the_faults_mean(text: str, status: int | None) -> None:
    assert parse(text).error_status == status


def test_the_reported_usage_can_be_wrong() -> None:
    usage = Usage(input=3, cache_read=5, output=7)

    assert NO_FAULTS.reported(usage) == usage
    assert parse("usage=missing").reported(usage) is None
    assert parse("usage=zero").reported(usage) == NO_USAGE
    assert parse("usage=double").reported(usage) == Usage(input=6, cache_read=10, output=14)


def test_an_incident_hits_as_often_as_its_count() -> None:
    incidents = Incidents()
    incidents.add(Incident("status=529", count=2))

    hits = [incidents.draw("/v1/messages", None) for _ in range(3)]

    assert [faults.status for faults in hits] == [529, 529, None]
    assert [incident.count for incident in incidents.all()] == [0]


def test_an_incident_can_be_for_one_model_or_one_path() -> None:
    incidents = Incidents()
    assert not incidents.needs_model
    incidents.add(Incident("status=500", model="claude-opus-5-5"))
    incidents.add(Incident("status=503", path="/v1/embeddings"))
    assert incidents.needs_model

    assert incidents.draw("/v1/messages", "claude-opus-5-5").status == 500
    assert incidents.draw("/v1/messages", "claude-haiku-5-5") is NO_FAULTS
    assert incidents.draw("/v1/embeddings", "claude-haiku-5-5").status == 503


def test_the_seed_decides_which_requests_an_incident_hits() -> None:
    def pattern(seed: int) -> list[bool]:
        incidents = Incidents()
        incidents.add(Incident("stall", probability=0.3, seed=seed))
        return [incidents.draw("/", None).stall for _ in range(500)]

    assert pattern(1) == pattern(1)
    assert pattern(1) != pattern(2)
    assert 110 < sum(pattern(1)) < 190


def test_the_first_incident_that_hits_decides() -> None:
    incidents = Incidents()
    incidents.add(Incident("status=500", count=1))
    incidents.add(Incident("status=529"))

    assert [incidents.draw("/", None).status for _ in range(2)] == [500, 529]

    incidents.clear()
    assert incidents.draw("/", None) is NO_FAULTS


def test_a_bad_incident_changes_nothing() -> None:
    incidents = Incidents()
    incidents.add(Incident("stall"))

    with pytest.raises(Problem):
        incidents.replace([Incident("status=500"), Incident("bogus")])

    assert [incident.fault for incident in incidents.all()] == ["stall"]

import json

import pytest
from hypothesis import given
from hypothesis import strategies as st

from seawall.telemetry.usage_export import read as room
from seawall.telemetry.usage_export.line import ExportLine
from seawall.telemetry.usage_export.read import read_export

ROWS = [{"request_id": f"req_{number}", "cost_usd": f"0.{number}"} for number in (1, 2)]
EXPECTED = [("req_1", 100_000_000), ("req_2", 200_000_000)]
CSV = "request_id,cost_usd\n" + "".join(f"{row['request_id']},{row['cost_usd']}\n" for row in ROWS)


def said(lines: tuple[ExportLine, ...]) -> list[tuple[str, int | None]]:
    return [(line.request_id, line.cost_nusd) for line in lines]


@pytest.mark.parametrize(
    "text",
    [
        pytest.param(CSV, id="CSV"),
        pytest.param("\ufeff" + CSV.replace("\n", "\r\n"), id="CSV from a spreadsheet"),
        pytest.param(CSV.replace(",", ";"), id="semicolons"),
        pytest.param(CSV.replace(",", "\t"), id="tabs"),
        pytest.param("\n" + CSV.replace("\n", "\n,\n"), id="rows that say nothing"),
        pytest.param("\n\n".join(map(json.dumps, ROWS)), id="JSON lines"),
        pytest.param(json.dumps(ROWS), id="a JSON array"),
        pytest.param(json.dumps({"data": ROWS, "has_more": False}, indent=2), id="a page of an endpoint"),
        pytest.param("\n".join(json.dumps({"data": [row]}) for row in ROWS), id="several pages"),
    ],
)
def test_the_usual_forms_are_read(text: str) -> None:
    assert said(read_export(text.encode())) == EXPECTED


def test_what_a_bucket_says_counts_for_its_results() -> None:
    bucket = {"start_time": 1790899200, "results": [{"input_tokens": 5, "output_tokens": 6, "num_model_requests": 2}]}

    (line,) = read_export(json.dumps({"data": [bucket]}).encode())

    assert (line.at_s, line.requests) == (1_790_899_200.0, 2)
    assert line.usage is not None
    assert (line.usage.input, line.usage.output) == (5, 6)


def test_amounts_are_read_from_their_digits() -> None:
    (line,) = read_export(b'{"amount": {"value": 0.1000000000000000055, "currency": "usd"}}')

    assert line.cost_nusd == 100_000_001, "rounded up from what is written, not from a float"


def test_a_quoted_line_break_does_not_split_a_row() -> None:
    (line,) = read_export(b'note,request_id\n"two\nlines",req_1\n')

    assert (line.number, line.request_id) == (3, "req_1")


@pytest.mark.parametrize(
    ("data", "why"),
    [
        (b" \n", "empty"),
        (b"\xff\xfe", "not UTF-8 (byte 0)"),
        (b"hello", "neither JSON nor CSV"),
        (b'{"a": 1}\n{"b":', "line 2 is no JSON"),
        (b"[1]", "expected JSON objects"),
        (b"[" * 20 + b"]" * 20, "nested too deeply"),
        (b"[" * 100_000, "nested too deeply"),
        (b'a,b\n"1,2', "line 2"),
    ],
)
def test_what_is_no_export_is_refused_with_its_place(data: bytes, why: str) -> None:
    with pytest.raises(ValueError, match=why.replace("(", r"\(").replace(")", r"\)")):
        read_export(data)


def test_a_file_that_would_fill_the_memory_is_refused(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(room, "MAX_BYTES", 5)

    with pytest.raises(ValueError, match="expected at most 5"):
        read_export(b"a,b\n1,2")


@given(data=st.binary(max_size=200) | st.text(alphabet='[]{}",:;\n01ae', max_size=60).map(str.encode))
def test_no_bytes_do_more_than_a_refusal(data: bytes) -> None:
    try:
        lines = read_export(data)
    except ValueError:
        return
    assert all(isinstance(line, ExportLine) for line in lines)

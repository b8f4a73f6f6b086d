"""The load generator believes nobody: whatever is not a whole, right answer is counted as what it is."""

import http.client
import json
from collections.abc import Callable, Iterator
from pathlib import Path

import pytest

from bench.native import Native
from bench.process import free_port
from bench.stage import upstream_before
from bench.traffic import Door, Load, Shape, apply, write_call

pytestmark = [pytest.mark.e2e, pytest.mark.xdist_group("bench")]

Serve = Callable[[bytes | None, bool], int]
HEAD = b"HTTP/1.1 200 OK\r\n"
RIGHT = b'{"text":"on Tuesday before noon","stop_reason":"end_turn","usage":{"output_tokens":55}}'
DELTA = b'event: content_block_delta\ndata: {"delta":{"type":"text_delta"}}\n\n'
USAGE = b'event: message_delta\ndata: {"usage":{"output_tokens":55}}\n\n'
STOP = b"event: message_stop\ndata: {}\n\n"
START = b"event: message_start\ndata: {}\n\n"


def _sized(body: bytes, length: int | None = None) -> bytes:
    return HEAD + b"content-length: %d\r\n\r\n" % (len(body) if length is None else length) + body


def _chunked(*chunks: bytes, end: bytes = b"0\r\n\r\n") -> bytes:
    return HEAD + b"transfer-encoding: chunked\r\n\r\n" + b"".join(b"%x\r\n%b\r\n" % (len(c), c) for c in chunks) + end


@pytest.fixture(scope="module")
def provider(native: Native, tmp_path_factory: pytest.TempPathFactory) -> Iterator[int]:
    with upstream_before(native, 0, tmp_path_factory.mktemp("upstream")) as (_, port):
        yield port


def _run(native: Native, port: int, folder: Path, shape: Shape, *, stream: bool = False, pace_us: int = 0) -> Load:
    call = write_call(folder / "call.http", Door(port, "/v1/messages"), stream=stream, pace_us=pace_us)
    return apply(native.load, 0, port, call, shape)


def _once(native: Native, port: int, folder: Path, *, stream: bool = False) -> Load:
    return _run(native, port, folder, Shape(5.0, connections=1, requests=1, timeout_s=0.3), stream=stream)


@pytest.mark.parametrize(
    "answer",
    [
        pytest.param(_sized(RIGHT), id="sized"),
        pytest.param(_chunked(RIGHT), id="chunked"),
        pytest.param(_chunked(*(RIGHT[i : i + 1] for i in range(len(RIGHT)))), id="one byte a chunk"),
        pytest.param(_chunked(RIGHT, end=b"0\r\nx-trailer: 1\r\n\r\n"), id="with a trailer"),
        pytest.param(
            HEAD.replace(b"200 OK", b"200") + b"Content-Length: %d\r\n\r\n" % len(RIGHT) + RIGHT, id="no reason"
        ),
    ],
)
def test_a_whole_and_right_answer_is_good(native: Native, serve: Serve, tmp_path: Path, answer: bytes) -> None:
    load = _once(native, serve(answer, False), tmp_path)

    assert (load.good, load.bad) == (1, 0)


@pytest.mark.parametrize(
    ("answer", "hangs_up", "kind"),
    [
        pytest.param(b"HTTP/1.1 500 No\r\ncontent-length: 0\r\n\r\n", False, "status", id="server error"),
        pytest.param(_sized(b"{}"), False, "wrong", id="another body"),
        pytest.param(_sized(RIGHT, len(RIGHT) + 1), True, "cut", id="shorter than announced"),
        pytest.param(_sized(RIGHT, len(RIGHT) - 1), False, "cut", id="longer than announced"),
        pytest.param(_chunked(RIGHT, end=b""), True, "cut", id="no last chunk"),
        pytest.param(HEAD + b"transfer-encoding: chunked\r\n\r\nzz\r\n", False, "cut", id="no chunk size"),
        pytest.param(b"", True, "cut", id="hung up at once"),
        pytest.param(b"garbage\r\n\r\n", False, "cut", id="not HTTP"),
        pytest.param(None, False, "timed_out", id="silence"),
    ],
)
def test_a_bad_answer_is_counted_by_kind(
    native: Native, serve: Serve, tmp_path: Path, answer: bytes | None, hangs_up: bool, kind: str
) -> None:
    load = _once(native, serve(answer, hangs_up), tmp_path)

    assert load.good == 0
    assert {name for name, count in load.errors.items() if count} == {kind}
    assert load.latency_us is None


@pytest.mark.parametrize(
    ("events", "good"),
    [
        pytest.param([START, *[DELTA] * 55, USAGE, STOP], 1, id="complete"),
        pytest.param([START, *[DELTA] * 55, USAGE], 0, id="no terminal event"),
        pytest.param([START, *[DELTA] * 54, USAGE, STOP], 0, id="a delta is missing"),
        pytest.param([START, *[DELTA] * 55, USAGE, STOP, STOP], 0, id="ended twice"),
    ],
)
def test_a_stream_is_good_only_when_it_is_complete(
    native: Native, serve: Serve, tmp_path: Path, events: list[bytes], good: int
) -> None:
    load = _once(native, serve(_chunked(*events), False), tmp_path, stream=True)

    assert (load.good, load.errors["wrong"]) == (good, 1 - good)


def test_nobody_listening_is_an_error_and_ends_the_run(native: Native, tmp_path: Path) -> None:
    load = _run(native, free_port(), tmp_path, Shape(30.0, connections=4))

    assert load.good == 0
    assert load.errors["no_connection"] >= 100


def test_the_upstream_gives_good_answers_and_counts_them(native: Native, provider: int, tmp_path: Path) -> None:
    load = _run(native, provider, tmp_path, Shape(30.0, connections=8, requests=2000))

    line = http.client.HTTPConnection("127.0.0.1", provider, timeout=5)
    line.request("GET", "/stats")
    stats = json.loads(line.getresponse().read())
    line.close()

    assert (load.good, load.bad) == (2000, 0)
    assert stats["messages"] >= 2000


def test_a_paced_stream_takes_its_time_and_its_first_token_does_not(
    native: Native, provider: int, tmp_path: Path
) -> None:
    load = _run(native, provider, tmp_path, Shape(30.0, connections=4, requests=8), stream=True, pace_us=1000)

    assert (load.good, load.bad) == (8, 0)
    assert load.latency_us is not None
    assert load.first_token_us is not None
    assert load.latency_us.p50 >= 59_000
    assert 2_000 <= load.first_token_us.p50 < load.latency_us.p50


def test_an_open_loop_keeps_its_schedule_whatever_the_answers_do(native: Native, provider: int, tmp_path: Path) -> None:
    shape = Shape(0.5, connections=1, rate=100.0)

    load = _run(native, provider, tmp_path, shape, stream=True, pace_us=400)

    # One connection can carry some 40 streams a second. The 50 of the schedule all run, and the last waited longest.
    assert (load.good, load.bad) == (50, 0)
    assert load.latency_us is not None
    assert load.latency_us.max > 10 * 24_000

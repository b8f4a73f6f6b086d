import asyncio
import io
import json
import logging
import subprocess
import sys
import threading
import warnings
from collections.abc import Iterator
from pathlib import Path

import pytest
from hypothesis import given
from hypothesis import strategies as st

from seawall.core.secret import Secret
from seawall.telemetry.log import (
    MAX_FIELDS,
    MAX_TRACE,
    MAX_VALUE,
    JsonFormatter,
    install_logging,
    log_loop_exception,
)
from seawall.telemetry.scrub import Scrubber

CANARY = "c4n4ry-0f-the-house"
SCRUBBER = Scrubber([Secret(CANARY)])

any_text = st.text(st.characters(), max_size=80) | st.sampled_from(
    ["a\r\nb", "\x1b[2J\x1b]0;x\x07", "\u2028\u2029\x85", "\x00", "\x7f\x9b31m", '"},{"', "\ud800", "\u202e"]
)


def write(
    event: object = "call failed", *arguments: object, fields: object = None, error: BaseException | None = None
) -> str:
    info = (type(error), error, error.__traceback__) if error else None
    record = logging.LogRecord("seawall.gateway", logging.WARNING, "f.py", 1, event, arguments, info)
    if fields is not None:
        record.fields = fields
    return JsonFormatter(SCRUBBER).format(record)


def test_a_line_says_when_how_grave_who_and_what() -> None:
    line = json.loads(write("call failed", fields={"request_id": "req_1", "status": 502, "share": 0.5, "is": True}))

    assert line.pop("at").endswith("Z")
    assert line == {
        "level": "warning",
        "logger": "seawall.gateway",
        "event": "call failed",
        "request_id": "req_1",
        "status": 502,
        "share": 0.5,
        "is": True,
    }


@given(event=any_text, key=any_text, value=any_text)
def test_any_text_becomes_one_line_that_parses(event: str, key: str, value: str) -> None:
    line = write("%s", event, fields={key: value})

    assert line.isascii()
    assert line.isprintable()
    assert len(line.splitlines()) == 1
    assert json.loads(line)["level"] == "warning"


@given(
    value=st.recursive(
        st.none() | st.booleans() | st.integers() | st.floats() | any_text | st.binary(max_size=20),
        lambda inner: st.lists(inner, max_size=3) | st.dictionaries(any_text, inner, max_size=3),
        max_leaves=8,
    )
)
def test_any_value_becomes_one_line_that_parses(value: object) -> None:
    assert "v" in json.loads(write(fields={"v": value}))


@given(where=st.integers(0, 5), before=any_text, after=any_text)
def test_a_canary_passes_nowhere(where: int, before: str, after: str) -> None:
    text = f"{before} {CANARY} {after}"
    line = [
        lambda: write(text),
        lambda: write("%s", text),
        lambda: write(fields={"detail": text}),
        lambda: write(fields={text: 1}),
        lambda: write(fields={"nested": {"deep": [text]}}),
        lambda: write(error=ValueError(text)),
    ][where]()

    assert CANARY not in line
    assert "[secret]" in line
    json.loads(line)


@pytest.mark.parametrize(
    "name",
    [
        "authorization", "x_api_key", "password", "client_secret", "token", "Cookie", "x-auth-token", "accessToken",
        "private_key", "access-key", "passphrase", "MYSQL_PWD",
    ],
)  # fmt: skip  # one list, not a column
def test_a_field_with_a_telling_name_is_masked_whatever_it_holds(name: str) -> None:
    assert json.loads(write(fields={name: "short"}))[name] == "[secret]"
    assert json.loads(write(fields={name: b"short"}))[name] == "[secret]"


@pytest.mark.parametrize("name", ["key_id", "tokens", "token_count", "request_id", "model", "keyword", "first_key"])
def test_a_field_with_a_usual_name_is_kept(name: str) -> None:
    assert json.loads(write(fields={name: "abc"}))[name] == "abc"


def test_a_number_that_is_a_secret_is_masked_and_the_line_still_parses() -> None:
    record = logging.LogRecord("seawall", logging.INFO, "f.py", 1, "x", (), None)
    record.fields = {"n": 12345678901, "tokens": 300, "first_token": 0.25}

    line = json.loads(JsonFormatter(Scrubber([Secret("12345678901")])).format(record))

    assert (line["n"], line["tokens"], line["first_token"]) == ("[secret]", 300, 0.25)


def test_a_field_cannot_pass_for_what_the_log_says_itself() -> None:
    line = json.loads(write(fields={"level": "debug", "at": "never", "event": "all is well"}))

    assert (line["level"], line["event"]) == ("warning", "call failed")
    assert (line["level_"], line["event_"]) == ("debug", "all is well")


def test_everything_has_a_bound() -> None:
    line = json.loads(write("e" * 99_999, fields={f"f{i}": "x" * 99_999 for i in range(99)}))

    assert len(line["event"]) == MAX_VALUE
    assert len(line["f0"]) == MAX_VALUE
    assert len(line) == MAX_FIELDS + 4


def test_a_trace_keeps_its_end_where_the_error_is() -> None:
    def fall(depth: int) -> None:
        if depth == 0:
            raise ValueError("the bottom " + "x" * 5_000)
        fall(depth - 1)

    try:
        fall(90)
    except ValueError as error:
        line = json.loads(write(error=error))

    assert len(line["exception"]) <= MAX_TRACE
    assert "ValueError: the bottom" in line["exception"]


def test_objects_that_cannot_be_written_do_no_harm() -> None:
    class Broken:
        def __str__(self) -> str:
            raise RuntimeError("no text")

    assert "cannot be written" in json.loads(write(fields={"v": Broken()}))["v"]
    assert json.loads(write("%d calls", "many"))["event"] == "%d calls"
    assert "cannot be written" in json.loads(write(Broken()))["event"]


@pytest.fixture
def stream() -> Iterator[io.StringIO]:
    text = io.StringIO()
    installed = install_logging(SCRUBBER, stream=text)
    yield text
    installed.remove()


def lines(stream: io.StringIO) -> list[dict[str, str]]:
    return [json.loads(line) for line in stream.getvalue().splitlines()]


def test_every_logger_goes_the_same_way(stream: io.StringIO) -> None:
    logging.getLogger("seawall.gateway").info("ours %s", CANARY)
    logging.getLogger("uvicorn.error").warning("uvicorn's %s", CANARY)
    logging.getLogger("some.library").error("a library's %s", CANARY)
    logging.getLogger("some.library").info("chatter")
    with warnings.catch_warnings():
        warnings.simplefilter("always")
        warnings.warn(f"a warning with {CANARY}", stacklevel=1)

    assert [line["logger"] for line in lines(stream)] == [
        "seawall.gateway",
        "uvicorn.error",
        "some.library",
        "py.warnings",
    ]
    assert CANARY not in stream.getvalue()


def test_a_warning_is_logged_whoever_asked_logging_for_warnings_before() -> None:
    text = io.StringIO()
    logging.captureWarnings(capture=True)
    try:
        with warnings.catch_warnings(record=True) as shown:  # which puts Python's own way of showing them back
            warnings.simplefilter("always")
            before = warnings.showwarning
            installed = install_logging(SCRUBBER, stream=text)
            warnings.warn(f"a warning with {CANARY}", stacklevel=1)
            installed.remove()
            after = warnings.showwarning
    finally:
        logging.captureWarnings(capture=False)

    assert [line["logger"] for line in lines(text)] == ["py.warnings"]
    assert CANARY not in text.getvalue()
    assert shown == []
    assert after is before


def test_an_uncaught_exception_is_one_scrubbed_line(stream: io.StringIO) -> None:
    def fail() -> None:
        raise ValueError(CANARY)

    thread = threading.Thread(target=fail, name="worker")
    thread.start()
    thread.join()
    try:
        fail()
    except ValueError as error:
        sys.excepthook(type(error), error, error.__traceback__)
        sys.excepthook(KeyboardInterrupt, KeyboardInterrupt(), None)

    assert [line["event"] for line in lines(stream)] == ["uncaught exception in a thread", "uncaught exception"]
    assert "ValueError: [secret]" in lines(stream)[0]["exception"]
    assert CANARY not in stream.getvalue()


def test_a_thread_may_end_itself(stream: io.StringIO) -> None:
    thread = threading.Thread(target=sys.exit)
    thread.start()
    thread.join()

    assert lines(stream) == []


def test_what_cannot_be_raised_is_logged(stream: io.StringIO) -> None:
    class Doomed:
        def __del__(self) -> None:
            raise ValueError(CANARY)

    Doomed()

    assert lines(stream)[0]["event"] == "exception that could not be raised"
    assert CANARY not in stream.getvalue()


async def test_what_an_event_loop_cannot_give_to_anybody_is_logged(stream: io.StringIO) -> None:
    loop = asyncio.get_running_loop()
    loop.set_exception_handler(log_loop_exception)

    def fail() -> None:
        raise ValueError(CANARY)

    loop.call_soon(fail)
    await asyncio.sleep(0)
    loop.call_exception_handler({"message": f"odd {CANARY}"})

    assert [line["event"] for line in lines(stream)] == ["event loop exception"] * 2
    assert "ValueError: [secret]" in lines(stream)[0]["exception"]
    assert CANARY not in stream.getvalue()


def test_removing_gives_everything_back() -> None:
    before = sys.excepthook, threading.excepthook, sys.unraisablehook, logging.getLogger().handlers[:]

    install_logging(SCRUBBER, stream=io.StringIO()).remove()

    assert (sys.excepthook, threading.excepthook, sys.unraisablehook, logging.getLogger().handlers) == before


def test_a_closed_stream_shows_no_raw_record_on_standard_error(capfd: pytest.CaptureFixture[str]) -> None:
    text = io.StringIO()
    installed = install_logging(SCRUBBER, stream=text)
    text.close()

    logging.getLogger("seawall").error("lost %s", CANARY)

    installed.remove()
    assert capfd.readouterr().err == ""


def test_a_library_that_is_imported_configures_nothing() -> None:
    program = "import logging, sys, seawall.telemetry.log; print(logging.getLogger().handlers, sys.excepthook)"

    done = subprocess.run([sys.executable, "-c", program], capture_output=True, text=True, check=True)

    assert done.stdout.startswith("[] <built-in function excepthook>")


def test_a_process_that_dies_leaves_no_canary(tmp_path: Path) -> None:
    program = f"""
from seawall.core.secret import Secret
from seawall.telemetry.log import install_logging
from seawall.telemetry.scrub import Scrubber
install_logging(Scrubber([Secret("{CANARY}")]))
raise RuntimeError("key " + "{CANARY[:6]}" + "{CANARY[6:]}")
"""
    script = tmp_path / "die.py"
    script.write_text(program)

    done = subprocess.run([sys.executable, script], capture_output=True, text=True, check=False)

    assert done.returncode == 1
    assert CANARY not in done.stderr
    assert json.loads(done.stderr)["event"] == "uncaught exception"

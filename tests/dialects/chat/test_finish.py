from typing import Any, get_args

import pytest

from seawall.core.error import UpstreamBroken
from seawall.dialects.chat.finish import finish_of, stop_of
from seawall.dialects.neutral.answer import Stop


@pytest.mark.parametrize(
    ("stop", "finish"),
    [
        ("complete", "stop"),
        ("stop_sequence", "stop"),
        ("tools", "tool_calls"),
        ("length", "length"),
        ("paused", "length"),
        ("refused", "content_filter"),
    ],
)
def test_every_end_has_its_finish_reason(stop: Stop, finish: str) -> None:
    assert finish_of(stop) == finish


def test_no_end_is_forgotten() -> None:
    assert all(finish_of(stop) for stop in get_args(Stop))


@pytest.mark.parametrize(
    ("finish", "matched", "has_calls", "has_refusal", "stop"),
    [
        pytest.param("stop", None, False, False, "complete", id="done"),
        pytest.param("stop", "END", False, False, "stop_sequence", id="a stop text that is told"),
        pytest.param("stop", 128001, False, False, "complete", id="a stop token"),
        pytest.param("stop", "", False, False, "complete", id="an empty stop text"),
        pytest.param("stop", None, True, False, "tools", id="calls in spite of a stop"),
        pytest.param("stop", None, False, True, "refused", id="a refusal"),
        pytest.param("tool_calls", None, True, False, "tools", id="calls"),
        pytest.param("function_call", None, True, False, "tools", id="an old call"),
        pytest.param("length", None, True, False, "length", id="cut off in a call"),
        pytest.param("content_filter", None, True, False, "refused", id="filtered"),
    ],
)
def test_finish_reasons_are_read_with_what_came_before(
    finish: str,
    matched: Any,  # any JSON value
    has_calls: bool,
    has_refusal: bool,
    stop: Stop,
) -> None:
    assert stop_of(finish, matched, has_calls=has_calls, has_refusal=has_refusal) == stop


@pytest.mark.parametrize(
    ("finish", "message"),
    [
        pytest.param(None, "has no finish_reason", id="none"),
        pytest.param("", "has no finish_reason", id="an empty one"),
        pytest.param("error", "nobody knows: 'error'", id="an unknown one"),
        pytest.param("x" * 5000, "nobody knows: ''", id="one that is too long to be shown"),
        pytest.param(["stop"], "nobody knows: ''", id="one that is no text"),
        pytest.param("tool_calls", "has none", id="calls that are not there"),
    ],
)
def test_what_has_not_ended_is_never_whole(finish: Any, message: str) -> None:  # any JSON value
    with pytest.raises(UpstreamBroken, match=message):
        stop_of(finish, None, has_calls=False, has_refusal=False)

from typing import Any

import msgspec
import pytest
from hypothesis import given
from hypothesis import strategies as st

from seawall.core.error import UpstreamBroken
from seawall.core.record import MAX_TEXT
from seawall.dialects.partial import MAX_MESSAGE, Count, error_message, read_any, read_part, word


class _Part(msgspec.Struct):
    tokens: Count | None = None
    rest: Any = None  # whatever stands there


_decode = msgspec.json.Decoder(_Part).decode
JSON = st.recursive(
    st.none() | st.booleans() | st.integers() | st.floats(allow_nan=False, allow_infinity=False) | st.text(max_size=4),
    lambda inner: st.lists(inner, max_size=3) | st.dictionaries(st.sampled_from(["tokens", "rest", "x"]), inner),
    max_leaves=6,
)


def test_what_is_as_documented_is_read() -> None:
    part = read_part(_decode, b'{"tokens": 7, "new": [1]}', "it")

    assert part == _Part(tokens=7)


@pytest.mark.parametrize(
    "data",
    [
        pytest.param(b'{"tokens": "7"}', id="text for a number"),
        pytest.param(b'{"tokens": 7.5}', id="a broken number"),
        pytest.param(b'{"tokens": 99999999999999}', id="a count that cannot be"),
        pytest.param(b'{"tokens": -99999999999999}', id="a negative count that cannot be"),
        pytest.param(b'{"tokens": {"a": 1}}', id="an object for a number"),
    ],
)
def test_an_object_with_a_field_of_another_type_is_let_pass(data: bytes) -> None:
    assert read_part(_decode, data, "it") is None


@pytest.mark.parametrize(
    "data",
    [
        pytest.param(b"", id="nothing"),
        pytest.param(b"<html>", id="a page"),
        pytest.param(b"[1]", id="an array"),
        pytest.param(b"null", id="null"),
        pytest.param(b'{"tokens": 7', id="cut off"),
        pytest.param(b'{"rest": "\xff"}', id="not UTF-8"),
        pytest.param(b'{"rest": "\\ud800"}', id="half a surrogate pair"),
        pytest.param(b'{"rest": ' + b"[" * 5000 + b"]" * 5000 + b"}", id="bottomless where it is read"),
        pytest.param(b'{"x": ' + b"[" * 5000 + b"]" * 5000 + b"}", id="bottomless where it is not"),
    ],
)
def test_what_is_no_readable_object_is_broken(data: bytes) -> None:
    with pytest.raises(UpstreamBroken, match="the answer is not a JSON object"):
        read_part(_decode, data, "the answer")


@given(st.binary(max_size=60))
def test_any_bytes_are_read_passed_or_broken(data: bytes) -> None:
    try:
        read_part(_decode, data, "it")
    except UpstreamBroken:
        assert not isinstance(read_any(data), dict)


@given(JSON)
def test_every_object_is_read_or_passed(value: Any) -> None:  # any JSON value
    data = msgspec.json.encode(value)
    try:
        read_part(_decode, data, "it")
    except UpstreamBroken:
        assert not isinstance(value, dict)
    else:
        assert isinstance(value, dict)


def test_a_word_is_bounded_printable_text_or_nothing() -> None:
    assert word("claude-opus-5-5") == "claude-opus-5-5"
    assert word("x" * MAX_TEXT) == "x" * MAX_TEXT
    assert word("a\x1b[31m\nb") == "a\N{REPLACEMENT CHARACTER}[31m\N{REPLACEMENT CHARACTER}b"
    assert [word(odd) for odd in (None, 5, ["x"], {"a": 1}, True, "x" * (MAX_TEXT + 1))] == [""] * 6


def test_an_errors_message_is_bounded_and_never_empty() -> None:
    assert error_message({"message": "no such model"}, 404) == "no such model"
    assert error_message({"message": "x" * MAX_MESSAGE}, 400) == "x" * MAX_MESSAGE
    for odd in ({}, {"message": ""}, {"message": None}, {"message": {"a": 1}}, {"message": "x" * 10_000}):
        assert error_message(odd, 418) == "the provider answered with status 418 and no readable error"


@pytest.mark.parametrize("before", range(MAX_MESSAGE - 40, MAX_MESSAGE + 5))
def test_a_long_message_is_cut_between_two_words(before: int) -> None:
    words = ("ab " * MAX_MESSAGE)[: before - 1] + " half-a-credential and so on"

    message = error_message({"message": words}, 400)

    assert len(message) <= MAX_MESSAGE
    assert set(message.split()) <= set(words.split())

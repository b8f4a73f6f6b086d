import copy
import json
import logging
import pickle
import traceback
from collections.abc import Callable

import msgspec
import orjson
import pytest
from hypothesis import given
from hypothesis import strategies as st

from seawall.core.secret import MASK, Secret

CANARY = "sk-canary-4711"
HEADER_SAFE = st.text(st.characters(min_codepoint=0x21, max_codepoint=0x7E), min_size=1)


def test_only_reveal_gives_the_credential_back() -> None:
    assert Secret(CANARY).reveal() == CANARY


@pytest.mark.parametrize(
    "shown",
    [
        pytest.param(repr, id="repr"),
        pytest.param(str, id="str"),
        pytest.param("{}".format, id="format"),
        pytest.param("{:>20}".format, id="format with a width"),
        pytest.param(lambda secret: "%s %r" % (secret, secret), id="percent"),  # noqa: UP031 - how logging formats
        pytest.param(lambda secret: str([secret, {"key": secret}]), id="inside a collection"),
    ],
)
def test_nothing_that_prints_shows_it(shown: Callable[[object], str]) -> None:
    text = shown(Secret(CANARY))

    assert CANARY not in text
    assert MASK in text


def test_a_log_line_and_a_traceback_show_the_mask(caplog: pytest.LogCaptureFixture) -> None:
    secret = Secret(CANARY)
    error = RuntimeError("call failed with", secret)

    logging.getLogger("seawall.test").error("key %s", secret, exc_info=error)

    assert CANARY not in caplog.text + "".join(traceback.format_exception(error))
    assert MASK in caplog.text


@pytest.mark.parametrize(
    "write", [orjson.dumps, json.dumps, msgspec.json.encode, pickle.dumps, copy.copy, copy.deepcopy]
)
def test_nothing_writes_pickles_or_copies_it(write: Callable[[object], object]) -> None:
    with pytest.raises(TypeError):
        write(Secret(CANARY))


def test_it_has_no_hash_and_no_room_for_notes() -> None:
    secret = Secret(CANARY)

    with pytest.raises(TypeError):
        hash(secret)
    with pytest.raises(AttributeError):
        secret.note = "text"  # type: ignore[attr-defined]  # that it cannot be done is the point


@given(one=HEADER_SAFE, other=HEADER_SAFE)
def test_two_are_equal_when_their_credentials_are(one: str, other: str) -> None:
    assert (Secret(one) == Secret(other)) is (one == other)


def test_it_equals_nothing_but_a_secret() -> None:
    assert Secret(CANARY) != CANARY


@pytest.mark.parametrize(
    "value", ["two words", "line\r\nbreak", "tab\there", "schlüssel", "null\x00", " lead", "del\x7f"]
)
def test_what_cannot_travel_in_a_header_is_refused_without_being_shown(value: str) -> None:
    with pytest.raises(ValueError, match="expected a header-safe token") as caught:
        Secret(value)

    assert value not in str(caught.value)


def test_an_empty_secret_is_refused() -> None:
    with pytest.raises(ValueError, match="expected at least one character"):
        Secret("")


@given(value=HEADER_SAFE)
def test_every_header_safe_token_is_kept_as_it_is(value: str) -> None:
    assert Secret(value).reveal() == value

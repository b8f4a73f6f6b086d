import inspect
import re

import pytest

from seawall.core import error as tree
from seawall.core.error import (
    BadRequest,
    DeadlineExceeded,
    NotFound,
    PolicyError,
    RateLimited,
    Refused,
    SeawallError,
    Unavailable,
    UpstreamCredentials,
    UpstreamError,
    UpstreamRefused,
    UpstreamTimeout,
    UpstreamUnreachable,
)

ERRORS = [value for value in vars(tree).values() if inspect.isclass(value) and issubclass(value, SeawallError)]
DRAWN = re.compile(r"^(?P<indent>[ │├└─]*)(?P<name>[A-Z]\w+)(?: +(?P<status>\d{3}))?(?: |$)", re.MULTILINE)


def _drawing() -> list[tuple[int, str, str | None]]:
    drawn = (tree.__doc__ or "").split("SeawallError\n", 1)[1].split("\n\n", 1)[0]
    return [(len(m["indent"]), m["name"], m["status"]) for m in DRAWN.finditer(drawn)]


def test_the_drawing_shows_every_error() -> None:
    assert {name for _, name, _ in _drawing()} | {"SeawallError"} == {error.__name__ for error in ERRORS}


def test_the_drawing_shows_who_descends_from_whom() -> None:
    above = {4: "SeawallError"}
    for indent, name, _ in _drawing():
        parent = getattr(tree, name).__bases__[0].__name__
        assert parent == above[max(level for level in above if level < indent)], name
        above = {level: known for level, known in above.items() if level < indent} | {indent: name}


def test_the_drawing_shows_the_status() -> None:
    wrong = [(n, status) for _, n, status in _drawing() if status and getattr(tree, n).status != int(status)]

    assert wrong == []


def test_every_error_that_stands_for_itself_has_its_own_code() -> None:
    codes = [error.code for error in ERRORS]

    assert len(set(codes)) == len(codes)


@pytest.mark.parametrize("error", ERRORS, ids=lambda error: error.__name__)
def test_every_error_says_what_it_means(error: type[SeawallError]) -> None:
    assert error.__doc__
    assert 400 <= error.status < 600
    assert re.fullmatch(r"[a-z_]+(\.[a-z_]+)*", error.code)


def test_a_refusal_says_that_trying_again_cannot_help() -> None:
    refusals = [error for error in ERRORS if issubclass(error, Refused)]

    # Only what comes too fast may come again: its error says when.
    assert [error for error in refusals if error.should_retry is not False] == [RateLimited]
    assert all(400 <= error.status < 500 for error in refusals)


def test_a_refusal_carries_the_place_of_the_fault() -> None:
    error = BadRequest("expected a number, found text", code="request.type", param="messages.0.role")

    assert (str(error), error.code, error.param) == ("expected a number, found text", "request.type", "messages.0.role")
    assert BadRequest("x").code == "request.invalid", "a code of one error is not the code of all"


def test_a_refusal_without_a_code_keeps_the_code_of_its_kind() -> None:
    error = NotFound("no such route")

    assert (error.code, error.param) == ("request.not_found", None)


def test_a_policy_error_is_neither_the_clients_nor_the_providers_fault() -> None:
    assert not issubclass(PolicyError, Refused | UpstreamError)


@pytest.mark.parametrize(
    ("phase", "dispatched"),
    [
        pytest.param("connect", False, id="nothing was sent"),
        pytest.param("first_token", True, id="the provider may be working"),
        pytest.param("idle", True, id="the provider was answering"),
    ],
)
def test_a_timeout_names_its_setting_and_whether_it_may_be_billed(phase: str, dispatched: bool) -> None:
    error = UpstreamTimeout(phase, 1.5)

    assert phase in UpstreamTimeout.PHASES
    assert str(error) == f"the provider took longer than the route's {phase}_timeout_ms of 1500 ms"
    assert (error.code, error.phase, error.dispatched) == (f"upstream.timeout.{phase}", phase, dispatched)
    assert error.status == 504


def test_what_was_never_sent_was_not_dispatched() -> None:
    assert UpstreamUnreachable("no route to host").dispatched is False
    assert UpstreamError("?").dispatched is True, "when in doubt it may have been billed"


def test_a_providers_refusal_is_passed_on_with_its_own_words() -> None:
    error = UpstreamRefused(429, "rate_limit_error", "slow down", detail="tokens", param="max_tokens")

    assert (error.status, error.kind, str(error)) == (429, "rate_limit_error", "slow down")
    assert (error.detail, error.param) == ("tokens", "max_tokens")
    assert UpstreamRefused(500, "api_error", "oops").detail == ""


def test_who_may_try_again_is_said_where_it_is_known() -> None:
    assert Unavailable("stores are down").retry_after_s == 1.0
    assert Unavailable("stores are down").should_retry is None
    assert DeadlineExceeded("5 s passed").should_retry is False
    assert UpstreamCredentials("rejected").should_retry is False

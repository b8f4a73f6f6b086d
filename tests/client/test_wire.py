import httpx2
import pytest
from hypothesis import given
from hypothesis import strategies as st

from seawall.client.run import Answer
from seawall.client.wire import ask_of, read_timeout_s, response_of

HEAD = b"HTTP/1.1 200 OK\r\ncontent-type: application/json\r\nx-odd: a: b\r\n"


def test_names_of_fields_are_lower_case_and_those_that_stand_twice_are_joined() -> None:
    headers = [("X-One", "1"), ("anthropic-beta", "a"), ("Anthropic-Beta", "b")]
    request = httpx2.Request("POST", "https://any.test/v1/messages?beta=true", headers=headers, content=b"{}")

    ask = ask_of(request, b"{}")

    assert (ask.method, ask.target, ask.content) == ("POST", b"/v1/messages?beta=true", b"{}")
    assert ask.headers[b"x-one"] == b"1"
    assert ask.headers[b"anthropic-beta"] == b"a, b"


def test_a_whole_answer_has_its_length() -> None:
    response = response_of(Answer(HEAD, b"{}"), httpx2.ByteStream(b"not this"))

    assert response.status_code == 200
    assert response.read() == b"{}"
    assert response.headers["content-length"] == "2"
    assert response.headers["x-odd"] == "a: b"


def test_a_stream_has_none() -> None:
    response = response_of(Answer(HEAD, None), httpx2.ByteStream(b"in pieces"))

    assert response.read() == b"in pieces"
    assert "content-length" not in response.headers


@given(st.integers(200, 599))
def test_every_status_is_passed_on(status: int) -> None:
    assert (
        response_of(Answer(b"HTTP/1.1 %d Any Phrase\r\n" % status, b""), httpx2.ByteStream(b"")).status_code == status
    )


@pytest.mark.parametrize(
    ("extensions", "limit_s"),
    [
        pytest.param({}, None, id="nothing said"),
        pytest.param({"timeout": httpx2.Timeout(None).as_dict()}, None, id="no limit"),
        pytest.param({"timeout": httpx2.Timeout(3.0, connect=1.0).as_dict()}, 3.0, id="a limit"),
    ],
)
def test_the_callers_read_timeout_is_found(extensions: dict[str, object], limit_s: float | None) -> None:
    request = httpx2.Request("GET", "https://any.test/", extensions=extensions)

    assert read_timeout_s(request) == limit_s

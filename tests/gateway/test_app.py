import asyncio

import pytest

from seawall.core.error import BadRequest, BodyTooLarge
from seawall.gateway.app import BODY_S, _read_body, _split_url
from seawall.gateway.request import Request
from tests.gateway.conftest import Served, post


@pytest.mark.parametrize(
    ("url", "expected"),
    [
        pytest.param(b"/v1/messages", ("/v1/messages", b""), id="a path"),
        pytest.param(b"/v1/models?limit=2&x=?", ("/v1/models", b"limit=2&x=?"), id="a query"),
        pytest.param(b"http://gateway:8080/v1/models?limit=2", ("/v1/models", b"limit=2"), id="a proxy's form"),
        pytest.param(b"http://gateway", ("/", b""), id="a proxy's form without a path"),
        pytest.param(b"/%2e%2e/v1", ("/%2e%2e/v1", b""), id="nothing is decoded"),
        pytest.param(b"*", ("*", b""), id="the server itself"),
        pytest.param(b"", ("", b""), id="nothing"),
    ],
)
def test_a_request_target_is_split(url: bytes, expected: tuple[str, bytes]) -> None:
    assert _split_url(url) == expected


def _request(served: Served, data: bytes) -> Request:
    served.feed(data)
    return served.started[0]


async def test_a_whole_body_is_given(served: Served) -> None:
    assert await _read_body(_request(served, post(b"hello")), 100) == b"hello"


async def test_a_compressed_body_is_refused_unread(served: Served) -> None:
    request = _request(served, post(b"hello", "Content-Encoding: gzip"))

    with pytest.raises(BadRequest, match="expected an uncompressed body"):
        await _read_body(request, 100)


async def test_an_announced_size_above_the_limit_is_refused_unread(served: Served) -> None:
    request = _request(served, post(b"x" * 101)[:-101])

    with pytest.raises(BodyTooLarge, match="has 101 bytes; expected at most 100"):
        await _read_body(request, 100)


async def test_a_body_that_does_not_come_is_given_up(served: Served) -> None:
    request = _request(served, post(b"hello")[:-1])
    began_s = asyncio.get_running_loop().time()

    with pytest.raises(BadRequest, match="took longer than 30 s"):
        await _read_body(request, 100)

    assert asyncio.get_running_loop().time() - began_s == BODY_S

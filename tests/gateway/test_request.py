import asyncio

import pytest

from seawall.core.error import BodyTooLarge
from seawall.gateway.request import HIGH_WATER
from seawall.pipeline.watchdog import HungUp
from tests.gateway.conftest import OK, Served, post, turns

CHUNKED = b"POST /a HTTP/1.1\r\nHost: a\r\nTransfer-Encoding: chunked\r\n\r\n"
EXPECT = "Expect: 100-continue"


async def test_body_of_one_piece_is_given_as_it_came(served: Served) -> None:
    served.feed(post(b"body"))

    assert await served.started[0].read_body(4) == b"body"


async def test_body_in_pieces_is_waited_for(served: Served) -> None:
    data = post(b"body")
    served.feed(data[:-3])
    reading = asyncio.ensure_future(served.started[0].read_body(4))
    await turns()
    assert not reading.done()

    served.feed(data[-3:-1])
    await turns()
    served.feed(data[-1:])

    assert await reading == b"body"


async def test_announced_length_beyond_the_limit_is_refused_unread(served: Served) -> None:
    served.feed(post(b"12345")[:-5])

    with pytest.raises(BodyTooLarge, match="has 5 bytes; expected at most 4"):
        await served.started[0].read_body(4)


async def test_body_that_grows_beyond_the_limit_is_refused_in_the_middle(served: Served) -> None:
    served.feed(CHUNKED + b"3\r\nabc\r\n")
    reading = asyncio.ensure_future(served.started[0].read_body(4))
    await turns()
    served.feed(b"3\r\nabc\r\n")

    with pytest.raises(BodyTooLarge, match="longer than 4 bytes"):
        await reading


async def test_body_that_nobody_reads_stops_the_client(served: Served) -> None:
    served.feed(CHUNKED)
    served.feed(b"%x\r\n%b\r\n" % (HIGH_WATER + 1, b"x" * (HIGH_WATER + 1)))
    assert not served.wire.is_reading_now

    reading = asyncio.ensure_future(served.started[0].read_body(1 << 20))
    await turns()
    assert served.wire.is_reading_now
    served.feed(b"0\r\n\r\n")

    assert len(await reading) == HIGH_WATER + 1


async def test_client_that_leaves_in_the_middle_of_its_body_has_hung_up(served: Served) -> None:
    served.feed(post(b"body")[:-1])
    reading = asyncio.ensure_future(served.started[0].read_body(4))
    await turns()

    served.wire.hang_up()

    with pytest.raises(HungUp):
        await reading


async def test_cancelled_reading_can_be_taken_up_again(served: Served) -> None:
    data = post(b"body")
    served.feed(data[:-1])
    reading = asyncio.ensure_future(served.started[0].read_body(4))
    await turns()
    reading.cancel()
    await turns()

    served.feed(data[-1:])

    assert await served.started[0].read_body(4) == b"body"


async def test_client_that_asks_before_it_sends_is_told_to_go_on(served: Served) -> None:
    head = post(b"body", EXPECT)[:-4]
    served.feed(head)
    assert served.wire.sent == b"", "who may not call need not send"
    reading = asyncio.ensure_future(served.started[0].read_body(4))
    await turns()
    assert served.wire.sent == b"HTTP/1.1 100 Continue\r\n\r\n"
    served.feed(b"body")

    served.connection.respond(served.started[0], OK, await reading)

    assert [answer.body for answer in served.answers] == [b"body"]


async def test_client_that_has_sent_already_is_not_told_to_go_on(served: Served) -> None:
    served.feed(post(b"body", EXPECT))

    await served.started[0].read_body(4)

    assert served.wire.sent == b""


async def test_old_client_is_sent_no_interim_answer(served: Served) -> None:
    served.feed(post(b"body", EXPECT).replace(b"HTTP/1.1", b"HTTP/1.0")[:-4])
    reading = asyncio.ensure_future(served.started[0].read_body(4))
    await turns()
    served.feed(b"body")

    assert await reading == b"body"
    assert served.wire.sent == b""

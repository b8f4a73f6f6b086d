import asyncio

from seawall.gateway.connection import (
    STALLED_S,
)
from seawall.gateway.request import HIGH_WATER
from tests.gateway.conftest import OK, Served, get, turns

CHUNKED = "transfer-encoding: chunked"


async def _pass(seconds: float, served: Served) -> None:
    """Let virtual time pass, with a sweep a second."""
    loop = asyncio.get_running_loop()
    until_s = loop.time() + seconds
    while loop.time() < until_s:
        await asyncio.sleep(min(1.0, until_s - loop.time()))
        served.sweep()


async def test_stream_is_chunked_and_ends_cleanly(served: Served) -> None:
    served.feed(get())
    request = served.started[0]

    served.connection.begin(request, OK)
    await served.connection.write(b"hello")
    await served.connection.write(b"")
    served.connection.end(request)

    assert bytes(served.wire.sent) == OK + b"transfer-encoding: chunked\r\n\r\n5\r\nhello\r\n0\r\n\r\n"
    assert not served.wire.is_lost


async def test_stream_to_an_old_client_ends_with_the_connection(served: Served) -> None:
    served.feed(b"GET /a HTTP/1.0\r\n\r\n")
    request = served.started[0]

    served.connection.begin(request, OK)
    await served.connection.write(b"hello")
    served.connection.end(request)
    await turns()

    assert bytes(served.wire.sent) == OK + b"connection: close\r\n\r\nhello"
    assert served.wire.is_lost
    assert not served.wire.was_aborted


async def test_broken_stream_has_no_end_mark(served: Served) -> None:
    served.feed(get() + get("/b"))
    request = served.started[0]
    served.connection.begin(request, OK)
    await served.connection.write(b"hello")

    served.connection.cut(request, b"error")
    await turns()

    assert served.wire.sent.endswith(b"5\r\nhello\r\n5\r\nerror\r\n")
    assert served.wire.is_lost
    assert len(served.started) == 1


async def test_broken_stream_to_an_old_client_is_reset(served: Served) -> None:
    served.feed(b"GET /a HTTP/1.0\r\n\r\n")
    request = served.started[0]
    served.connection.begin(request, OK)

    served.connection.cut(request)

    assert served.wire.was_aborted


async def test_fault_before_the_answer_is_a_500(served: Served) -> None:
    served.feed(get())

    served.connection.fail(served.started[0])

    assert [answer.status for answer in served.answers] == [500]
    assert served.answers[0].headers["x-should-retry"] == "false"


async def test_fault_in_the_middle_of_a_stream_breaks_it(served: Served) -> None:
    served.feed(get())
    served.connection.begin(served.started[0], OK)

    served.connection.fail(served.started[0])
    await turns()

    assert served.wire.sent.endswith(b"chunked\r\n\r\n")
    assert served.wire.is_lost


async def test_fault_after_the_answer_leaves_the_next_one_alone(served: Served) -> None:
    served.feed(get("/a") + get("/b"))
    served.connection.respond(served.started[0], OK, b"1")

    served.connection.fail(served.started[0])
    served.connection.cut(served.started[0])
    served.connection.respond(served.started[1], OK, b"2")

    assert [answer.body for answer in served.answers] == [b"1", b"2"]


async def test_writer_waits_while_the_client_does_not_read(served: Served) -> None:
    served.feed(get())
    served.connection.begin(served.started[0], OK)
    served.wire.is_taken = False
    writing = asyncio.ensure_future(served.connection.write(b"x" * (HIGH_WATER + 1)))
    await turns()
    assert not writing.done()

    served.wire.take()
    await turns()

    assert writing.done()


async def test_wait_that_was_cancelled_does_not_spoil_the_next(served: Served) -> None:
    served.feed(get())
    served.connection.begin(served.started[0], OK)
    served.wire.is_taken = False
    first = asyncio.ensure_future(served.connection.write(b"x" * (HIGH_WATER + 1)))
    await turns()
    first.cancel()
    await turns()

    second = asyncio.ensure_future(served.connection.write(b"y"))
    await turns()
    assert not second.done()
    served.wire.take()
    await second

    assert served.wire.sent.endswith(b"1\r\ny\r\n")


async def test_client_that_does_not_read_gets_no_further_answers(served: Served) -> None:
    served.wire.is_taken = False
    served.feed(get("/a") + get("/b"))

    served.connection.respond(served.started[0], OK, b"x" * (HIGH_WATER + 1))
    assert len(served.started) == 1
    assert not served.wire.is_reading_now
    served.wire.take()

    assert len(served.started) == 2


async def test_refusal_waits_for_a_client_that_does_not_read(served: Served) -> None:
    served.wire.is_taken = False
    served.feed(get("/a") + b"nonsense\r\n\r\n")

    served.connection.respond(served.started[0], OK, b"x" * (HIGH_WATER + 1))
    served.wire.take()
    served.wire.take()

    assert [answer.status for answer in served.answers] == [200, 400]


async def test_stalled_client_is_cut_off_and_one_that_reads_slowly_is_not(served: Served) -> None:
    served.wire.is_taken = False
    served.feed(get())
    served.connection.respond(served.started[0], OK, b"x" * HIGH_WATER * 4)

    for _ in range(3):
        await _pass(STALLED_S - 10, served)
        served.wire.take(1000)
    await _pass(20, served)
    assert not served.wire.is_lost
    await _pass(2 * STALLED_S + 2, served)

    assert served.wire.is_lost


async def test_closing_waits_for_a_slow_reader_but_not_for_ever(served: Served) -> None:
    served.wire.is_taken = False
    served.feed(get("/a", "Connection: close"))
    served.connection.respond(served.started[0], OK, b"x" * 100)
    assert not served.wire.is_lost

    await _pass(STALLED_S + 2, served)

    assert served.wire.is_lost
    assert served.wire.was_aborted

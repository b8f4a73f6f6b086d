import asyncio

import pytest

from seawall.gateway.connection import (
    HEAD_S,
    KEEP_ALIVE_S,
    LINGER_S,
    LONGEST_LINGER_S,
    MAX_PIPELINED,
    Connection,
)
from seawall.gateway.request import HIGH_WATER
from tests.gateway.conftest import OK, Served, Wire, get, post, turns

CHUNKED = "transfer-encoding: chunked"


async def _pass(seconds: float, served: Served) -> None:
    """Let virtual time pass, with a sweep a second."""
    loop = asyncio.get_running_loop()
    until_s = loop.time() + seconds
    while loop.time() < until_s:
        await asyncio.sleep(min(1.0, until_s - loop.time()))
        served.sweep()


async def test_answer_goes_out_in_one_piece_and_the_connection_lives_on(served: Served) -> None:
    served.feed(get())

    served.connection.respond(served.started[0], OK, b"one")
    served.feed(get("/b"))
    served.connection.respond(served.started[1], OK, b"two")

    assert [(a.status, a.body) for a in served.answers] == [(200, b"one"), (200, b"two")]
    assert "connection" not in served.answers[0].headers
    assert not served.wire.is_lost


async def test_answer_to_head_has_the_length_and_no_body(served: Served) -> None:
    served.feed(b"HEAD /a HTTP/1.1\r\nHost: gateway\r\n\r\n")

    served.connection.respond(served.started[0], OK, b"body")

    assert bytes(served.wire.sent) == OK + b"content-length: 4\r\n\r\n"
    assert not served.wire.is_lost


@pytest.mark.parametrize(
    "request_bytes", [get("/a", "Connection: close"), b"GET /a HTTP/1.0\r\n\r\n", b"GET /a HTTP/1.0\r\nHost: a\r\n\r\n"]
)
async def test_connection_closes_when_the_client_wants_it(served: Served, request_bytes: bytes) -> None:
    served.feed(request_bytes)

    served.connection.respond(served.started[0], OK, b"one")
    await turns()

    assert served.answers[0].headers["connection"] == "close"
    assert served.wire.is_lost
    assert served.port.open == set()


async def test_one_request_runs_at_a_time_and_the_others_keep_their_order(served: Served) -> None:
    served.feed(get("/a") + post(b"body", path="/b") + get("/c"))
    assert [request.url for request in served.started] == [b"/a"]

    for number, text in enumerate((b"1", b"2", b"3")):
        served.connection.respond(served.started[number], OK, text)

    assert [request.url for request in served.started] == [b"/a", b"/b", b"/c"]
    assert [answer.body for answer in served.answers] == [b"1", b"2", b"3"]


async def test_reading_stops_while_requests_wait_and_goes_on_for_the_last(served: Served) -> None:
    served.feed(get("/a") + get("/b"))
    assert not served.wire.is_reading_now

    served.connection.respond(served.started[0], OK, b"1")

    assert served.wire.is_reading_now, "or nobody would notice the client leave"


async def test_requests_beyond_the_bound_get_an_orderly_end(served: Served) -> None:
    served.feed(get() * (MAX_PIPELINED + 3))

    for number in range(MAX_PIPELINED + 1):
        served.connection.respond(served.started[number], OK, b"")
    await turns()

    assert [answer.status for answer in served.answers] == [200] * (MAX_PIPELINED + 1)
    assert served.answers[-1].headers["connection"] == "close"
    assert served.wire.is_lost


async def test_what_is_no_request_is_refused_after_those_before_it(served: Served) -> None:
    served.feed(get("/a") + get("/b") + b"nonsense\r\n\r\n")
    served.connection.respond(served.started[0], OK, b"1")
    served.connection.respond(served.started[1], OK, b"2")

    assert [answer.status for answer in served.answers] == [200, 200, 400]
    assert served.answers[2].headers["connection"] == "close"
    assert served.wire.has_sent_end
    assert not served.wire.is_lost, "the client has time to read"


async def test_broken_body_takes_its_request_back(served: Served) -> None:
    served.feed(b"POST /a HTTP/1.1\r\nHost: a\r\nTransfer-Encoding: chunked\r\n\r\n3\r\nabc\r\n")
    hung_up: list[bool] = []
    served.started[0].on_lost = lambda: hung_up.append(True)

    served.feed(b"zz\r\n")
    served.connection.respond(served.started[0], OK, b"too late")

    assert [answer.status for answer in served.answers] == [400]
    assert hung_up == [True]


async def test_broken_body_of_a_waiting_request_is_refused_in_its_turn(served: Served) -> None:
    served.feed(get() + b"POST /b HTTP/1.1\r\nHost: a\r\nTransfer-Encoding: chunked\r\n\r\nzz\r\n")

    served.connection.respond(served.started[0], OK, b"1")

    assert [answer.status for answer in served.answers] == [200, 400]
    assert len(served.started) == 1


async def test_answer_before_the_end_of_the_body_ends_the_connection_gently(served: Served) -> None:
    served.feed(post(b"x" * 10)[:-5])

    served.connection.respond(served.started[0], b"HTTP/1.1 413 Content Too Large\r\n", b"no")
    served.feed(b"x" * 5)
    await turns()

    assert [answer.status for answer in served.answers] == [413]
    assert served.answers[0].headers["connection"] == "close"
    assert served.wire.has_sent_end
    assert not served.wire.is_lost
    await _pass(LINGER_S + 1, served)
    assert served.wire.is_lost


async def test_who_still_sends_a_refused_body_may_do_so_for_a_while(served: Served) -> None:
    served.feed(post(b"x" * 10)[:-5])
    served.connection.respond(served.started[0], OK, b"no")

    for _ in range(int(LONGEST_LINGER_S)):
        assert not served.wire.is_lost
        served.feed(b"x" * 1000)
        await _pass(1.0, served)
    await _pass(2.0, served)

    assert served.wire.is_lost


async def test_lost_client_is_told_to_the_request(served: Served) -> None:
    served.feed(get())
    heard: list[bool] = []
    served.started[0].on_lost = lambda: heard.append(True)

    served.wire.hang_up()
    await turns()
    served.connection.respond(served.started[0], OK, b"nobody reads this")

    assert heard == [True]
    assert served.started[0].is_lost
    assert served.wire.sent == b""


async def test_large_body_in_one_read_does_not_hide_a_client_that_leaves(served: Served) -> None:
    served.feed(post(b"x" * (HIGH_WATER + 1)))

    assert served.started[0].is_whole
    assert served.wire.is_reading_now


@pytest.mark.parametrize(
    ("data", "limit_s"),
    [(b"", HEAD_S), (b"GET /a HT", HEAD_S), (get("/a") + b"GET ", HEAD_S), (get("/a"), KEEP_ALIVE_S)],
    ids=["silent", "half a head", "half a second head", "idle"],
)
async def test_client_that_keeps_us_waiting_is_sent_away(served: Served, data: bytes, limit_s: float) -> None:
    if data:
        served.feed(data)
    if served.started:
        served.connection.respond(served.started[0], OK, b"")

    await _pass(limit_s - 1, served)
    assert not served.wire.is_lost
    await _pass(2, served)

    assert served.wire.is_lost


async def test_head_that_drips_in_does_not_win_time(served: Served) -> None:
    for byte in b"GET /aaaa":
        served.feed(bytes([byte]))
        await _pass(1.0, served)
    await _pass(2.0, served)

    assert served.wire.is_lost


async def test_request_that_runs_has_no_deadline_of_the_connection(served: Served) -> None:
    served.feed(get())

    await _pass(3600, served)

    assert not served.wire.is_lost


async def test_idle_time_counts_from_the_moment_the_client_has_read(served: Served) -> None:
    served.wire.is_taken = False
    served.feed(get())
    served.connection.respond(served.started[0], OK, b"x" * (HIGH_WATER + 1))
    await _pass(30, served)
    served.wire.take()

    await _pass(KEEP_ALIVE_S - 2, served)
    assert not served.wire.is_lost
    await _pass(3, served)

    assert served.wire.is_lost


async def test_full_server_turns_a_connection_away(served: Served) -> None:
    served.port.max_connections = 1
    wire = Wire(asyncio.get_running_loop())

    wire.connect(Connection(served.port))
    await turns()

    assert wire.was_aborted
    assert served.port.open == {served.connection}


async def test_draining_closes_idle_connections_at_once_and_busy_ones_after_their_answer(served: Served) -> None:
    served.feed(get())
    served.port.is_draining = True
    served.connection.close_if_idle()
    assert not served.wire.is_closing()

    served.connection.respond(served.started[0], OK, b"last")
    await turns()

    assert served.answers[0].headers["connection"] == "close"
    assert served.wire.is_lost
    assert served.port.emptied.is_set()


async def test_draining_lets_a_stream_finish(served: Served) -> None:
    served.feed(get())
    served.connection.begin(served.started[0], OK)
    served.port.is_draining = True

    await served.connection.write(b"end")
    served.connection.end(served.started[0])
    await turns()

    assert served.wire.sent.endswith(b"0\r\n\r\n")
    assert served.wire.is_lost


async def test_lost_connection_is_not_written_to(served: Served) -> None:
    served.feed(get())
    served.connection.begin(served.started[0], OK)
    served.wire.hang_up()
    await turns()

    await served.connection.write(b"more")
    served.connection.end(served.started[0])

    assert served.wire.sent.endswith(b"chunked\r\n\r\n")


async def test_client_that_leaves_while_a_writer_waits_frees_it(served: Served) -> None:
    served.feed(get())
    served.connection.begin(served.started[0], OK)
    served.wire.is_taken = False
    writing = asyncio.ensure_future(served.connection.write(b"x" * (HIGH_WATER + 1)))
    await turns()

    served.wire.abort()
    await turns()

    assert writing.done()
    assert served.started[0].is_lost

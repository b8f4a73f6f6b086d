import asyncio

import pytest
from hypothesis import given
from hypothesis import strategies as st

from seawall.assembly.arrival import forwarded_query, new_exchange
from seawall.dialects.anthropic import ANTHROPIC
from seawall.dialects.dialect import MESSAGES
from seawall.pipeline.exchange import Asked, Exchange
from seawall.pipeline.watchdog import Kennel

TRACE = b"4bf92f3577b34da6a3ce929d0e0e4736"


async def _empty(limit: int) -> bytes:
    del limit
    return b""


async def _arrived(at_s: float = 1_800_000_000.0, **headers: bytes) -> Exchange:
    task = asyncio.current_task()
    assert task is not None
    dog = Kennel(asyncio.get_running_loop()).watch(task)
    named = {name.encode(): value for name, value in headers.items()}
    exchange = new_exchange(at_s, dog, Asked(ANTHROPIC, MESSAGES, named, _empty))
    dog.close()
    return exchange


async def test_an_id_fits_its_record_and_is_never_the_same() -> None:
    ids = {(await _arrived()).id for _ in range(100)}

    assert len(ids) == 100
    assert all(len(text) == 36 and text.startswith("req_") for text in ids)


async def test_ids_sort_by_time() -> None:
    ids = [(await _arrived(at_s)).id for at_s in (1.0, 1.5, 999.9, 1_800_000_000.0)]

    assert ids == sorted(ids)


async def test_a_callers_trace_goes_on() -> None:
    exchange = await _arrived(traceparent=b"00-" + TRACE + b"-00f067aa0ba902b7-01")

    assert exchange.trace_id == TRACE.decode()


@pytest.mark.parametrize(
    "traceparent",
    [
        pytest.param(b"", id="empty"),
        pytest.param(b"00-" + b"0" * 32 + b"-00f067aa0ba902b7-01", id="all zeros"),
        pytest.param(b"00-" + TRACE.upper() + b"-00f067aa0ba902b7-01", id="upper case"),
        pytest.param(b"00-" + TRACE, id="cut off"),
        pytest.param(b"\xff" * 55, id="no text"),
    ],
)
async def test_a_call_without_a_valid_trace_begins_one(traceparent: bytes) -> None:
    exchange = await _arrived(traceparent=traceparent)

    assert exchange.trace_id == exchange.id[4:]


def test_only_the_dialects_own_parameters_travel() -> None:
    assert forwarded_query(b"beta=true&api_key=secret&limit=20&after_id=m%2F1") == "beta=true&limit=20&after_id=m%2F1"


def test_a_query_of_too_many_parameters_is_left_behind() -> None:
    assert forwarded_query(b"&".join([b"limit=1"] * 33)) == ""


@given(st.binary(max_size=200))
def test_whatever_travels_is_printable_ascii(query: bytes) -> None:
    text = forwarded_query(query)

    assert text.isascii()
    assert " " not in text
    assert text.isprintable()

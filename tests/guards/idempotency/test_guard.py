import asyncio
from dataclasses import replace

import pytest

from seawall.core.error import (
    BadRequest,
    Conflict,
    Mismatch,
)
from seawall.core.principal import Principal
from seawall.dialects.dialect import CHAT, COUNT_TOKENS, EMBEDDINGS
from seawall.guards.idempotency.settings import IdempotencySettings
from seawall.pipeline.stream import StreamState
from seawall.pipeline.watchdog import HungUp
from seawall.testing.scripted_upstream import Pause, Script
from seawall.testing.virtual_loop import run_virtual
from tests.guards.idempotency.conftest import FRAMES, GOOD, SLOW_STREAM, Process, body_of
from tests.scene import ANSWER, OWNER, ROUTE, Ended, whole


def test_200_concurrent_calls_with_one_key_are_one_call_and_one_charge(process: Process) -> None:
    async def main() -> list[Ended]:
        process.upstream.expect([GOOD] * 2)
        return await asyncio.gather(*[process.ask() for _ in range(200)])

    ended = run_virtual(main())

    assert len(process.upstream.requests) == 1
    assert {body_of(each) for each in ended} == {GOOD.steps[0]}
    assert sum(each.exchange.is_replayed for each in ended) == 199
    assert sum(bool(record.cost_nusd) for record in process.records.all) == 1
    assert sum(len(record.attempts) for record in process.records.all) == 1
    assert process.keys.running == {}
    replayed = next(each for each in ended if each.exchange.is_replayed)
    assert replayed.reply is not None
    assert (replayed.reply.status, replayed.reply.headers) == (200, [(b"request-id", b"req_scripted")])
    assert replayed.exchange.notes == ["idempotency.replayed"]


def test_200_concurrent_streams_with_one_key_get_the_same_bytes_live(process: Process) -> None:
    async def main() -> tuple[list[Ended], float]:
        process.upstream.expect([SLOW_STREAM] * 2)
        first = [process.ask(stream=True) for _ in range(100)]
        await asyncio.sleep(2.2)
        late = [process.ask(stream=True) for _ in range(100)]
        return await asyncio.gather(*first, *late), asyncio.get_running_loop().time()

    ended, at_s = run_virtual(main())

    assert len(process.upstream.requests) == 1
    assert {body_of(each) for each in ended} == {b"".join(FRAMES)}
    assert at_s == pytest.approx(1.0 + 0.5 * (len(FRAMES) - 1)), "nobody waited for the end before the beginning"
    assert len(ended[1].written) > 3, "who joined early followed piece by piece"
    assert {len(each.exchange.attempts) for each in ended} == {0, 1}


@pytest.mark.parametrize("stream", [False, True])
def test_a_later_repeat_gets_the_kept_bytes_and_pays_nothing(process: Process, stream: bool) -> None:
    async def main() -> tuple[Ended, Ended]:
        process.upstream.expect([SLOW_STREAM if stream else GOOD])
        return await process.answer(stream=stream), await process.beside().answer(stream=stream)

    first, second = run_virtual(main())

    assert body_of(second) == body_of(first)
    assert (first.exchange.is_replayed, second.exchange.is_replayed) == (False, True)
    assert second.exchange.attempts == []
    assert second.reply is not None
    assert (second.reply.stream is not None) is stream


@pytest.mark.parametrize("stream", [False, True])
def test_a_first_client_that_leaves_is_no_loss_for_those_who_stay(process: Process, stream: bool) -> None:
    async def main() -> list[Ended]:
        process.upstream.expect([SLOW_STREAM if stream else GOOD])
        tasks = [process.ask(stream=stream, hang_up_s=1.7)]
        await asyncio.sleep(0.1)
        tasks.append(process.ask(stream=stream))
        return [*await asyncio.gather(*tasks), await process.answer(stream=stream)]

    gone, joined, later = run_virtual(main())

    assert len(process.upstream.requests) == 1
    assert body_of(joined) == body_of(later) == (b"".join(FRAMES) if stream else GOOD.steps[0])
    assert gone.error is None
    assert gone.exchange.notes == ["client.left"]
    record = next(record for record in process.records.all if record.attempts)
    assert (record.outcome, record.notes, len(record.attempts)) == ("ok", ("client.left",), 1)
    assert len(b"".join(gone.written)) < len(b"".join(FRAMES)), "nothing is written to who is gone"


def test_a_client_that_joined_and_leaves_ends_only_its_own_call(process: Process) -> None:
    async def main() -> list[Ended]:
        process.upstream.expect([GOOD])
        return [*await asyncio.gather(process.ask(), process.ask(hang_up_s=1.0))]

    first, left = run_virtual(main())

    assert body_of(first)
    assert isinstance(left.error, HungUp)


@pytest.mark.parametrize("is_running", [True, False])
def test_another_request_under_the_same_key_is_a_mismatch(process: Process, is_running: bool) -> None:
    async def main() -> Ended:
        process.upstream.expect([GOOD])
        first = process.ask()
        await asyncio.sleep(1.0 if is_running else 5.0)
        other = await process.answer(max_tokens=10)
        await first
        return other

    other = run_virtual(main())

    assert isinstance(other.error, Mismatch)
    assert (other.error.status, other.error.code) == (422, "idempotency.mismatch")
    assert len(process.upstream.requests) == 1


def test_the_order_of_fields_and_white_space_are_no_difference(process: Process) -> None:
    async def main() -> list[Ended]:
        process.upstream.expect([GOOD])
        return [
            await process.answer(body={"model": "m", "max_tokens": 9, "messages": [], "metadata": {"a": 1, "b": 2}}),
            await process.answer(body={"metadata": {"b": 2, "a": 1}, "messages": [], "max_tokens": 9, "model": "m"}),
        ]

    first, second = run_virtual(main())

    assert body_of(first) == body_of(second)


def test_a_key_counts_for_one_client_key_route_and_endpoint_alone(process: Process) -> None:
    async def main() -> int:
        openai = whole(ANSWER["openai"])
        process.upstream.expect([GOOD, openai, GOOD, GOOD])
        chat = {"model": "m", "messages": []}
        await process.answer()
        await process.answer(endpoint=CHAT, body=chat)
        await process.answer(principal=Principal("key_other"))
        await process.answer(principal=None)
        await process.answer(principal=replace(OWNER, team="renamed"))
        return len(process.upstream.requests)

    assert run_virtual(main()) == 4


def test_the_route_is_part_of_the_scope(process: Process) -> None:
    async def main() -> set[bytes]:
        exchange = (await process.answer()).exchange
        guard = process.scene.guards[3]
        places = set()
        for route in (ROUTE, "/ai/other"):
            exchange.route = route
            places.add(guard._keyed(exchange, b"key").claim.place)  # type: ignore[attr-defined]  # the digest is not seen
        return places

    assert len(run_virtual(main())) == 2


def test_where_nothing_is_billed_keys_mean_nothing(process: Process) -> None:
    async def main() -> list[Ended]:
        process.upstream.expect([whole({"input_tokens": 3}), whole({"input_tokens": 4})])
        return [await process.answer(endpoint=COUNT_TOKENS) for _ in range(2)]

    first, second = run_virtual(main())

    assert body_of(first) != body_of(second)


def test_embeddings_are_replayed_too(process: Process) -> None:
    async def main() -> list[Ended]:
        process.upstream.expect([whole({"object": "list", "data": [{"embedding": [0.5]}], "model": "e"})])
        return [await process.answer(endpoint=EMBEDDINGS, body={"model": "m", "input": "x"}) for _ in range(2)]

    first, second = run_virtual(main())

    assert body_of(first) == body_of(second)


@pytest.mark.parametrize("key", ["", "x" * 256, "caf\u00e9"])
def test_a_bad_key_is_refused_before_anything_happens(process: Process, key: str) -> None:
    async def main() -> Ended:
        return await process.answer(key)

    ended = run_virtual(main())

    assert isinstance(ended.error, BadRequest)
    assert process.upstream.requests == []


@pytest.mark.parametrize("stream", [False, True])
def test_an_answer_that_is_too_large_is_given_once(process: Process, stream: bool) -> None:
    process = replace(process, settings=IdempotencySettings(largest=300))
    script = Script([step for frame in FRAMES for step in (frame, Pause(0.5))]) if stream else GOOD
    big = script if stream else whole(ANSWER["anthropic"] | {"pad": "x" * 300})

    async def main() -> list[Ended]:
        process.upstream.expect([big])
        both = await asyncio.gather(process.ask(stream=stream), process.ask(stream=stream))
        return [*both, await process.answer(stream=stream)]

    first, joined, later = run_virtual(main())

    assert body_of(first)
    assert "idempotency.too_large" in first.exchange.notes
    assert isinstance(later.error, Conflict)
    assert later.error.code == "idempotency.too_large"
    if stream:
        assert isinstance(joined.error, Conflict)
    else:
        assert body_of(joined) == body_of(first), "who waits for it gets it while it is here"


def test_an_answer_is_forgotten_when_its_time_is_over(process: Process) -> None:
    process = replace(process, settings=IdempotencySettings(keep_s=100.0))

    async def main() -> list[bool]:
        process.upstream.expect([GOOD, GOOD])
        first = await process.answer()
        await asyncio.sleep(99.0)
        second = await process.answer()
        await asyncio.sleep(2.0)
        third = await process.answer()
        return [each.exchange.is_replayed for each in (first, second, third)]

    assert run_virtual(main()) == [False, True, False]


def test_the_stream_that_is_recorded_tells_all_that_it_knows(process: Process) -> None:
    async def main() -> None:
        process.upstream.expect([Script(FRAMES)])
        ended = await process.answer(stream=True)
        assert ended.reply is not None
        stream = ended.reply.stream
        assert stream is not None
        assert stream.terminal_seen
        assert stream.state is StreamState.ENDED
        assert stream.first_content_s == 0.0
        assert stream.facts.usage is not None

    run_virtual(main())

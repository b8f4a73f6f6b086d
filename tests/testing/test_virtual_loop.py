import asyncio
import concurrent.futures
import socket
import threading
from collections.abc import Callable
from time import monotonic

import pytest
from hypothesis import example, given
from hypothesis import strategies as st

from seawall.testing import virtual_loop
from seawall.testing.virtual_loop import Stuck, VirtualLoop, run_virtual

DELAYS = st.lists(st.floats(0, 1e6), min_size=1, max_size=20)


def _time() -> float:
    return asyncio.get_running_loop().time()


def test_a_year_of_waiting_takes_no_time() -> None:
    async def main() -> float:
        await asyncio.sleep(365 * 86_400.0)
        return _time()

    began = monotonic()
    assert run_virtual(main()) == pytest.approx(365 * 86_400.0)
    assert monotonic() - began < 1.0


@given(delays=DELAYS)
@example(delays=[0.0, 1.2e-12])
def test_timers_fire_in_order_and_at_their_time(delays: list[float]) -> None:
    fired: list[tuple[float, float]] = []

    async def wait(delay_s: float) -> None:
        await asyncio.sleep(delay_s)
        fired.append((delay_s, _time()))

    async def main() -> None:
        await asyncio.gather(*map(wait, delays))

    run_virtual(main())

    assert [due for due, _ in fired] == sorted(delays)
    assert all(at == pytest.approx(due, abs=1e-9) for due, at in fired), "within the resolution of asyncio's clock"


def test_a_timeout_ends_what_is_slow_and_spares_what_is_quick() -> None:
    async def main() -> list[str]:
        heard = []
        for slow_s in (19.9, 20.1):
            try:
                async with asyncio.timeout(20.0):
                    await asyncio.sleep(slow_s)
                heard.append("answer")
            except TimeoutError:
                heard.append("timeout")
        return heard

    assert run_virtual(main()) == ["answer", "timeout"]


def test_what_is_ready_runs_before_time_moves() -> None:
    async def main() -> float:
        for _ in range(1000):
            await asyncio.sleep(0)
        return _time()

    assert run_virtual(main()) == 0.0


def test_peers_on_the_same_loop_talk_before_time_moves() -> None:
    async def echo(reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
        while line := await reader.readline():
            await asyncio.sleep(3.0)
            writer.write(line)
        writer.close()

    async def main() -> tuple[bytes, float]:
        async with await asyncio.start_server(echo, "127.0.0.1", 0) as server:
            port = server.sockets[0].getsockname()[1]
            reader, writer = await asyncio.open_connection("127.0.0.1", port)
            async with asyncio.timeout(3.5):
                writer.write(b"hello\n")
                answer = await reader.readline()
            at_s = _time()
            writer.close()
            await writer.wait_closed()
            return answer, at_s

    assert run_virtual(main()) == (b"hello\n", 3.0)


def test_a_silent_peer_runs_into_the_timeout() -> None:
    async def main() -> float:
        ours, theirs = socket.socketpair()
        with ours, theirs:
            ours.setblocking(False)
            with pytest.raises(TimeoutError):
                async with asyncio.timeout(60.0):
                    await asyncio.get_running_loop().sock_recv(ours, 1)
            return _time()

    assert run_virtual(main()) == 60.0


def test_a_peer_outside_gets_its_grace() -> None:
    def answer(theirs: socket.socket, asked: threading.Event) -> None:
        asked.wait(5.0)
        theirs.sendall(b"x")

    async def main() -> tuple[bytes, float]:
        ours, theirs = socket.socketpair()
        asked = threading.Event()
        thread = threading.Thread(target=answer, args=(theirs, asked))
        thread.start()
        with ours, theirs:
            ours.setblocking(False)
            asyncio.get_running_loop().call_soon(asked.set)
            async with asyncio.timeout(60.0):
                heard = await asyncio.get_running_loop().sock_recv(ours, 1)
            thread.join()
            return heard, _time()

    assert run_virtual(main(), grace_s=5.0) == (b"x", 0.0)


def test_time_stands_while_a_thread_works() -> None:
    go = threading.Event()

    async def main() -> tuple[bool, float]:
        async with asyncio.timeout(1.0), asyncio.TaskGroup() as tasks:
            work = tasks.create_task(asyncio.to_thread(go.wait, 5.0))
            await asyncio.sleep(0)
            go.set()
        return work.result(), _time()

    assert run_virtual(main()) == (True, 0.0)


def test_a_thread_may_outlive_the_coroutine(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(virtual_loop, "STUCK_S", 0.001)
    go = threading.Event()

    async def main() -> bool:
        threading.Timer(0.05, go.set).start()
        return asyncio.get_running_loop().run_in_executor(None, go.wait, 5.0).cancel()

    assert run_virtual(main())
    assert go.is_set()


def test_a_thread_may_work_for_longer_than_the_loop_looks_for_a_wake_up(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(virtual_loop, "STUCK_S", 0.001)
    go = threading.Event()

    async def main() -> bool:
        threading.Timer(0.05, go.set).start()
        return await asyncio.to_thread(go.wait, 5.0)

    assert run_virtual(main())


def test_a_foreign_thread_can_wake_a_loop_that_waits_for_nothing_else(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(virtual_loop, "STUCK_S", 30.0)

    async def main() -> int:
        with concurrent.futures.ThreadPoolExecutor(1) as pool:
            return await asyncio.wrap_future(pool.submit(lambda: 42))

    assert run_virtual(main()) == 42


@pytest.mark.parametrize(
    "wait",
    [
        pytest.param(lambda: asyncio.Event().wait(), id="event"),
        pytest.param(lambda: asyncio.Queue[int]().get(), id="queue"),
    ],
)
def test_waiting_for_what_cannot_happen_is_said(wait: Callable[[], object], monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(virtual_loop, "STUCK_S", 0.01)

    async def main() -> None:
        await asyncio.sleep(2.0)
        await wait()  # type: ignore[misc]  # a coroutine of either kind

    with pytest.raises(Stuck, match=r"nothing is ready after 2\.0 virtual seconds"):
        run_virtual(main())


def test_a_server_without_a_client_is_not_stuck(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(virtual_loop, "STUCK_S", 0.01)
    rounds = []

    async def main() -> None:
        loop = asyncio.get_running_loop()
        server = await asyncio.start_server(lambda *_: None, "127.0.0.1", 0)
        threading.Timer(0.1, lambda: loop.call_soon_threadsafe(server.close)).start()
        with pytest.raises(asyncio.CancelledError):
            await server.serve_forever()
        rounds.append(_time())

    run_virtual(main())

    assert rounds == [0.0]


def test_tasks_left_over_are_cancelled_and_the_loop_is_closed() -> None:
    ended: list[str] = []
    loops: list[asyncio.AbstractEventLoop] = []

    async def linger() -> None:
        try:
            await asyncio.Event().wait()
        finally:
            ended.append("cancelled")

    async def main() -> None:
        loop = asyncio.get_running_loop()
        loops.append(loop)
        task = loop.create_task(linger())
        await asyncio.sleep(1.0)
        assert not task.done()

    run_virtual(main())

    assert ended == ["cancelled"]
    assert loops[0].is_closed()


def test_the_loop_can_be_made_by_hand() -> None:
    loop = VirtualLoop()
    try:
        assert loop.time() == 0.0
        loop.run_until_complete(asyncio.sleep(7.0))
        assert loop.time() == 7.0
    finally:
        loop.close()

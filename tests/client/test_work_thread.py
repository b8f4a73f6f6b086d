import threading

import pytest

from seawall.client.work_thread import WorkThread

NAME = "seawall-work-of-a-test"


def test_work_is_done_in_the_one_thread_and_in_its_order() -> None:
    thread = WorkThread(NAME)
    done: list[int] = []

    futures = [thread.submit(done.append, number) for number in range(100)]
    thread.shutdown()

    assert done == list(range(100))
    assert all(future.done() for future in futures)


def test_a_result_and_an_error_go_to_whoever_waits() -> None:
    thread = WorkThread(NAME)

    assert thread.submit(threading.current_thread).result(10).name == NAME
    with pytest.raises(ZeroDivisionError):
        thread.submit(divmod, 1, 0).result(10)
    thread.shutdown()


def test_what_was_cancelled_before_its_turn_is_not_done() -> None:
    thread = WorkThread(NAME)
    may_go_on = threading.Event()
    first = thread.submit(may_go_on.wait, 10)
    second = thread.submit(may_go_on.clear)

    assert second.cancel()
    may_go_on.set()
    thread.shutdown()

    assert first.result(10)
    assert may_go_on.is_set()


def test_a_stopped_thread_takes_nothing() -> None:
    thread = WorkThread(NAME)
    thread.shutdown()
    thread.shutdown()

    with pytest.raises(RuntimeError, match="stopped"):
        thread.submit(threading.current_thread)

import gc
import subprocess
import sys
import threading
from typing import Any

import pytest

from seawall.client.closer import Closer


class Owner:
    pass


def test_it_closes_once() -> None:
    closed: list[str] = []
    owner = Owner()
    close = Closer(owner, lambda: closed.append("closed"))

    close()
    close()
    del owner
    gc.collect()

    assert closed == ["closed"]


def test_an_owner_that_is_collected_closes_it_in_another_thread() -> None:
    closed_in: list[int] = []
    is_closed = threading.Event()

    def close() -> None:
        closed_in.append(threading.get_ident())
        is_closed.set()

    owner: Any = Owner()  # Any: it gets an attribute
    owner.itself = owner  # so that only the collector finds it
    Closer(owner, close)

    del owner
    gc.collect()

    assert is_closed.wait(10)
    assert closed_in != [threading.get_ident()]


def test_whoever_comes_second_waits_for_the_first() -> None:
    has_begun, may_end = threading.Event(), threading.Event()
    order: list[str] = []

    def close() -> None:
        has_begun.set()
        assert may_end.wait(10)
        order.append("closed")

    def close_as_second() -> None:
        closer()
        order.append("second")

    owner = Owner()
    closer = Closer(owner, close)
    first = threading.Thread(target=closer)
    second = threading.Thread(target=close_as_second)
    first.start()
    assert has_begun.wait(10)
    second.start()

    may_end.set()
    first.join(10)
    second.join(10)

    assert order == ["closed", "second"]


def test_an_error_of_closing_goes_to_who_asked_and_is_not_tried_again() -> None:
    def close() -> None:
        raise OSError("cannot close")

    owner = Owner()
    closer = Closer(owner, close)

    with pytest.raises(OSError, match="cannot close"):
        closer()
    closer()


def test_what_is_open_at_the_interpreters_exit_is_closed_then() -> None:
    program = """
from seawall.client.closer import Closer
class Owner: pass
owner = Owner()
closer = Closer(owner, lambda: print("closed"))
print("exit")
"""

    done = subprocess.run([sys.executable, "-c", program], capture_output=True, text=True, timeout=30, check=True)

    assert (done.stdout, done.stderr) == ("exit\nclosed\n", "")

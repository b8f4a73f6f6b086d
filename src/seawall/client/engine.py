"""The background thread of a synchronous client and the pipeline on it, one for each process."""

import threading
from typing import NamedTuple

from seawall.client.embedded import Embedded
from seawall.client.lane import Lane
from seawall.client.loop_thread import ClosedError, LoopThread


class Running(NamedTuple):
    """A thread that runs, and the lane on its event loop."""

    thread: LoopThread
    lane: Lane


class Engine:
    """Start the thread with the first call, and again in a process that was forked since; safe from any thread."""

    def __init__(self, embedded: Embedded) -> None:
        self._embedded = embedded
        self._lock = threading.Lock()
        self._running: Running | None = None
        self._is_closed = False
        self._left_behind: list[Running] = []

    def running(self) -> Running:
        """Give the thread of this process.

        Raises:
            ClosedError: the engine is closed.
        """
        found = self._running
        if found is None or not found.thread.is_ours:
            found = self._started()
        return found

    def close(self) -> None:
        """Stop the thread and the journal; closing twice is fine."""
        with self._lock:
            self._is_closed = True
            found, self._running = self._running, None
        if found is not None and found.thread.is_ours:
            found.thread.stop()
        self._embedded.close()

    def _started(self) -> Running:
        with self._lock:
            if self._is_closed:
                raise ClosedError("the client is closed")
            found = self._running
            if found is not None and found.thread.is_ours:
                return found  # another thread was quicker
            if found is not None:
                self._left_behind.append(found)  # its sockets are the parent's too; collecting it would warn of them
            thread = LoopThread("seawall-client")
            try:
                lane = thread.call(self._lane)
            except BaseException:
                thread.stop()
                raise
            thread.at_end(lane.aclose)
            self._running = Running(thread, lane)
            return self._running

    async def _lane(self) -> Lane:
        return Lane(self._embedded)

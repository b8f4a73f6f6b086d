"""`seawall` with every logger of the process at DEBUG, and with accidents on demand; for the tests alone.

SIGUSR1 lets credentials get into everything that a process prints by itself: an uncaught exception of a thread, one of
the event loop, an exception that nobody could raise, warnings, and other people's loggers. SIGRTMIN dumps every stack.
"""

import asyncio
import faulthandler
import logging
import os
import signal
import sys
import threading
import warnings
from types import FrameType

from seawall.cli.main import main


class Leaky:
    """Something whose end and whose text hold a credential."""

    def __init__(self, text: str) -> None:
        self.text = text

    def __repr__(self) -> str:
        return f"<Leaky {self.text}>"

    def __del__(self) -> None:
        raise ValueError(f"closed with {self.text}")


def _fail(text: str) -> None:
    local = Leaky(text)
    raise RuntimeError(f"could not use {local!r}", text)


async def _fail_later(text: str) -> None:
    _fail(text)


def _accidents(number: int, frame: FrameType | None) -> None:
    del number, frame
    loop = asyncio.get_running_loop()
    for text in os.environ["ACCIDENT"].split():  # noqa: TID251  # a script of its own
        threading.Thread(target=_fail, args=(text,), name=f"thread {text}").start()
        logging.getLogger("uvicorn.access").debug("GET /?key=%s", text)
        logging.getLogger("httpcore").debug("headers %r", [(b"x-api-key", text.encode())])
        logging.getLogger("asyncio").debug("text %s", {"authorization": f"Bearer {text}"})
        logging.getLogger("a.library").error("failed", extra={"fields": {"token": text, "seen": [text], text: 1}})
        warnings.warn(f"odd {text}", stacklevel=1)
        try:
            _fail(text)
        except RuntimeError as error:
            logging.getLogger("a.library").exception("again", stack_info=True)
            loop.call_exception_handler({"message": text, "exception": error, "handle": Leaky(text)})
        asyncio.gather(_fail_later(text), return_exceptions=False)  # whose failure nobody ever hears of
    print("accidents happened", flush=True)  # noqa: T201  # tells the test


def _yes(self: logging.Logger, level: int) -> bool:
    del self, level
    return True


def _at_debug() -> None:
    """Let nothing be too unimportant: every logger writes every line, whatever level it is set to later."""
    logging.Logger.isEnabledFor = _yes  # type: ignore[method-assign]  # that is the point


if __name__ == "__main__":
    _at_debug()
    signal.signal(signal.SIGUSR1, _accidents)
    faulthandler.register(signal.SIGRTMIN, all_threads=True)
    sys.argv[0] = "seawall"
    main()

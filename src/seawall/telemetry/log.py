"""The gateway's own log: one JSON object a line, bounded, escaped, scrubbed last.

Library use configures nothing; only a process that is ours calls `install_logging`.
"""

import asyncio
import json
import logging
import math
import re
import sys
import threading
import warnings
from collections.abc import Callable, Mapping
from dataclasses import dataclass
from datetime import UTC, datetime
from types import TracebackType
from typing import Any, Final, TextIO

from seawall.core.secret import MASK
from seawall.telemetry.scrub import Scrubber

MAX_VALUE: Final = 2_000
MAX_TRACE: Final = 8_000
MAX_NAME: Final = 64
MAX_FIELDS: Final = 32
_MAX_READ: Final = 65_536  # the scrubber reads no more of a text than this; what is behind it would be cut anyway
_RESERVED: Final = frozenset({"at", "level", "logger", "event", "exception"})
_SENSITIVE: Final = re.compile(
    r"(?i)authorization|cookie|passw|passphrase|pwd|secret|pepper|credential|bearer|token$"
    r"|(?:api|access|account|private|signing)[_-]?key"
)
_UVICORN: Final = ("uvicorn", "uvicorn.error", "uvicorn.access", "uvicorn.asgi")
_log: Final = logging.getLogger("seawall")


class JsonFormatter(logging.Formatter):
    """Write a log record as one line of ASCII that is one JSON object; never raises.

    What the record carries as `extra={"fields": {…}}` stands beside `at`, `level`, `logger` and `event`. Every text is
    scrubbed and then cut; everything that is not printable ASCII is escaped, so that no terminal and no other line
    can be reached from inside a value.
    """

    def __init__(self, scrubber: Scrubber) -> None:
        super().__init__()
        self._scrubber = scrubber

    def format(self, record: logging.LogRecord) -> str:
        """Give the line, without its line break."""
        line: dict[str, object] = {
            "at": datetime.fromtimestamp(record.created, UTC).isoformat(timespec="milliseconds").replace("+00:00", "Z"),
            "level": record.levelname.lower(),
            "logger": self._text(record.name, MAX_NAME),
            "event": self._text(_message(record), MAX_VALUE),
        }
        fields = getattr(record, "fields", None)
        if isinstance(fields, Mapping):
            for name, value in list(fields.items())[:MAX_FIELDS]:
                key = self._text(str(name), MAX_NAME)
                line[f"{key}_" if key in _RESERVED else key] = self._value(key, value)
        if record.exc_info:
            line["exception"] = self._trace(record.exc_info)
        return json.dumps(line, ensure_ascii=True, separators=(",", ":")).replace("\x7f", "\\u007f")

    def _value(self, key: str, value: object) -> object:
        if value is None or isinstance(value, bool):
            return value
        if _SENSITIVE.search(key) and isinstance(value, str | bytes):
            return MASK
        text = self._text(_safe(str, value), MAX_VALUE)
        is_number = isinstance(value, int) or (isinstance(value, float) and math.isfinite(value))
        return value if is_number and text == _safe(str, value) else text

    def _text(self, text: str, limit: int) -> str:
        text = self._scrubber.scrub(text[:_MAX_READ])
        return text if len(text) <= limit else text[: limit - 1] + "…"

    def _trace(self, info: Any) -> str:  # a triple, or what somebody put there
        text = self._scrubber.scrub(_safe(self.formatException, info)[-_MAX_READ:])
        return text if len(text) <= MAX_TRACE else "…" + text[-MAX_TRACE + 1 :]


@dataclass(frozen=True, slots=True)
class InstalledLogging:
    """A log that is in place, and what was there before it."""

    remove: Callable[[], None]


def install_logging(scrubber: Scrubber, *, stream: TextIO | None = None, level: int = logging.INFO) -> InstalledLogging:
    """Send every log of this process, whoever writes it, and every uncaught exception through the scrubber.

    The root logger gets the one handler, so that a library's warning cannot reach standard error by another way;
    uvicorn's loggers lose theirs. Event loops need `loop.set_exception_handler(log_loop_exception)` besides.
    """
    handler = _Handler(stream)
    handler.setFormatter(JsonFormatter(scrubber))
    root = logging.getLogger()
    before = [(logger, logger.handlers[:], logger.level, logger.propagate) for logger in _loggers()]
    hooks = sys.excepthook, threading.excepthook, sys.unraisablehook
    for logger in _loggers():
        logger.handlers[:] = []
        logger.propagate = True
    root.handlers[:] = [handler]
    root.setLevel(logging.WARNING)
    _log.setLevel(level)
    shown, warnings.showwarning = warnings.showwarning, _show_warning
    sys.excepthook, threading.excepthook, sys.unraisablehook = _uncaught, _uncaught_in_thread, _unraisable

    def remove() -> None:
        for logger, handlers, old_level, propagates in before:
            logger.handlers[:] = handlers
            logger.setLevel(old_level)
            logger.propagate = propagates
        warnings.showwarning = shown
        sys.excepthook, threading.excepthook, sys.unraisablehook = hooks

    return InstalledLogging(remove)


def log_loop_exception(loop: asyncio.AbstractEventLoop, context: dict[str, Any]) -> None:
    """Log what an event loop could not give to anybody; for `loop.set_exception_handler`."""
    del loop
    error = context.get("exception")
    _log.error(
        "event loop exception",
        extra={"fields": {"message": context.get("message", "")}},
        exc_info=error if isinstance(error, BaseException) else None,
    )


def _show_warning(
    message: Warning | str,
    category: type[Warning],
    filename: str,
    lineno: int,
    file: TextIO | None = None,
    line: str | None = None,
) -> None:
    """Log a warning, as `logging.captureWarnings` does; that one keeps what it replaced for the whole process."""
    del file
    text = warnings.formatwarning(message, category, filename, lineno, line)
    logging.getLogger("py.warnings").warning("%s", text)


class _Handler(logging.StreamHandler[TextIO]):
    def handleError(self, record: logging.LogRecord) -> None:  # noqa: N802  # the name is logging's
        """Stay silent when the stream is gone: the inherited one prints the raw record to standard error."""


def _loggers() -> list[logging.Logger]:
    return [logging.getLogger(), _log, *map(logging.getLogger, _UVICORN)]


def _message(record: logging.LogRecord) -> str:
    try:
        return record.getMessage()
    except Exception:  # noqa: BLE001  # a wrong format string, or an argument whose __str__ raises
        return _safe(str, record.msg)


def _safe(write: Callable[[Any], str], value: object) -> str:
    try:
        return write(value)
    except Exception:  # noqa: BLE001  # __str__ and __repr__ are anybody's code
        return f"<{type(value).__name__} that cannot be written>"


def _uncaught(kind: type[BaseException], error: BaseException, trace: TracebackType | None) -> None:
    if issubclass(kind, KeyboardInterrupt):
        return
    _log.critical("uncaught exception", exc_info=(kind, error, trace))


def _uncaught_in_thread(args: threading.ExceptHookArgs) -> None:
    if args.exc_value is None or args.exc_type is SystemExit:
        return
    name = args.thread.name if args.thread else ""
    _log.critical(
        "uncaught exception in a thread",
        extra={"fields": {"thread": name}},
        exc_info=(args.exc_type, args.exc_value, args.exc_traceback),
    )


def _unraisable(args: Any) -> None:  # sys.UnraisableHookArgs, which is no type at run time
    _log.error(
        "exception that could not be raised",
        extra={"fields": {"message": args.err_msg or "", "type": args.exc_type.__name__}},
        exc_info=(args.exc_type, args.exc_value, args.exc_traceback) if args.exc_value else None,
    )

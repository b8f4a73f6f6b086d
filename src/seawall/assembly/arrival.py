"""A call at its arrival, over a socket or from inside the process: it becomes an exchange with an id and a trace."""

import random
import re
from typing import Final
from urllib.parse import parse_qsl, urlencode

from seawall.pipeline.exchange import Asked, Exchange
from seawall.pipeline.watchdog import Watchdog

_QUERY_NAMES: Final = frozenset({"beta", "limit", "before_id", "after_id", "after", "order"})
_TRACEPARENT: Final = re.compile(rb"[0-9a-f]{2}-([0-9a-f]{32})-[0-9a-f]{16}-[0-9a-f]{2}(?:-.*)?")
_draw = random.Random()  # noqa: S311  # ids have to differ, not to be secret


def new_exchange(at_s: float, watchdog: Watchdog, asked: Asked) -> Exchange:
    """Begin the journey of a call that arrived at this wall time; without a trace of its own it gets one."""
    exchange = Exchange(_new_id(at_s), at_s, watchdog, asked)
    traceparent = asked.headers.get(b"traceparent")
    exchange.trace_id = (_trace_id(traceparent) if traceparent else "") or exchange.id[4:]
    return exchange


def forwarded_query(query: bytes) -> str:
    """Keep the parameters that the dialects define; anything else, a key in the wrong place too, stays here."""
    try:
        pairs = parse_qsl(query.decode("latin-1"), max_num_fields=32)
    except ValueError:
        return ""
    return urlencode([(name, value) for name, value in pairs if name in _QUERY_NAMES])


def _new_id(at_s: float) -> str:
    """Make a request id: 48 bits of milliseconds, so that ids sort by time, and 80 random ones (as UUID version 7)."""
    return f"req_{(int(at_s * 1000) << 80 | _draw.getrandbits(80)).to_bytes(16, 'big').hex()}"


def _trace_id(traceparent: bytes) -> str:
    """Give the trace id of a W3C traceparent, or nothing for one that is not valid."""
    match = _TRACEPARENT.fullmatch(traceparent)
    return match[1].decode() if match and match[1] != b"0" * 32 else ""

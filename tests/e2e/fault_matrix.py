"""Every fault of the sandbox, through a real gateway, for both official clients and both dialects of target.

`python -m tests.e2e.fault_matrix`, a part of `make docs`, writes what happens into `docs/fault-matrix.md`; the test
compares the page with what happened to it.
"""

import asyncio
import json
import subprocess
import sys
import tempfile
from collections.abc import Iterator, Mapping
from contextlib import closing, contextmanager
from dataclasses import dataclass
from itertools import product
from pathlib import Path
from typing import Any, Final, Literal, TypeAlias

import anthropic
import openai

from tests.e2e.fault_cell import MODELS, ROWS, TEXT, Cell, Clients, Seen
from tests.e2e.stage import HERE, GatewayProcess, Json, wait_for

PAGE: Final = HERE.parent.parent / "docs" / "fault-matrix.md"
DEADLINE_S: Final = 4.0
AT_ONCE: Final = 40
Kind: TypeAlias = Literal["answer", "fallback", "error", "event", "wrong"]

_SETTINGS: Final = json.dumps({"text": TEXT, "tokens_per_second": 100.0, "tokens_per_event": 10})
# The breaker never opens by counting: a row's own cells alone decide what becomes of it.
_HEAD: Final = f"""\
version: 1
profiles:
  cell:
    timeout_ms: {DEADLINE_S * 1000:.0f}
    connect_timeout_ms: 1000
    first_token_timeout_ms: 1000
    idle_timeout_ms: 600
    hold_back_ms: 2000
    max_tokens: 400
    breaker: {{min_calls: 1000}}
providers:
"""
_CLASSES: Final = {
    400: "BadRequestError",
    404: "NotFoundError",
    408: "APIStatusError",  # one of the two clients has a class of its own for it
    409: "ConflictError",
    422: "UnprocessableEntityError",
    429: "RateLimitError",
}


@dataclass(frozen=True)
class Result:
    """What became of a cell: its kind, what the page says of it, what the client saw, and the record."""

    cell: Cell
    kind: Kind
    said: str
    seen: Seen
    record: Json


def cells() -> list[Cell]:
    """Give every cell there is."""
    ways = product(enumerate(ROWS), MODELS, MODELS, (False, True), (False, True))
    return [
        Cell(row, number, client, target, is_stream, is_backed)
        for (number, row), client, target, is_stream, is_backed in ways
    ]


def play(place: Path) -> list[Result]:
    """Run the whole matrix in front of one gateway, and give what became of every cell."""
    every = cells()
    with _providers() as urls:
        policy = _HEAD + "".join(_lines(every, urls))
        gateway = GatewayProcess(place, policy, "--insecure-dev")
        try:
            seen = asyncio.run(_ask(gateway.url, every))
            records = _records(gateway, {one.call_id for one in seen})
        finally:
            gateway.stop()
    normal = {
        (cell.client, cell.target): one.usage for cell, one in zip(every, seen, strict=True) if not cell.row.fault
    }
    results = []
    for cell, one in zip(every, seen, strict=True):
        kind, said = outcome(cell, one, normal)
        results.append(Result(cell, kind, said, one, records[one.call_id]))
    return results


@contextmanager
def _providers() -> Iterator[Mapping[str, str]]:
    """Run a provider for every fault; give their addresses by fault."""
    faults = [row.fault for row in ROWS]
    words = [sys.executable, str(HERE / "fault_providers.py"), _SETTINGS, *faults]
    with subprocess.Popen(words, stdin=subprocess.PIPE, stdout=subprocess.PIPE, text=True) as process:
        assert process.stdin is not None
        assert process.stdout is not None
        with closing(process.stdin):
            yield {fault: process.stdout.readline().strip() for fault in faults}


def _lines(every: list[Cell], urls: Mapping[str, str]) -> Iterator[str]:
    """Write the providers, one a cell and a good one for each dialect, and the routes."""
    asked = [(cell.name, cell.target, cell.row.fault) for cell in every]
    for name, dialect, fault in (*asked, *((f"good-{dialect}", dialect, "") for dialect in MODELS)):
        url = urls[fault] + ("/v1" if dialect == "openai" else "")
        yield f"  {name}: {{dialect: {dialect}, base_url: '{url}', api_key: 'env:ANTHROPIC_API_KEY'}}\n"
    yield "routes:\n"
    for cell in every:
        behind = f", fallback: [good-{cell.other}/{MODELS[cell.other]}]" if cell.is_backed else ""
        yield f"  /{cell.name}: {{profile: cell, model: {cell.name}/{MODELS[cell.target]}{behind}}}\n"


async def _ask(url: str, every: list[Cell]) -> list[Seen]:
    """Make every call, so many at once."""
    clients, gate = Clients(url), asyncio.Semaphore(AT_ONCE)

    async def ask(cell: Cell) -> Seen:
        async with gate:
            return await clients.ask(cell)

    try:
        return await asyncio.gather(*map(ask, every))
    finally:
        await clients.aclose()


def _records(gateway: GatewayProcess, call_ids: set[str]) -> dict[str, Json]:
    def look() -> dict[str, Json] | None:
        found = {record["id"]: record for record in gateway.records()}
        return found if call_ids <= found.keys() else None

    return wait_for(look, "the records of all calls")


def outcome(cell: Cell, seen: Seen, normal: Mapping[tuple[str, str], tuple[int, int] | None]) -> tuple[Kind, str]:
    """Say what a client got, from nothing but what it saw."""
    if seen.raised is not None:
        return _error(cell, seen.raised, seen)
    fallback = seen.headers["x-seawall-provider"] == f"good-{cell.other}"
    dialect = cell.other if fallback else cell.target
    kind: Kind = "fallback" if fallback else "answer"
    text = "".join(seen.pieces)
    said: str = kind
    if text != TEXT and text in _with_one_twice(seen.pieces):
        said = f"{kind}, a piece of it twice"
    elif text != TEXT or not seen.is_complete:
        return "wrong", f"wrong: {'an end' if seen.is_complete else 'no end'} after {text!r}"
    if seen.models != {MODELS[dialect]} or seen.headers["x-seawall-model"] != MODELS[dialect]:
        return "wrong", f"wrong: answered by {seen.models}, {seen.headers['x-seawall-model']}"
    if seen.usage != normal[cell.client, dialect] and not (cell.row.changes_usage and not fallback):
        return "wrong", f"wrong: usage {seen.usage}"
    return kind, said


def _with_one_twice(pieces: list[str]) -> set[str]:
    """Give what the right text would be like if one of its pieces came twice."""
    twice = [i for i in range(1, len(pieces)) if pieces[i] == pieces[i - 1]]
    is_so = any("".join(pieces[:i] + pieces[i + 1 :]) == TEXT for i in twice)
    return {"".join(pieces)} if is_so else set()


def _error(cell: Cell, raised: BaseException, seen: Seen) -> tuple[Kind, str]:
    """Name an error that the client's users can catch as what it is; any other is wrong."""
    sdk: Any = {"anthropic": anthropic, "openai": openai}[cell.client]
    found = getattr(raised, "body", None)
    inner = found.get("error", found) if isinstance(found, dict) else {}
    kind = inner.get("type") if isinstance(inner, dict) else None
    if not isinstance(raised, sdk.APIError) or isinstance(raised, sdk.APIConnectionError) or not kind:
        return "wrong", f"wrong: {type(raised).__name__}: {raised}"
    if seen.is_begun:
        return "event", f"event `{kind}`"
    status = getattr(raised, "status_code", 0)
    if not isinstance(raised, getattr(sdk, _CLASSES.get(status, "InternalServerError"))):
        return "wrong", f"wrong: {type(raised).__name__} for {status}"
    return "error", f"{status} `{kind}`"


def page(results: list[Result]) -> str:
    """Write the page."""
    ways = list(product(MODELS, MODELS))
    lines = [_INTRODUCTION]
    for is_backed, title in ((False, "One target"), (True, "A good target of the other dialect behind it")):
        said = {
            (r.cell.number, r.cell.is_stream, (r.cell.client, r.cell.target)): r.said
            for r in results
            if r.cell.is_backed == is_backed
        }
        heads = " | ".join(f"{client} → {target}" for client, target in ways)
        lines += [f"\n## {title}\n", f"| fault | asked | {heads} |", "|---|---|" + "---|" * len(ways)]
        for (number, row), is_stream in product(enumerate(ROWS), (False, True)):
            fault = f"`{row.fault}`" if row.fault else "none"
            got = " | ".join(said[number, is_stream, way] for way in ways)
            lines.append(f"| {fault} | {'stream' if is_stream else 'whole'} | {got} |")
    return "\n".join(lines) + "\n"


_INTRODUCTION: Final = f"""\
# Fault matrix

What the users of the official Python clients get when a provider fails.
Every cell was a call by a real client through a real gateway to the [simulated provider](rooms/sandbox.md).
That provider had the row's fault for good, so that no further attempt could help.
`make docs` writes this page.
`tests/e2e/test_fault_matrix.py` fails when something else happens.

- `answer`: the right text to its end, the right usage, and the model that gave it named in body, header and record.
- `fallback`: the same from the target behind.
- `502 server_error`: the status and the error's type, raised by the client as the class that its users expect.
- `event server_error`: the stream had begun; then the typed error event came, and the client raised it.

A column is who asks and whom.
Each call has {DEADLINE_S:g} s for everything, a stream 1 s for its first token and 600 ms for a silence within it.
A target is asked three times at most, and every cell ended within its deadline.
"""

if __name__ == "__main__":
    with tempfile.TemporaryDirectory() as folder:
        PAGE.write_text(page(play(Path(folder))), "utf-8")

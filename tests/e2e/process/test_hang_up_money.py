"""What stands in the books for clients that leave, at every point of an answer (security.md, A4)."""

import asyncio
import contextlib
import json
import time
from collections.abc import Callable, Iterator
from typing import Final, Literal

import pytest

from seawall.sandbox.meter import Entry
from seawall.sandbox.setting import Settings
from tests.e2e.process.conftest import running_sandbox
from tests.e2e.process.money import PROVIDERS, Bank
from tests.e2e.process.running import until
from tests.e2e.process.wire import request_bytes

POINTS: Final = 25  # of an answer: a client leaves before its first event, after it, after the second, …
LAST_S: Final = 0.3  # how long an answer takes
POLICY: Final = f"""{PROVIDERS}
budgets: {{{{"route:*": {{{{usd: 100}}}}}}}}
routes:
  /abort/claude: {{{{profile: once, model: anthropic/sandbox-flat, on_hang_up: abort}}}}
  /abort/gpt: {{{{profile: once, model: gpt-5.4, on_hang_up: abort}}}}
  /drain/claude: {{{{profile: once, model: anthropic/sandbox-flat, on_hang_up: drain}}}}
  /drain/gpt: {{{{profile: once, model: gpt-5.4, on_hang_up: drain}}}}
"""
ENDPOINTS: Final = {"claude": "/v1/messages", "gpt": "/v1/chat/completions"}


@pytest.fixture(scope="module")
def bank(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Bank]:
    """Start a gateway whose books must add up in the end, and a provider that takes its time."""
    with running_sandbox() as sandbox:
        sandbox.settings = Settings(
            output_tokens=40, tokens_per_second=40 / LAST_S, tokens_per_event=2, header_ms=LAST_S * 100
        )
        bank = Bank.open(tmp_path_factory.mktemp("bank"), sandbox, POLICY, "--insecure-dev")
        try:
            yield bank
            bank.gives_everything_back()
        finally:
            bank.gateway.close()


def _body(dialect: str, name: str, *, is_stream: bool) -> bytes:
    asked = {"messages": [{"role": "user", "content": "Hello"}], **({"stream": True} if is_stream else {})}
    if dialect == "claude":
        own = {"model": "sandbox-flat", "max_tokens": 200, "metadata": {"user_id": name}}
    else:
        own = {"model": "gpt-5.4", "max_completion_tokens": 200, "user": name}
    return json.dumps({**asked, **own}).encode()


async def _leave_after(bank: Bank, path: str, body: bytes, point: int, *, is_stream: bool) -> None:
    """Call, and leave after so many events of a stream, or at so late a moment of a whole answer."""
    reader, writer = await asyncio.open_connection("127.0.0.1", bank.gateway.port)
    writer.write(request_bytes(path, body, connection="close"))
    await writer.drain()
    if is_stream:
        data = b""
        while data.count(b"\n\n") < point and (piece := await reader.read(65536)):
            data += piece
    elif point:  # nothing tells a client how far a whole answer is, so this is a share of the time that it takes
        with contextlib.suppress(TimeoutError):
            await asyncio.wait_for(reader.readuntil(b"\r\n\r\n"), 1.5 * LAST_S * point / POINTS)
    writer.close()
    with contextlib.suppress(ConnectionError):
        await writer.wait_closed()


def _metered(bank: Bank, prefix: str) -> list[Entry]:
    return [entry for entry in list(bank.sandbox.meter.entries) if entry.caller.startswith(prefix)]


@pytest.mark.parametrize("dialect", ENDPOINTS)
@pytest.mark.parametrize("on_hang_up", ["drain", "abort"])
async def test_clients_leave_at_every_point_and_the_books_are_right(
    bank: Bank, on_hang_up: Literal["drain", "abort"], dialect: str, tell: Callable[[str], None]
) -> None:
    route, prefix = f"/{on_hang_up}/{dialect}", f"{on_hang_up}-{dialect}-"

    await asyncio.gather(
        *[
            _leave_after(bank, route + ENDPOINTS[dialect], _body(dialect, f"{prefix}{n}", is_stream=s), n, is_stream=s)
            for n in range(POINTS)
            for s in (False, True)
        ]
    )
    left_s = time.monotonic()
    cases = 2 * POINTS
    # Every call has a record when it has ended, and then nothing of it runs at the provider.
    await asyncio.to_thread(
        until, lambda: sum(record.route == route for record in bank.gateway.records()) == cases, "every call has ended"
    )
    await asyncio.to_thread(
        until,
        lambda: len(bank.sandbox.requests.last(1000)) == len(bank.sandbox.meter.entries),
        "nothing runs at the provider",
    )
    took_s = time.monotonic() - left_s

    account = f"route:{route}@"
    billed = sum(entry.billed_nusd for entry in _metered(bank, prefix))
    if on_hang_up == "drain":
        await asyncio.to_thread(until, lambda: bank.settled(account) == billed, f"exactly {billed} is booked")
        assert _doubts(bank, account) == []
        assert len(_metered(bank, prefix)) == cases
        assert not any(entry.hung_up for entry in _metered(bank, prefix))
    else:
        hung_up = sum(entry.hung_up for entry in _metered(bank, prefix))
        await asyncio.to_thread(until, lambda: bank.settled(account) >= billed, f"at least {billed} is booked")
        await asyncio.to_thread(
            until, lambda: len(_doubts(bank, account)) >= hung_up, "what was cut off is listed as unsettled"
        )
        assert hung_up > POINTS
        assert set(_doubts(bank, account)) == {"hung_up"}
    tell(
        f"hang-ups: {cases} of {dialect} on {on_hang_up}: billed {billed / 1e9:.4f} USD,"
        f" booked {bank.settled(account) / 1e9:.4f}; nothing ran at the provider {took_s:.2f} s after the last had left"
    )


def _doubts(bank: Bank, account: str) -> list[str]:
    """Give the reasons of what is unsettled on an account."""
    rows = [charge.unsettled for charge in bank.unsettled()]
    return [row.reason for row in rows if any(name.startswith(account) for name, _ in row.charges)]

"""One cap for a gateway and a library on one state directory (mission rows C3 and O10)."""

import contextlib
from collections.abc import Iterator
from concurrent.futures import ThreadPoolExecutor
from dataclasses import replace
from pathlib import Path
from typing import Final

import anthropic
import pytest
from anthropic import Anthropic
from anthropic.types import MessageParam

import seawall
from seawall.sandbox import Sandbox
from seawall.stores.sqlite.ledger_books import SqliteBooks
from seawall.stores.sqlite.ledger_schema import FILE_NAME
from tests.e2e.process.running import PROVIDER_KEY, Gateway, until

CENT: Final = 10_000_000
CALLS: Final = 40
HELLO: Final[list[MessageParam]] = [{"role": "user", "content": "Hello"}]
POLICY: Final = """\
providers: {{anthropic: {{base_url: '{url}', api_key: env:PROVIDER_KEY}}}}
prices: {{anthropic/sandbox-flat: {{input_usd_per_mtok: 0, output_usd_per_mtok: 100}}}}
budgets: {{all: {{usd: 0.4}}}}
routes: {{/flat: {{model: anthropic/sandbox-flat, max_tokens: 100, retries: 0, breaker: {{min_calls: 100000}}}}}}
"""


@pytest.fixture
def both(tmp_path: Path, sandbox: Sandbox, monkeypatch: pytest.MonkeyPatch) -> Iterator[list[Anthropic]]:
    """Give a client of a gateway, and one with the pipeline inside, of one policy and one state directory."""
    sandbox.settings = replace(sandbox.settings, output_tokens=1000)  # whatever is asked for is used
    policy = tmp_path / "policy.yaml"
    policy.write_text(POLICY.format(url=sandbox.url))
    for name, value in PROVIDER_KEY.items():
        monkeypatch.setenv(name, value)
    words = ("--policy", "policy.yaml", "--workers", "2", "--insecure-dev")
    with contextlib.ExitStack() as stack:
        gateway = Gateway.start(tmp_path, *words, number=0, **PROVIDER_KEY)
        stack.callback(gateway.close)
        http = seawall.http_client(policy, state_dir=gateway.state_dir)
        yield [
            stack.enter_context(Anthropic(base_url=f"{gateway.url}/flat", api_key="any", max_retries=0)),
            stack.enter_context(Anthropic(http_client=http, api_key="any", max_retries=0)),
        ]


def _status(client: Anthropic) -> int:
    try:
        client.messages.create(model="sandbox-flat", max_tokens=100, messages=HELLO)
    except anthropic.APIStatusError as error:
        return error.status_code
    return 200


def test_a_gateway_and_a_library_spend_one_cap_together(
    both: list[Anthropic], sandbox: Sandbox, tmp_path: Path
) -> None:
    with ThreadPoolExecutor(16) as threads:
        statuses = list(threads.map(_status, both * CALLS))

    assert set(statuses) == {200, 402}
    assert sandbox.meter.total.billed_nusd == statuses.count(200) * CENT <= CALLS * CENT

    # What one held idle while the other was refused is spent in the end, by whoever asks.
    until(lambda: {_status(client) for client in both} == {402} and _billed(sandbox) == CALLS * CENT, "all is spent")
    for client in both:
        client.close()
    with contextlib.closing(SqliteBooks(tmp_path / "state" / FILE_NAME)) as books:
        until(lambda: books.balances()[0].leased == 0, "nothing is leased any more")
        (balance,) = books.balances()
    assert (balance.settled, balance.unsettled) == (CALLS * CENT, 0)


def _billed(sandbox: Sandbox) -> int:
    return sandbox.meter.total.billed_nusd

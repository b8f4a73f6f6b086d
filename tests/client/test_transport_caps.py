"""Budgets and limits inside a process, for callers in threads."""

import gc
import json
import signal
import subprocess
import sys
import threading
from collections.abc import Callable
from concurrent.futures import ThreadPoolExecutor
from pathlib import Path
from textwrap import dedent
from typing import Final

import anthropic
import openai
import pytest
from anthropic import Anthropic
from anthropic.types import MessageParam
from openai import OpenAI

import seawall
from seawall.core.account import Unit
from seawall.core.balance import Balance
from seawall.sandbox import Sandbox
from seawall.stores.sqlite.ledger_books import SqliteBooks
from tests.e2e.process.running import until

Capped = Callable[[str], Path]

CENT: Final = 10_000_000
TEN_CENTS: Final = "budgets: {all: {usd: 0.1}}"
FLAT: Final = "sandbox-flat"
HELLO: Final[list[MessageParam]] = [{"role": "user", "content": "Hello"}]
PLACES: Final = [pytest.param(True, id="state directory"), pytest.param(False, id="memory")]


def _client(policy: Path, state_dir: Path | None) -> Anthropic:
    http = seawall.http_client(policy, state_dir=state_dir, team="blue")
    return Anthropic(http_client=http, api_key="unused", max_retries=0)


def _status(client: Anthropic) -> int:
    try:
        client.messages.create(model=FLAT, max_tokens=100, messages=HELLO)
    except anthropic.APIStatusError as error:
        return error.status_code
    return 200


def _all(books: SqliteBooks) -> Balance:
    (balance,) = books.balances()
    return balance


@pytest.mark.parametrize("has_state", PLACES)
def test_many_threads_spend_the_cap_and_no_more(
    capped: Capped, sandbox: Sandbox, state_dir: Path, has_state: bool
) -> None:
    together = threading.Barrier(16)

    def call(_: int) -> int:
        together.wait(20)
        return _status(client)

    with _client(capped(TEN_CENTS), state_dir if has_state else None) as client, ThreadPoolExecutor(16) as threads:
        statuses = sorted(threads.map(call, range(16)))

    assert statuses == [200] * 10 + [402] * 6
    assert sandbox.meter.total.billed_nusd == 10 * CENT
    assert (state_dir / "ledger.db").exists() is has_state


def test_the_refusal_names_the_account_its_cap_and_when_it_renews(capped: Capped) -> None:
    policy = capped('budgets: {"team:*": {per_day_usd: 0.001}}')

    with _client(policy, None) as client, pytest.raises(anthropic.APIStatusError) as refused:
        client.messages.create(model=FLAT, max_tokens=100, messages=HELLO)

    assert refused.value.status_code == 402
    assert "team:blue has 0.001 left of its 0.001 USD for " in str(refused.value)
    assert "it renews at " in str(refused.value)
    assert refused.value.response.headers["x-should-retry"] == "false"


def test_the_other_sdk_raises_its_own_error(policy: Path) -> None:
    policy.write_text(policy.read_text() + "budgets: {all: {usd: 0.000001}}\n")
    http = seawall.http_client(policy, route="/ai/chat")

    with (
        OpenAI(http_client=http, api_key="unused", max_retries=0) as client,
        pytest.raises(openai.APIStatusError) as refused,
    ):
        client.chat.completions.create(model="gpt-4o-mini", messages=[{"role": "user", "content": "Hello"}])

    assert (refused.value.status_code, refused.value.code) == (402, "budget.exhausted")


def test_closing_gives_back_what_was_leased_and_not_spent(capped: Capped, state_dir: Path, books: SqliteBooks) -> None:
    client = _client(capped("budgets: {all: {usd: 1}}"), state_dir)
    assert _status(client) == 200
    assert _all(books).leased > 0

    client.close()

    assert _all(books) == Balance("all@lifetime", Unit.NUSD, 100 * CENT, CENT, 0, 0)
    assert list((state_dir / "owners").iterdir()) == []


def test_a_stream_is_settled_by_what_it_used(capped: Capped, state_dir: Path, books: SqliteBooks) -> None:
    with (
        _client(capped(TEN_CENTS), state_dir) as client,
        client.messages.stream(model=FLAT, max_tokens=50, messages=HELLO) as stream,
    ):
        stream.until_done()

    assert (_all(books).settled, _all(books).leased) == (CENT // 2, 0)


def test_a_client_that_is_forgotten_gives_back_too(capped: Capped, state_dir: Path, books: SqliteBooks) -> None:
    client = _client(capped(TEN_CENTS), state_dir)
    assert _status(client) == 200
    ours = [thread for thread in threading.enumerate() if thread.name.startswith("seawall")]

    del client
    gc.collect()
    for thread in ours:
        thread.join(20)

    assert not any(thread.is_alive() for thread in ours)
    assert (_all(books).settled, _all(books).leased) == (CENT, 0)


def test_without_caps_there_is_no_thread_and_no_file_for_them(policy: Path, state_dir: Path) -> None:
    http = seawall.http_client(policy, route="/ai/chat", state_dir=state_dir)
    with Anthropic(http_client=http, api_key="unused", max_retries=0) as client:
        client.messages.create(model="claude-haiku-4-5", max_tokens=9, messages=HELLO)

        names = {thread.name for thread in threading.enumerate() if thread.name.startswith("seawall")}

    assert names == {"seawall-client", "seawall-journal"}
    assert not list(state_dir.glob("*.db")) + list(state_dir.glob("owners"))


def test_two_clients_of_one_state_directory_share_a_cap(
    capped: Capped, sandbox: Sandbox, state_dir: Path, books: SqliteBooks
) -> None:
    policy = capped(TEN_CENTS)
    with _client(policy, state_dir) as one, _client(policy, state_dir) as other, ThreadPoolExecutor(8) as threads:
        list(threads.map(_status, [one, other] * 8))
        assert sandbox.meter.total.billed_nusd <= 10 * CENT

        # What one of them held idle when the other was refused is spent in the end.
        until(lambda: {_status(one), _status(other)} == {402} and _all(books).leased == 0, "all is spent")

    assert sandbox.meter.total.billed_nusd == _all(books).settled == 10 * CENT
    assert _all(books).leased == 0


@pytest.mark.parametrize("has_state", PLACES)
def test_a_limit_is_a_429_that_says_when_to_come_back(
    capped: Capped, sandbox: Sandbox, state_dir: Path, has_state: bool
) -> None:
    policy = capped('limits: {"team:*": {requests_per_minute: 1, burst: 3, tokens_per_minute: 100000}}')

    with _client(policy, state_dir if has_state else None) as client:
        assert [_status(client) for _ in range(3)] == [200] * 3
        with pytest.raises(anthropic.RateLimitError) as limited:
            client.messages.create(model=FLAT, max_tokens=100, messages=HELLO)

    assert 1 <= int(limited.value.response.headers["retry-after"]) <= 60
    assert "team:blue" in str(limited.value)
    assert sandbox.meter.total.calls == 3
    assert (state_dir / "limits.db").exists() is has_state


def test_a_ledger_that_cannot_be_used_lets_nothing_through(capped: Capped, sandbox: Sandbox, state_dir: Path) -> None:
    state_dir.mkdir()
    (state_dir / "ledger.db").write_bytes(b"no database at all, and long enough to be sure" * 100)

    with _client(capped(TEN_CENTS), state_dir) as client, pytest.raises(anthropic.InternalServerError) as refused:
        client.messages.create(model=FLAT, max_tokens=100, messages=HELLO)

    assert refused.value.status_code == 503
    assert "ledger.unavailable" in str(refused.value)
    assert sandbox.meter.total.calls == 0


HEAD: Final = """
import json, os, sys
import seawall
from anthropic import Anthropic

client = Anthropic(http_client=seawall.http_client(sys.argv[1], state_dir=sys.argv[2]), api_key="any", max_retries=0)
ask = {"model": "sandbox-flat", "max_tokens": 100, "messages": [{"role": "user", "content": "Hello"}]}
client.messages.create(**ask)
"""


def _program(tmp_path: Path, body: str, *words: Path) -> list[str]:
    path = tmp_path / "application.py"
    path.write_text(HEAD + dedent(body))
    # Newer Pythons warn of every fork beside threads, which is what the test is about.
    return [sys.executable, "-W", "ignore::DeprecationWarning", str(path), *map(str, words)]


@pytest.mark.e2e
def test_a_process_that_just_exits_gives_back(
    capped: Capped, tmp_path: Path, state_dir: Path, books: SqliteBooks
) -> None:
    words = _program(tmp_path, "", capped(TEN_CENTS), state_dir)

    done = subprocess.run(words, capture_output=True, text=True, timeout=30, check=False)

    assert (done.returncode, done.stdout, done.stderr) == (0, "", "")
    assert _all(books) == Balance("all@lifetime", Unit.NUSD, 10 * CENT, CENT, 0, 0)


@pytest.mark.e2e
def test_a_fork_has_leases_of_its_own_and_both_go_on(
    capped: Capped, tmp_path: Path, sandbox: Sandbox, state_dir: Path, books: SqliteBooks
) -> None:
    body = """
        child = os.fork()
        if not child:
            client.messages.create(**ask)
            names = sorted(os.listdir(f"{sys.argv[2]}/owners"))
            client.close()
            print(json.dumps(names), flush=True)
            os._exit(0)
        waited = os.waitpid(child, 0)[1]
        client.messages.create(**ask)
        client.close()
        print(waited)
        """
    words = _program(tmp_path, body, capped("budgets: {all: {usd: 1}}\nlimits: {all: {requests_per_minute: 100}}"))

    done = subprocess.run([*words, str(state_dir)], capture_output=True, text=True, timeout=30, check=False)

    assert done.stderr == ""
    owners, waited = done.stdout.splitlines()
    assert (len(json.loads(owners)), waited) == (2, "0")
    assert sandbox.meter.total.billed_nusd == 3 * CENT
    assert _all(books) == Balance("all@lifetime", Unit.NUSD, 100 * CENT, 3 * CENT, 0, 0)
    assert {entry.owner for entry in books.history()} >= set(json.loads(owners))


@pytest.mark.e2e
def test_what_a_killed_process_held_is_charged_by_the_next(
    capped: Capped, tmp_path: Path, state_dir: Path, books: SqliteBooks
) -> None:
    policy = capped("budgets: {all: {usd: 1}}")
    body = """
        print("leased", flush=True)
        sys.stdin.read()
        """
    with subprocess.Popen(
        _program(tmp_path, body, policy, state_dir), stdin=subprocess.PIPE, stdout=subprocess.PIPE, text=True
    ) as process:
        assert process.stdout is not None
        assert process.stdout.readline() == "leased\n"
        process.send_signal(signal.SIGKILL)

    with _client(policy, state_dir) as client:
        assert _status(client) == 200
        until(lambda: books.unsettled_rows() != [], "the dead process's lease is charged")

    (charge,) = books.unsettled_rows()
    assert charge.unsettled.reason == "crashed"
    assert charge.unsettled.charges == (("all@lifetime", _all(books).unsettled),)
    assert _all(books).leased == 0

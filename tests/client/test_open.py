import subprocess
import sys
from pathlib import Path
from typing import Any

import httpx2
import pytest
from anthropic import Anthropic
from openai import OpenAI

import seawall
from seawall.core.error import PolicyError
from seawall.sandbox import Sandbox

BODY = {"model": "claude-haiku-4-5", "max_tokens": 9, "messages": [{"role": "user", "content": "Hello"}]}


def test_the_front_door_is_imported_when_it_is_used_and_not_before() -> None:
    program = """
import sys, seawall
seawall.__version__
assert {"Monitor", "http_client", "with_logging", "__version__"} <= set(dir(seawall))
print(sorted({"httpx2", "pydantic", "apsw", "asyncio"} & sys.modules.keys()))
seawall.http_client
print("httpx2" in sys.modules)
"""

    done = subprocess.run([sys.executable, "-c", program], capture_output=True, text=True, timeout=30, check=True)

    assert done.stdout == "[]\nTrue\n"


def test_a_name_that_is_not_promised_is_not_there() -> None:
    assert not hasattr(seawall, "no_such_name")


def test_a_client_has_no_timeout_of_its_own_and_reads_no_environment(
    policy: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setenv("HTTPS_PROXY", "http://proxy.test:3128")

    with seawall.http_client(policy) as client:
        assert client.timeout == httpx2.Timeout(None)
        assert not client.trust_env
        assert client.post("https://any.test/ai/chat/v1/messages", json=BODY).status_code == 200


async def test_so_has_an_asynchronous_one(policy: Path) -> None:
    async with seawall.async_http_client(str(policy)) as client:
        assert client.timeout == httpx2.Timeout(None)
        assert (await client.post("https://any.test/ai/chat/v1/messages", json=BODY)).status_code == 200


def test_the_official_addresses_lead_to_the_policys_providers(policy: Path, sandbox: Sandbox) -> None:
    with seawall.http_client(policy, route="/ai/chat") as http:
        Anthropic(http_client=http, api_key="unused").messages.count_tokens(
            model="claude-haiku-4-5", messages=[{"role": "user", "content": "Hello"}]
        )
        OpenAI(http_client=http, api_key="unused").models.list()

    assert [seen.target for seen in sandbox.requests.last(2)] == ["/v1/messages/count_tokens", "/v1/models"]


def test_a_missing_key_is_told_at_once_and_by_name(policy: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.delenv("CANARY_OPENAI")

    with pytest.raises(PolicyError, match=r"seawall\.yaml:4:\d+ providers\.openai\.api_key: found env:CANARY_OPENAI"):
        seawall.http_client(policy)
    with pytest.raises(PolicyError, match="CANARY_OPENAI"):
        seawall.async_http_client(policy)


def test_a_label_is_held_to_what_a_keys_label_is_held_to(policy: Path) -> None:
    with pytest.raises(ValueError, match=r"^team: expected at most 128 printable characters"):
        seawall.http_client(policy, team="two\nlines")


def test_a_label_that_nobody_knows_is_refused(policy: Path) -> None:
    unknown: Any = {"taem": "blue"}  # Any: the type checker refuses it too

    with pytest.raises(TypeError, match=r"'taem', expected one of team, project, user, feature"):
        seawall.http_client(policy, **unknown)


def test_a_route_is_a_path(policy: Path) -> None:
    with pytest.raises(ValueError, match="expected a path such as /ai/chat"):
        seawall.http_client(policy, route="chat")

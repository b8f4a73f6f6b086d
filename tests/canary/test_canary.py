"""No credential leaks: keys of providers, of clients and of a proxy in every place where a key can be (T1)."""

import base64
import re
from collections.abc import Iterator, Mapping
from concurrent.futures import ThreadPoolExecutor
from dataclasses import dataclass
from pathlib import Path
from typing import Final
from urllib.parse import quote

import pytest

from tests.canary.aviary import FAILING, REPEATING, Aviary, open_aviary
from tests.canary.canary import Canary, hits, provider_key
from tests.canary.parrot import MANNERS, parrot
from tests.canary.places import requests
from tests.hostile.request import Shape, spoken
from tests.hostile.wire import Case, converse

pytestmark = [pytest.mark.e2e, pytest.mark.slow, pytest.mark.xdist_group("canary"), pytest.mark.timeout(180)]


CLIENTS: Final = 8
# Answers without a body, logs of databases that were just written back, and files whose names are all there is.
MAY_BE_EMPTY: Final = re.compile(r"answer|file (\w+\.db-|w\d+-)")
# What the process says when it is looked at closely and has accidents: proof that all of it was looked through.
WORDS: Final = (
    b'"level":"debug"',
    b"uncaught exception in a thread",
    b"event loop exception",
    b"could not be raised",
    b"Traceback",
    b"(most recent call first)",
)


@dataclass(frozen=True, slots=True)
class Aftermath:
    """What every sink held when all was over, by the sink's name."""

    sinks: Mapping[str, bytes]
    canaries: tuple[Canary, ...]
    failures: int


def _provoke(aviary: Aviary) -> None:
    """Put every canary into every place of a request, and let every provider fail in every manner."""
    placed = [
        (f"{name} as {place}", request)
        for name, canary in aviary.canaries.items()
        for place, request in requests(canary.value, aviary.key)
    ]
    with ThreadPoolExecutor(CLIENTS) as clients:
        list(clients.map(lambda each: aviary.send(*each), placed))
        for manner in MANNERS:
            aviary.parrot.manner = manner
            calls = [call for provider in REPEATING for call in _calls(aviary, provider, f"{provider} with {manner}")]
            list(clients.map(lambda each: aviary.send(*each), calls))
        calls = [call for provider in FAILING for call in _calls(aviary, provider, provider)]
        list(clients.map(lambda each: aviary.send(*each), calls))


def _calls(aviary: Aviary, provider: str, place: str) -> Iterator[tuple[str, bytes]]:
    is_anthropic = provider in {"anthropic", "villa", "tunnelled"}
    end = "/v1/messages" if is_anthropic else "/v1/chat/completions"
    for stream in (False, True):
        fields = {"model": "x", "max_tokens": 5, "messages": [{"role": "user", "content": "Hello"}], "stream": stream}
        target = f"/to/{provider}{end}".encode()
        yield f"{place}{', stream' if stream else ''}", Shape(aviary.key, target=target).request(spoken(fields))


def _read(port: int, target: str, fields: bytes = b"") -> bytes:
    request = b"GET %b HTTP/1.1\r\nHost: 127.0.0.1\r\n%bConnection: close\r\n\r\n" % (target.encode(), fields)
    return b"".join(str(a.fields).encode() + a.body for a in converse(port, Case(target, (request,))).answers)


def _sinks(aviary: Aviary) -> dict[str, bytes]:
    """Collect whatever the process let out, and what the commands say of it."""
    gateway, state = aviary.gateway, str(aviary.gateway.state_dir)
    token = (gateway.state_dir / "admin_token").read_bytes().strip()
    policy = str(aviary.folder / "policy.yaml")
    sinks = {
        "command lines": aviary.command_lines(),
        "healthz": _read(gateway.port, "/healthz"),
        "readyz": _read(gateway.port, "/readyz"),
        "admin healthz": _read(gateway.admin_port, "/healthz"),
        "admin page": _read(gateway.admin_port, "/"),
        "admin status": _read(gateway.admin_port, "/admin/status", b"Authorization: Bearer %b\r\n" % token),
        "admin metrics": _read(gateway.admin_port, "/metrics"),
        "seawall explain": b"".join(
            aviary.run("explain", f"/to/{p}", "--policy", policy) for p in (*REPEATING, *FAILING)
        ),
        "seawall check": aviary.run("check", policy),
        "seawall check --json": aviary.run("check", policy, "--json"),
        "seawall config schema": aviary.run("config", "schema"),
        "seawall calls": aviary.run("calls", "--limit", "1000000", "--state-dir", state),
        "seawall calls --json": aviary.run("calls", "--limit", "1000000", "--json", "--state-dir", state),
        "seawall spend": aviary.run("spend", "--by", "model", "--since", "today", "--state-dir", state),
        "seawall keys list": aviary.run("keys", "list", "--state-dir", state),
        "seawall keys list --json": aviary.run("keys", "list", "--json", "--state-dir", state),
    }
    last = sinks["seawall calls --json"].splitlines()[-1].split(b'"id":')[1].split(b'"')[1].decode()
    sinks["seawall calls show"] = aviary.run("calls", "show", last, "--state-dir", state)
    sinks |= {f"file {name} while it runs": data for name, data in aviary.files().items()}
    sinks |= {f"answer to {place}": b"\n".join(data) for place, data in aviary.heard.items()}
    gateway.process.end()
    sinks |= {f"file {name}": data for name, data in aviary.files().items()}
    return sinks | {"output": gateway.process.output}


@pytest.fixture
def aftermath(tmp_path: Path) -> Iterator[Aftermath]:
    with parrot() as repeating:
        aviary = open_aviary(tmp_path, repeating)
        with aviary.gateway.process:
            _provoke(aviary)
            aviary.accident()
            yield Aftermath(_sinks(aviary), tuple(aviary.canaries.values()), aviary.failures)


def test_no_credential_is_in_any_sink_of_a_gateway_that_failed_in_every_way(aftermath: Aftermath) -> None:
    output, sinks = aftermath.sinks["output"], aftermath.sinks
    print(f"{aftermath.failures} failures, {len(sinks)} sinks of {sum(map(len, sinks.values())) >> 20} MB")  # noqa: T201  # for docs/security-tests.md

    assert hits(sinks, aftermath.canaries) == []
    assert aftermath.failures > 1_000
    silent = [name for name, data in sinks.items() if not data and not MAY_BE_EMPTY.match(name)]
    assert silent == []
    assert [word for word in WORDS if word not in output] == []
    assert b"policy" in sinks["admin status"]
    assert b"<html" in sinks["admin page"]
    assert output.count(b"[secret]") > 50
    assert sinks["seawall calls --json"].count(b"\n") > 1_000
    assert any(name.startswith("file calls-") for name in sinks)


@pytest.mark.parametrize("kind", ["anthropic", "openai", "plain"])
def test_the_search_finds_a_planted_credential_in_every_form(kind: str) -> None:
    canary = provider_key(kind)
    value = canary.value
    planted = {
        "as it is": value,
        "in a line": f'{{"at": 1, "key": "{value}"}}',
        "the first half": value[: len(value) // 2],
        "the last half": value[len(value) // 2 :],
        "cut off": f"{value[:30]}…",
        "in base64": base64.b64encode(value.encode()).decode(),
        "in base64 behind something": base64.b64encode(f"user:{value}".encode()).decode(),
        "in base64 for URLs": base64.urlsafe_b64encode(f"x{value}y".encode()).decode(),
        "percent-encoded": quote(f"?{value}"),
        "in hex": value.encode().hex(),
        "backwards": value[::-1],
    }

    assert [place for place, text in planted.items() if not hits({place: text.encode()}, [canary])] == []
    assert hits({"nothing": b"sk-ant-api03- sk-proj- " * 100}, [canary]) == []

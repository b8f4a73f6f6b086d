import asyncio
import json
from typing import Any, Final

import httpx2
import pytest

from seawall.core.secret import Secret
from seawall.sandbox import Sandbox, Settings
from seawall.sandbox import sandbox as module
from seawall.sandbox.problem import Problem
from seawall.testing.clock import LoopClock

ASK: Final = {"model": "claude-haiku-4-5", "max_tokens": 300, "messages": [{"role": "user", "content": "hi"}]}
CHAT: Final = {"model": "gpt-5.5", "messages": [{"role": "user", "content": "hi"}]}


async def test_many_sandboxes_run_side_by_side() -> None:
    async with Sandbox() as one, Sandbox(Settings(output_tokens=1)) as two, httpx2.AsyncClient() as client:
        headers = {"x-api-key": "k", "anthropic-version": "2023-06-01"}
        answers = [await client.post(f"{box.url}/v1/messages", json=ASK, headers=headers) for box in (one, two)]

        assert one.port != two.port
        assert [box.meter.total.calls for box in (one, two)] == [1, 1]
        assert answers[0].json() != answers[1].json()


async def test_a_started_sandbox_can_be_entered_and_closed_twice() -> None:
    sandbox = Sandbox()
    await sandbox.start(port=0)
    port = sandbox.port

    async with sandbox:
        assert sandbox.port == port
    await sandbox.aclose()


async def test_an_address_of_version_six_is_written_in_brackets() -> None:
    sandbox = Sandbox()
    sandbox._host, sandbox._port = "::1", 80  # listening there is not possible on every machine

    assert sandbox.url == "http://[::1]:80"


@pytest.mark.parametrize(
    "headers",
    [
        pytest.param({"x-api-key": "secret-key"}, id="x-api-key"),
        pytest.param({"authorization": "Bearer secret-key"}, id="bearer"),
        pytest.param({"authorization": "bearer  secret-key", "x-api-key": ""}, id="bearer in another case"),
        pytest.param({"authorization": "Bearer other", "x-api-key": "secret-key"}, id="x-api-key comes first"),
    ],
)
async def test_the_key_is_taken_from_either_header(headers: dict[str, str]) -> None:
    async with (
        Sandbox(expected_key=Secret("secret-key")) as sandbox,
        httpx2.AsyncClient(base_url=sandbox.url) as client,
    ):
        answer = await client.post("/v1/chat/completions", json=CHAT, headers=headers)

    assert answer.status_code == 200


@pytest.mark.parametrize(
    ("path", "body", "kind"),
    [
        pytest.param("/v1/messages", ASK, "authentication_error", id="anthropic"),
        pytest.param("/v1/chat/completions", CHAT, "invalid_request_error", id="openai"),
    ],
)
@pytest.mark.parametrize("headers", [{}, {"x-api-key": "wrong-key"}, {"authorization": "Basic secret-key"}])
async def test_a_wrong_key_is_refused_in_the_dialect_and_not_repeated(
    path: str, body: dict[str, Any], kind: str, headers: dict[str, str]
) -> None:
    async with (
        Sandbox(expected_key=Secret("secret-key")) as sandbox,
        httpx2.AsyncClient(base_url=sandbox.url) as client,
    ):
        answer = await client.post(path, json=body, headers=headers)

    assert answer.status_code == 401
    assert answer.json()["error"]["type"] == kind
    assert "key" not in answer.headers
    assert "wrong-key" not in answer.text
    assert sandbox.meter.entries[-1].billed_nusd == 0


async def test_a_provider_can_repeat_the_key(http: httpx2.AsyncClient) -> None:
    answer = await http.post("/v1/messages", json=ASK, headers={"x-sandbox-fault": "echo_key"})

    assert answer.status_code == 401
    assert "key-of-the-client" in answer.json()["error"]["message"]


async def test_the_meter_agrees_with_what_the_answers_said(http: httpx2.AsyncClient, sandbox: Sandbox) -> None:
    for _ in range(3):
        await http.post("/v1/messages", json=ASK)
    usage = (await http.post("/v1/messages", json=ASK)).json()["usage"]

    total = sandbox.meter.total
    assert (total.calls, total.input, total.output) == (4, 4 * usage["input_tokens"], 4 * usage["output_tokens"])
    assert total.billed_nusd == 4 * (usage["input_tokens"] * 1_000 + usage["output_tokens"] * 5_000)
    entry = sandbox.meter.entries[-1]
    assert (entry.endpoint, entry.model, entry.key, entry.status) == ("/v1/messages", "claude-haiku-4-5", 1, 200)
    assert sandbox.meter.by_key[1].calls == 4


@pytest.mark.parametrize(
    ("path", "body"),
    [
        ("/v1/messages", {**ASK, "metadata": {"user_id": "anna"}}),
        ("/v1/chat/completions", {"model": "gpt-5.4", "messages": ASK["messages"], "user": "anna"}),
        ("/v1/chat/completions", {"model": "gpt-5.4", "messages": ASK["messages"], "safety_identifier": "anna"}),
    ],
)
async def test_the_meter_knows_the_end_user(
    http: httpx2.AsyncClient, sandbox: Sandbox, path: str, body: dict[str, object]
) -> None:
    await http.post(path, json=body)

    assert sandbox.meter.by_caller["anna"].billed_nusd == sandbox.meter.total.billed_nusd > 0


async def test_the_flat_model_costs_the_same_whatever_it_is_asked(http: httpx2.AsyncClient, sandbox: Sandbox) -> None:
    headers = {"x-sandbox-output-tokens": "100"}
    for text in ("Hi", "Hello, who are you?"):
        messages = [{"role": "user", "content": text}]
        await http.post("/v1/messages", json={**ASK, "model": "sandbox-flat", "messages": messages}, headers=headers)

    assert [entry.billed_nusd for entry in sandbox.meter.entries] == [10_000_000, 10_000_000]


async def test_what_is_not_an_answer_is_counted_and_not_billed(http: httpx2.AsyncClient, sandbox: Sandbox) -> None:
    await http.post("/v1/messages", json={})
    await http.post("/v1/messages", json=ASK, headers={"x-sandbox-fault": "status=500"})
    await http.post("/v1/messages", json=ASK, headers={"x-sandbox-fault": "html_error"})
    await http.get("/v1/models")
    await http.get("/nowhere")

    total = sandbox.meter.total
    assert (total.calls, total.errors, total.billed_nusd) == (5, 4, 0)
    assert set(sandbox.meter.by_endpoint) == {"/v1/messages", "/v1/models", "unknown"}


async def test_a_refusal_of_claude_is_free_and_one_of_gpt_is_not(http: httpx2.AsyncClient, sandbox: Sandbox) -> None:
    await http.post("/v1/messages", json=ASK, headers={"x-sandbox-refusal": "before"})
    await http.post("/v1/chat/completions", json=CHAT, headers={"x-sandbox-refusal": "before"})

    assert [entry.billed_nusd > 0 for entry in sandbox.meter.entries] == [False, True]


async def test_requests_are_kept_byte_for_byte(http: httpx2.AsyncClient, sandbox: Sandbox) -> None:
    body = b'{ "model":"x",  "odd": "\\u00e9" }'
    await http.post("/v1/messages?beta=true", content=body, headers={"X-Canary": "yes"})

    (seen,) = sandbox.requests.last()
    assert (seen.method, seen.target, seen.body) == ("POST", "/v1/messages?beta=true", body)
    assert (b"X-Canary", b"yes") in seen.headers
    assert seen.request_id == sandbox.meter.entries[-1].request_id


@pytest.mark.parametrize(
    "path", ["/v1/messages", "/v1/chat/completions", "/v1/embeddings", "/v1/models/x", "/elsewhere"]
)
@pytest.mark.parametrize("version", [None, "2023-06-01"])
async def test_every_answer_has_a_request_id(sandbox: Sandbox, path: str, version: str | None) -> None:
    headers = {"x-api-key": "k"} | ({"anthropic-version": version} if version else {})
    async with httpx2.AsyncClient(base_url=sandbox.url, headers=headers) as client:
        answer = await client.post(path, json={})

    found = answer.headers.get("request-id") or answer.headers.get("x-request-id")
    assert found == sandbox.meter.entries[-1].request_id
    assert "error" in answer.json()


async def test_the_version_header_decides_what_the_list_of_models_looks_like(http: httpx2.AsyncClient) -> None:
    claude = (await http.get("/v1/models")).json()
    del http.headers["anthropic-version"]
    gpt = (await http.get("/v1/models")).json()

    assert claude["data"][0]["type"] == "model"
    assert gpt["object"] == "list"


async def test_an_incident_can_be_for_one_model(http: httpx2.AsyncClient, sandbox: Sandbox) -> None:
    sandbox.set_fault("status=529", model="claude-haiku-4-5", count=2)

    models = ("claude-haiku-5-5", "claude-haiku-4-5", "claude-haiku-4-5", "claude-haiku-4-5")
    statuses = [(await http.post("/v1/messages", json=ASK | {"model": model})).status_code for model in models]
    broken = await http.post("/v1/messages", content=b"[")

    assert statuses == [200, 529, 529, 200]
    assert broken.status_code == 400


async def test_the_header_of_a_request_comes_before_every_incident(http: httpx2.AsyncClient, sandbox: Sandbox) -> None:
    sandbox.set_fault("status=529")

    assert (await http.post("/v1/messages", json=ASK, headers={"x-sandbox-fault": "status=503"})).status_code == 503
    assert (await http.post("/v1/messages", json=ASK, headers={"x-sandbox-fault": ""})).status_code == 200
    sandbox.clear_faults()
    assert (await http.post("/v1/messages", json=ASK)).status_code == 200


def test_a_fault_that_there_is_not_is_refused_at_once() -> None:
    with pytest.raises(Problem, match="valid faults"):
        Sandbox().set_fault("explode")


@pytest.mark.parametrize(("name", "value"), [("fault", "explode"), ("speed", "9"), ("output-tokens", "many")])
async def test_a_header_that_cannot_be_meant_is_refused(http: httpx2.AsyncClient, name: str, value: str) -> None:
    answer = await http.post("/v1/messages", json=ASK, headers={f"x-sandbox-{name}": value})

    assert answer.status_code == 400
    assert "sandbox" in answer.json()["error"]["message"]


async def test_limits_count_down_and_refuse_where_they_are_enforced(sandbox: Sandbox, http: httpx2.AsyncClient) -> None:
    sandbox.settings = Settings(requests_per_minute=2, enforce_limits=True)

    answers = [await http.post("/v1/messages", json=ASK) for _ in range(3)]
    await asyncio.sleep(60)
    answers.append(await http.post("/v1/messages", json=ASK))

    assert [answer.status_code for answer in answers] == [200, 200, 429, 200]
    assert [answer.headers["anthropic-ratelimit-requests-remaining"] for answer in answers] == ["1", "0", "0", "1"]
    assert 0 < int(answers[2].headers["retry-after"]) <= 60
    sandbox.reset()
    assert sandbox.settings == Settings()


async def test_a_body_that_is_too_large_is_refused_in_the_dialect(
    http: httpx2.AsyncClient, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr("seawall.sandbox.server.BODY_CAP", 1_000)

    answer = await http.post("/v1/messages", json=ASK | {"system": "a" * 2_000})

    assert answer.status_code == 413
    assert answer.json()["error"]["type"] == "request_too_large"


async def test_answers_are_the_same_in_every_sandbox() -> None:
    texts = set()
    for _ in range(2):
        async with Sandbox(clock=LoopClock()) as sandbox, httpx2.AsyncClient(base_url=sandbox.url) as client:
            answer = await client.post("/v1/chat/completions", json=CHAT, headers={"x-api-key": "k"})
            texts.add(answer.json()["choices"][0]["message"]["content"])

    assert len(texts) == 1


def test_the_model_of_a_body_is_read_only_where_there_is_one() -> None:
    bodies = [b"", b"[]", b'{"model":5}', json.dumps({"model": "m"}).encode()]

    assert [module._model_of(body) for body in bodies] == [None, None, None, "m"]  # an internal step of incidents

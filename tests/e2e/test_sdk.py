"""The official clients do through the gateway what they do at the providers; the provider's own meter is the judge."""

import json
from collections.abc import Callable
from dataclasses import dataclass, field
from typing import Any, Final

import pytest

from tests.e2e.comparison import recorded_as_metered
from tests.e2e.stage import GatewayProcess, Json, OfficialClient, SandboxProcess

CLAUDE: Final = "claude-haiku-5-5"
THINKER: Final = "claude-sonnet-5-5"
GPT: Final = "gpt-5.6-luna"
WORDS: Final = "Ahoy! 潮が満ちる — café 🌊, “quoted” \\ and\n\na new line."
SPOKEN: Final = {"text": WORDS}


@dataclass(frozen=True)
class Case:
    """One thing a user does: what is asked, how the provider is set, and what the client must see.

    `seen` is a part of what the scenario tells; a key with dots leads into it.
    """

    scenario: str
    model: str
    seen: Json = field(default_factory=dict)
    settings: Json = field(default_factory=lambda: SPOKEN)
    asked: Json = field(default_factory=dict)
    route: str = "/ai/open"
    title: str = ""


def _fields(**fields: Any) -> Json:
    return {"fields": fields}


OLD: Final = {"headers": {"anthropic-version": "2023-06-01"}}
NEW: Final = {"headers": {"anthropic-version": "2026-10-21"}}
CACHED: Final = [
    {"type": "text", "text": "The tide tables of the harbour. " * 1200, "cache_control": {"type": "ephemeral"}}
]

CASES: Final = (
    Case("anthropic.messages", CLAUDE, {"text": WORDS, "stop_reason": "end_turn", "model": CLAUDE}),
    Case("anthropic.messages", CLAUDE, {"text": WORDS}, asked=OLD, title="version of 2023"),
    Case("anthropic.messages", CLAUDE, {"text": WORDS}, asked=NEW, title="version of 2026"),
    Case("anthropic.messages", "gpt-unheard-of", {"model": CLAUDE}, route="/ai/fixed", title="the route's model"),
    Case(
        "anthropic.messages",
        CLAUDE,
        {"stop_reason": "max_tokens"},
        {"output_tokens": 80},
        route="/ai/fixed",
        title="the route's ceiling",
    ),
    Case("anthropic.messages", CLAUDE, {"text": WORDS}, asked=_fields(system=CACHED), title="a cached prompt"),
    Case("anthropic.messages", THINKER, {"blocks": ["thinking", "text"]}, title="thinking"),
    Case(
        "anthropic.stream_helper",
        THINKER,
        {"blocks": ["thinking", "text"], "text": WORDS},
        asked=_fields(thinking={"type": "adaptive", "display": "summarized"}),
        title="thinking",
    ),
    Case("anthropic.stream", CLAUDE, {"text": WORDS, "raised": None}),
    Case("anthropic.stream", CLAUDE, {"text": WORDS}, route="", title="the key's own route"),
    Case("anthropic.stream_helper", CLAUDE, {"text": WORDS, "streamed": WORDS, "stop_reason": "end_turn"}),
    Case("anthropic.tools", CLAUDE, {"stop_reason": "tool_use", "then.text": WORDS}),
    Case("anthropic.stream_tools", CLAUDE, {"stop_reason": "tool_use"}),
    Case("anthropic.image", CLAUDE, {"text": WORDS}),
    Case("anthropic.document", CLAUDE, {"text": WORDS}),
    Case("anthropic.structured", CLAUDE, settings={}),
    Case("anthropic.count_tokens", CLAUDE),
    Case("anthropic.models", CLAUDE, {"found": CLAUDE}),
    Case("anthropic.beta", CLAUDE, {"text": WORDS}),
    Case("openai.chat", GPT, {"text": WORDS, "finish_reason": "stop", "model": GPT}),
    Case("openai.chat", "claude-unheard-of", {"model": GPT}, route="/ai/fixed-gpt", title="the route's model"),
    Case(
        "openai.chat",
        GPT,
        {"finish_reason": "length"},
        {"output_tokens": 80},
        _fields(reasoning_effort="none"),
        "/ai/fixed-gpt",
        "the route's ceiling",
    ),
    Case("openai.stream", GPT, {"text": WORDS, "usage": None, "raised": None}),
    Case("openai.stream_usage", GPT, {"text": WORDS, "raised": None}),
    Case("openai.tools", GPT, {"finish_reason": "tool_calls", "then.text": WORDS}),
    Case("openai.stream_tools", GPT, {"finish_reason": "tool_calls", "names": ["get_weather"]}),
    Case("openai.image", GPT, {"text": WORDS}),
    Case("openai.structured", GPT, settings={}),
    Case("openai.embeddings", "text-embedding-3-small", {"sizes": [1536, 1536]}),
    Case("openai.models", GPT, {"found": GPT}),
)


def _at(found: Json, path: str) -> Any:
    value: Any = found
    for name in path.split("."):
        value = value[name]
    return value


def _check_whole(case: Case, seen: Json, entries: list[Json]) -> None:
    (entry,) = entries
    assert float(seen["headers"]["x-seawall-cost-usd"]) == entry["billed_nusd"] / 1e9
    assert seen["headers"]["x-seawall-route"] == (case.route or "/ai/open")
    assert seen["request_id"] == entry["request_id"]
    assert seen["usage"][1] == entry["usage"]["output"] + entry["usage"]["thinking"]


def _check_messages_stream(case: Case, seen: Json, entries: list[Json]) -> None:
    del case
    pings = 1
    assert len(seen["events"]) == entries[0]["events"] - pings
    assert (seen["events"][0], seen["events"][-1]) == ("message_start", "message_stop")


def _check_chat_stream(case: Case, seen: Json, entries: list[Json]) -> None:
    del case
    ends = 2  # the closing usage that was asked for by us, and the end mark
    assert seen["chunks"] == entries[0]["events"] - ends


def _check_chat_stream_with_usage(case: Case, seen: Json, entries: list[Json]) -> None:
    del case
    usage = entries[0]["usage"]
    assert seen["chunks"] == entries[0]["events"] - 1
    assert seen["usage"] == [usage["input"], usage["output"] + usage["thinking"]]


def _check_tools(case: Case, seen: Json, entries: list[Json]) -> None:
    del case
    assert [call["name"] for call in seen["calls"]] == ["get_weather"]
    assert set(seen["calls"][0]["input"]) == {"city", "degrees"}
    assert len(entries) == len(("question", "result"))


def _check_streamed_arguments(case: Case, seen: Json, entries: list[Json]) -> None:
    del case, entries
    arguments = json.loads(seen["pieces"])
    assert set(arguments) == {"city", "degrees"}
    assert seen.get("inputs", [arguments]) == [arguments]


def _check_structured(case: Case, seen: Json, entries: list[Json]) -> None:
    del case, entries
    assert set(seen["value"]) == {"city", "degrees"}


def _check_free(case: Case, seen: Json, entries: list[Json]) -> None:
    assert sum(entry["billed_nusd"] for entry in entries) == 0
    assert seen.get("input_tokens", 1) > 0
    assert case.model in seen.get("ids", [case.model])


CHECKS: Final[dict[str, Callable[[Case, Json, list[Json]], None]]] = {
    "anthropic.messages": _check_whole,
    "anthropic.stream": _check_messages_stream,
    "anthropic.tools": _check_tools,
    "anthropic.stream_tools": _check_streamed_arguments,
    "anthropic.structured": _check_structured,
    "anthropic.count_tokens": _check_free,
    "anthropic.models": _check_free,
    "openai.chat": _check_whole,
    "openai.stream": _check_chat_stream,
    "openai.stream_usage": _check_chat_stream_with_usage,
    "openai.tools": _check_tools,
    "openai.stream_tools": _check_streamed_arguments,
    "openai.structured": _check_structured,
    "openai.models": _check_free,
}


@pytest.mark.parametrize("case", CASES, ids=lambda case: " ".join(filter(None, (case.scenario, case.title))))
def test_official_client_is_served(
    sdk: OfficialClient, gateway: GatewayProcess, sandbox: SandboxProcess, key: str, case: Case
) -> None:
    sandbox.steer(**case.settings)

    told = sdk.run(case.scenario, base_url=gateway.url + case.route, key=key, model=case.model, **case.asked)

    assert "ok" in told, told
    assert {path: _at(told["ok"], path) for path in case.seen} == case.seen
    records = recorded_as_metered(gateway, sandbox)
    for record in records:
        assert record.get("outcome", "ok") == "ok"
        assert record["team"] == "support"
        assert record["route"] == (case.route or "/ai/open")
    if check := CHECKS.get(case.scenario):
        check(case, told["ok"], sandbox.meter())
    betas = [value for name, value in sandbox.requests()[0]["headers"] if name == "anthropic-beta"]
    assert betas == (["context-management-2025-06-27"] if case.scenario == "anthropic.beta" else [])


def test_labels_of_a_call_are_on_its_record(
    sdk: OfficialClient, gateway: GatewayProcess, sandbox: SandboxProcess, key: str
) -> None:
    headers = {
        "x-seawall-user": "ada",
        "x-seawall-feature": "drafts",
        "x-seawall-conversation": "c-17",
        "x-seawall-class": "automation",
        "traceparent": "00-0af7651916cd43dd8448eb211c80319c-b7ad6b7169203331-01",
    }

    for scenario, model in (("anthropic.messages", CLAUDE), ("openai.chat", GPT)):
        sandbox.forget()
        sdk.run(scenario, base_url=f"{gateway.url}/ai/open", key=key, model=model, headers=headers)

        (record,) = recorded_as_metered(gateway, sandbox)
        assert record["feature"] == "drafts"
        assert record["traffic_class"] == "automation"
        assert record["trace_id"] == "0af7651916cd43dd8448eb211c80319c"
        assert record["user"]
        assert "ada" not in record["user"]
        assert "c-17" not in record["conversation"]
        (seen,) = sandbox.requests()
        assert not [name for name, _ in seen["headers"] if name.lower().startswith(("x-seawall", "x-stainless"))]
        assert key not in json.dumps(seen), "the client's key stays here"

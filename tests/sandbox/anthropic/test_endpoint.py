import json
from collections.abc import Callable
from typing import Any

import pytest

from seawall.core.usage import Usage
from seawall.sandbox.anthropic.endpoint import count_tokens, messages
from seawall.sandbox.call import Call
from seawall.sandbox.fault import parse
from seawall.sandbox.reply import Reply
from seawall.sandbox.setting import Settings

TOOL = {"name": "clock", "input_schema": {"type": "object"}}
LONG_TEXT = "harbour light " * 600


def _body(model: str = "claude-haiku-4-5", **change: Any) -> dict[str, Any]:
    return {"model": model, "max_tokens": 2_000, "messages": [{"role": "user", "content": "hi"}]} | change


def _told(reply: Reply) -> dict[str, Any]:
    (event,) = reply.events
    found: dict[str, Any] = json.loads(event.data)
    return found


def test_streaming_changes_how_an_answer_is_sent_and_not_what_it_is(make_call: Callable[..., Call]) -> None:
    whole, stream = messages(make_call(_body())), messages(make_call(_body(stream=True)))
    text = "".join(
        json.loads(event.data.partition(b"data: ")[2])["delta"]["text"]
        for event in stream.events
        if b'"text_delta"' in event.data
    )

    assert text == _told(whole)["content"][0]["text"]
    assert whole.charge == stream.charge
    assert stream.is_stream
    assert ("content-type", "text/event-stream; charset=utf-8") in stream.headers


def test_counting_gives_what_the_call_itself_reports(make_call: Callable[..., Call]) -> None:
    body = _body(tools=[TOOL], system="Be brief.")

    counted = _told(count_tokens(make_call({k: v for k, v in body.items() if k != "max_tokens"})))

    assert counted == {"input_tokens": _told(messages(make_call(body)))["usage"]["input_tokens"]}


def test_the_cache_is_written_when_the_answer_begins(make_call: Callable[..., Call]) -> None:
    body = _body(
        "claude-opus-5-5", system=[{"type": "text", "text": LONG_TEXT, "cache_control": {"type": "ephemeral"}}]
    )
    first, meanwhile = messages(make_call(body)), messages(make_call(body))
    first.begun()
    later, late = messages(make_call(body, now_s=299)), messages(make_call(body, now_s=301))

    usages = [reply.charge.usage for reply in (first, meanwhile, later, late) if reply.charge]
    written = usages[0].cache_write_short
    assert written > 1_000
    assert [usage.cache_write_short for usage in usages] == [written, written, 0, written]
    assert [usage.cache_read for usage in usages] == [0, 0, written, 0]


def test_keys_and_models_do_not_share_a_cache(make_call: Callable[..., Call]) -> None:
    def written(model: str, key: int) -> int:
        body = _body(model, system=[{"type": "text", "text": LONG_TEXT, "cache_control": {"type": "ephemeral"}}])
        reply = messages(make_call(body, key=key))
        reply.begun()
        return reply.charge.usage.cache_write_short if reply.charge else 0

    assert written("claude-opus-5-5", 1) > 0
    assert written("claude-opus-5-5", 1) == 0
    assert written("claude-opus-5-5", 2) > 0
    assert written("claude-opus-5", 1) > 0


def test_a_pre_warm_writes_the_cache_and_answers_nothing(make_call: Callable[..., Call]) -> None:
    system = [{"type": "text", "text": LONG_TEXT, "cache_control": {"type": "ephemeral"}}]

    told = _told(messages(make_call(_body("claude-opus-5-5", max_tokens=0, system=system))))

    assert (told["content"], told["stop_reason"], told["usage"]["output_tokens"]) == ([], "max_tokens", 0)
    assert told["usage"]["cache_creation_input_tokens"] > 0


def test_a_refusal_before_any_output_is_shown_and_not_billed(make_call: Callable[..., Call]) -> None:
    before = messages(make_call(_body(), settings=Settings(refusal="before")))
    midway = messages(make_call(_body(), settings=Settings(refusal="midway")))

    assert before.charge
    assert before.charge.is_free
    assert _told(before)["usage"]["input_tokens"] > 0
    assert midway.charge
    assert not midway.charge.is_free


@pytest.mark.parametrize(
    ("change", "permille"),
    [
        pytest.param({}, 1_000, id="standard"),
        pytest.param({"speed": "fast"}, 2_000, id="fast"),
        pytest.param({"inference_geo": "us"}, 1_100, id="in one region"),
        pytest.param({"inference_geo": "us", "speed": "fast"}, 2_200, id="both"),
    ],
)
def test_how_it_is_served_scales_the_price(
    make_call: Callable[..., Call], change: dict[str, Any], permille: int
) -> None:
    reply = messages(make_call(_body("claude-opus-5-5", **change)))

    assert reply.charge
    assert reply.charge.permille == permille


def test_the_answer_says_how_it_was_served(make_call: Callable[..., Call]) -> None:
    usage = _told(messages(make_call(_body("claude-opus-5-5", speed="fast", inference_geo="us"))))["usage"]

    assert (usage["speed"], usage["inference_geo"], usage["service_tier"]) == ("fast", "us", "standard")


@pytest.mark.parametrize(
    ("model", "thinking", "expected"),
    [
        pytest.param("claude-opus-5-5", None, "hidden", id="always thinking"),
        pytest.param("claude-opus-5-5", {"type": "adaptive", "display": "summarized"}, "shown", id="asked to show it"),
        pytest.param("claude-haiku-5-5", {"type": "disabled"}, "none", id="turned off"),
        pytest.param("claude-opus-4-8", None, "none", id="off by default"),
        pytest.param("claude-opus-4-6", {"type": "adaptive"}, "shown", id="older models show it"),
        pytest.param("claude-sonnet-5-5", {"type": "between_tools"}, "none", id="between tools only"),
    ],
)
def test_an_answer_begins_with_thinking_where_the_model_thinks(
    make_call: Callable[..., Call], model: str, thinking: dict[str, Any] | None, expected: str
) -> None:
    body = _body(model) if thinking is None else _body(model, thinking=thinking)

    first = _told(messages(make_call(body)))["content"][0]

    found = "none" if first["type"] == "text" else "shown" if first["thinking"] else "hidden"
    assert found == expected


def test_usage_that_is_told_wrong_is_billed_right(make_call: Callable[..., Call]) -> None:
    replies = {
        fault: messages(make_call(_body(), faults=parse(fault))) for fault in ("", "usage=zero", "usage=missing")
    }

    assert len({reply.charge for reply in replies.values()}) == 1
    assert _told(replies["usage=zero"])["usage"]["input_tokens"] == 0
    assert "usage" not in _told(replies["usage=missing"])
    charge = replies[""].charge
    assert charge
    assert isinstance(charge.usage, Usage)


def test_server_tools_are_never_called(make_call: Callable[..., Call]) -> None:
    tools = [{"type": "web_search_20260318", "name": "web_search"}]
    body = _body(tools=tools, messages=[{"role": "user", "content": "use tool"}])

    assert _told(messages(make_call(body)))["stop_reason"] == "end_turn"

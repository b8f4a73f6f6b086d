import json
from collections.abc import Callable
from typing import Any

import pytest

from seawall.sandbox.call import Call
from seawall.sandbox.fault import parse
from seawall.sandbox.openai.endpoint import chat
from seawall.sandbox.openai.reply import REFUSAL
from seawall.sandbox.reply import Reply
from seawall.sandbox.setting import Settings

TOOL = {"type": "function", "function": {"name": "clock"}}
LONG_TEXT = "harbour light " * 800


def _body(model: str = "gpt-5.5", **change: Any) -> dict[str, Any]:
    return {"model": model, "messages": [{"role": "user", "content": "hi"}]} | change


def _told(reply: Reply) -> dict[str, Any]:
    (event,) = reply.events
    found: dict[str, Any] = json.loads(event.data)
    return found


def test_streaming_changes_how_an_answer_is_sent_and_not_what_it_is(make_call: Callable[..., Call]) -> None:
    whole, stream = (
        chat(make_call(_body())),
        chat(make_call(_body(stream=True, stream_options={"include_usage": True}))),
    )
    chunks = [json.loads(event.data[6:]) for event in stream.events[:-1]]
    text = "".join(chunk["choices"][0]["delta"].get("content", "") for chunk in chunks[:-1])

    assert text == _told(whole)["choices"][0]["message"]["content"]
    assert chunks[-1]["usage"] == _told(whole)["usage"]
    assert whole.charge == stream.charge
    assert sum(event.tokens for event in stream.events) == _told(whole)["usage"]["completion_tokens"]


@pytest.mark.parametrize(
    ("model", "writes"),
    [pytest.param("gpt-6-sol", True, id="with a fee"), pytest.param("gpt-5.5", False, id="without")],
)
def test_a_shared_beginning_is_read_from_the_cache(make_call: Callable[..., Call], model: str, writes: bool) -> None:
    def usage(question: str) -> dict[str, Any]:
        messages = [{"role": "system", "content": LONG_TEXT}, {"role": "user", "content": question}]
        reply = chat(make_call(_body(model, messages=messages)))
        reply.begun()
        found: dict[str, Any] = _told(reply)["usage"]["prompt_tokens_details"]
        return found

    first, second = usage("one"), usage("two")

    assert first["cached_tokens"] == 0
    assert second["cached_tokens"] == 1_536
    assert (first["cache_write_tokens"] > 0) is writes


def test_twelve_hours_are_billed_dearer_than_thirty_minutes(make_call: Callable[..., Call]) -> None:
    def charge(ttl: str, key: int) -> tuple[int, int]:
        part = {"type": "text", "text": LONG_TEXT, "prompt_cache_breakpoint": {"mode": "explicit", "ttl": ttl}}
        reply = chat(make_call(_body("gpt-6-sol", messages=[{"role": "user", "content": [part]}]), key=key))
        assert reply.charge
        return reply.charge.usage.cache_write_short, reply.charge.usage.cache_write_long

    assert charge("30m", 1) == charge("12h", 2)[::-1]


@pytest.mark.parametrize(
    ("model", "asked", "served", "permille"),
    [
        pytest.param("gpt-6-sol", None, "default", 1_000, id="nothing asked"),
        pytest.param("gpt-6-sol", "priority", "priority", 2_000, id="priority"),
        pytest.param("gpt-5.5", "fast", "priority", 2_500, id="fast is priority"),
        pytest.param("gpt-5.5", "flex", "flex", 500, id="flex"),
        pytest.param("gpt-4o", "flex", "default", 1_000, id="a tier the model has not"),
        pytest.param("gpt-5.1", "priority", "default", 1_000, id="priority on an older model"),
    ],
)
def test_the_tier_that_served_decides_the_price(
    make_call: Callable[..., Call], model: str, asked: str | None, served: str, permille: int
) -> None:
    reply = chat(make_call(_body(model, service_tier=asked)))

    assert _told(reply)["service_tier"] == served
    assert reply.charge
    assert reply.charge.permille == permille


def test_several_choices_differ_and_are_all_billed(make_call: Callable[..., Call]) -> None:
    reply = chat(make_call(_body(n=3)))
    texts = {choice["message"]["content"] for choice in _told(reply)["choices"]}

    assert len(texts) == 3
    assert _told(reply)["choices"][0] == _told(chat(make_call(_body())))["choices"][0]
    assert reply.charge
    assert reply.charge.usage.output > 120


@pytest.mark.parametrize(
    ("change", "calls"),
    [
        pytest.param({}, 0, id="nobody asks"),
        pytest.param({"tool_choice": "required"}, 1, id="required"),
        pytest.param({"tool_choice": {"type": "function", "function": {"name": "clock"}}}, 1, id="named"),
        pytest.param({"messages": [{"role": "user", "content": "use tools"}]}, 2, id="the text asks"),
        pytest.param(
            {"messages": [{"role": "user", "content": "use tools"}], "parallel_tool_calls": False},
            1,
            id="one at a time",
        ),
        pytest.param({"messages": [{"role": "user", "content": "use tools"}], "tool_choice": "none"}, 0, id="none"),
    ],
)
def test_tools_are_called_when_they_should_be(
    make_call: Callable[..., Call], change: dict[str, Any], calls: int
) -> None:
    message = _told(chat(make_call(_body(tools=[TOOL], **change))))["choices"][0]["message"]

    assert len(message.get("tool_calls", [])) == calls


def test_a_json_object_is_one(make_call: Callable[..., Call]) -> None:
    body = _body(messages=[{"role": "user", "content": "json"}], response_format={"type": "json_object"})

    assert json.loads(_told(chat(make_call(body)))["choices"][0]["message"]["content"]) == {}


def test_a_refusal_is_billed(make_call: Callable[..., Call]) -> None:
    reply = chat(make_call(_body(), settings=Settings(refusal="before")))

    assert reply.charge
    assert reply.charge.usage.output == len(REFUSAL)
    assert not reply.charge.is_free


def test_max_completion_tokens_covers_the_reasoning(make_call: Callable[..., Call]) -> None:
    told = _told(chat(make_call(_body(max_completion_tokens=10, stop=["zzz"]))))

    assert told["usage"]["completion_tokens"] == 10
    assert told["usage"]["completion_tokens_details"]["reasoning_tokens"] == 5
    assert told["choices"][0]["finish_reason"] == "length"


def test_usage_that_is_told_wrong_is_billed_right(make_call: Callable[..., Call]) -> None:
    right, double = chat(make_call(_body())), chat(make_call(_body(), faults=parse("usage=double")))

    assert right.charge == double.charge
    assert _told(double)["usage"]["prompt_tokens"] == 2 * _told(right)["usage"]["prompt_tokens"]

import json
from dataclasses import replace
from typing import Any, Final

from seawall.core.usage import Usage
from seawall.sandbox.answer import Answer, Stop, ToolCall
from seawall.sandbox.openai.reply import REFUSAL, Telling, body, events, output_tokens, usage_json

CALL: Final = ToolCall("clock", {"zone": "UTC"}, ('{"', "zone", '":"', "UTC", '"}'), head_tokens=2)
TEXT: Final = Answer(Stop.END, ("Hm", "."), ("One", " two", " three"))
USAGE: Final = Usage(input=5, cache_read=6, cache_write_short=7, cache_write_long=8, output=10, thinking=2)
TELLING: Final = Telling("gpt-5.5", "req_1", 1_795_219_200, USAGE, "default", 2)


def _chunks(telling: Telling, *answers: Answer) -> list[dict[str, Any]]:
    found = [event.data.decode() for event in events(answers, telling)]
    assert found[-1] == "data: [DONE]\n\n"
    assert all(frame.startswith("data: ") and frame.endswith("\n\n") for frame in found)
    return [json.loads(frame.removeprefix("data: ")) for frame in found[:-1]]


def test_a_stream_has_the_chunks_of_the_dialect_in_their_order() -> None:
    choices = [chunk["choices"][0] for chunk in _chunks(TELLING, TEXT)]

    assert [choice["delta"] for choice in choices] == [
        {"role": "assistant", "content": "", "refusal": None}, {"content": "One two"}, {"content": " three"}, {},
    ]  # fmt: skip
    assert [choice["finish_reason"] for choice in choices] == [None, None, None, "stop"]


def test_usage_comes_in_a_chunk_of_its_own_and_only_when_it_is_asked_for() -> None:
    asked = _chunks(replace(TELLING, includes_usage=True), TEXT)

    assert [chunk["usage"] for chunk in asked[:-1]] == [None] * 4
    assert (asked[-1]["choices"], asked[-1]["usage"]) == ([], usage_json(USAGE))
    assert all("usage" not in chunk for chunk in _chunks(TELLING, TEXT))
    assert len(_chunks(replace(TELLING, includes_usage=True, usage=None), TEXT)) == 4


def test_cached_tokens_are_inside_the_prompt_and_reasoning_inside_the_completion() -> None:
    told = usage_json(USAGE)

    assert (told["prompt_tokens"], told["completion_tokens"], told["total_tokens"]) == (26, 12, 38)
    assert told["prompt_tokens_details"]["cached_tokens"] == 6
    assert told["prompt_tokens_details"]["cache_write_tokens"] == 15
    assert told["completion_tokens_details"]["reasoning_tokens"] == 2


def test_a_streamed_call_names_itself_once() -> None:
    answer = Answer(Stop.TOOL_CALL, calls=(CALL, CALL))
    calls = [chunk["choices"][0]["delta"].get("tool_calls", [None])[0] for chunk in _chunks(TELLING, answer)][1:-1]
    told = json.loads(body([answer], TELLING))["choices"][0]

    assert [(call["index"], "id" in call) for call in calls] == [
        (0, True), (0, False), (0, False), (0, False), (1, True), (1, False), (1, False), (1, False),
    ]  # fmt: skip
    assert "".join(call["function"]["arguments"] for call in calls[:4]) == '{"zone":"UTC"}'
    assert [call["id"] for call in told["message"]["tool_calls"]] == [calls[0]["id"], calls[4]["id"]]
    assert (told["message"]["content"], told["finish_reason"]) == (None, "tool_calls")


def test_reasoning_is_generated_before_the_first_content_and_never_shown() -> None:
    silent = Answer(Stop.MAX_TOKENS, ("Hm", "."))

    assert [event.tokens for event in events([TEXT], TELLING)] == [0, 4, 1, 0, 0]
    assert [event.tokens for event in events([silent], TELLING)] == [0, 2, 0]


def test_a_refusal_is_told_in_its_own_field() -> None:
    refused = Answer(Stop.REFUSED)
    told = json.loads(body([refused], TELLING))["choices"][0]
    said = "".join(chunk["choices"][0]["delta"].get("refusal") or "" for chunk in _chunks(TELLING, refused))

    assert (told["message"]["content"], told["message"]["refusal"], told["finish_reason"]) == (
        None,
        "".join(REFUSAL),
        "stop",
    )
    assert said == "".join(REFUSAL)
    assert output_tokens(refused) == len(REFUSAL)


def test_a_refusal_in_the_middle_is_a_content_filter() -> None:
    told = json.loads(body([replace(TEXT, stop=Stop.REFUSED)], TELLING))["choices"][0]

    assert (told["message"]["content"], told["finish_reason"]) == ("One two three", "content_filter")


def test_choices_come_one_after_the_other() -> None:
    chunks = _chunks(TELLING, TEXT, replace(TEXT, text=("Four",)))

    assert [chunk["choices"][0]["index"] for chunk in chunks] == [0, 0, 0, 0, 1, 1, 1]
    assert [choice["index"] for choice in json.loads(body([TEXT, TEXT], TELLING))["choices"]] == [0, 1]


def test_obfuscation_is_on_unless_it_is_turned_off() -> None:
    assert ["obfuscation" in chunk for chunk in _chunks(TELLING, TEXT)] == [False, True, True, False]
    assert not any("obfuscation" in chunk for chunk in _chunks(replace(TELLING, has_obfuscation=False), TEXT))


def test_missing_usage_is_nowhere_in_the_body() -> None:
    assert "usage" not in json.loads(body([TEXT], replace(TELLING, usage=None)))

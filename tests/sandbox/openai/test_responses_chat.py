from typing import Any

import pytest

from seawall.sandbox.openai.model import GPT
from seawall.sandbox.openai.responses_chat import as_chat

MODEL = GPT["gpt-6-sol"]
MARK = {"mode": "explicit", "ttl": "12h"}


def _chat(**body: Any) -> dict[str, Any]:
    return as_chat({"model": MODEL.id, "input": "hi"} | body, MODEL)


def test_a_text_is_a_message_behind_the_instructions() -> None:
    assert _chat(instructions="Be brief.")["messages"] == [
        {"role": "system", "content": "Be brief."},
        {"role": "user", "content": "hi"},
    ]


@pytest.mark.parametrize(
    ("item", "message"),
    [
        pytest.param(
            {"role": "user", "content": [{"type": "input_text", "text": "a", "prompt_cache_breakpoint": MARK}]},
            {"role": "user", "content": [{"type": "text", "text": "a", "prompt_cache_breakpoint": MARK}]},
            id="text",
        ),
        pytest.param(
            {"role": "user", "content": [{"type": "input_image", "image_url": "https://x.test/", "detail": "low"}]},
            {
                "role": "user",
                "content": [
                    {
                        "type": "image_url",
                        "image_url": {"url": "https://x.test/", "detail": "low"},
                        "prompt_cache_breakpoint": None,
                    }
                ],
            },
            id="image",
        ),
        pytest.param(
            {"role": "user", "content": [{"type": "input_file", "file_data": "data:x"}]},
            {
                "role": "user",
                "content": [{"type": "file", "file": {"file_data": "data:x"}, "prompt_cache_breakpoint": None}],
            },
            id="file",
        ),
        pytest.param(
            {"type": "message", "role": "assistant", "content": [{"type": "refusal", "refusal": "No."}]},
            {"role": "assistant", "content": [{"type": "refusal", "refusal": "No."}]},
            id="refusal",
        ),
        pytest.param(
            {"type": "function_call", "call_id": "c", "name": "f", "arguments": "{}"},
            {
                "role": "assistant",
                "content": None,
                "tool_calls": [{"id": "c", "type": "function", "function": {"name": "f", "arguments": "{}"}}],
            },
            id="call",
        ),
        pytest.param(
            {"type": "function_call_output", "call_id": "c", "output": "1"},
            {"role": "tool", "tool_call_id": "c", "content": "1"},
            id="output",
        ),
        pytest.param(
            {"type": "reasoning", "id": "rs_1", "summary": [], "encrypted_content": "g"},
            {"role": "assistant", "content": "g"},
            id="reasoning",
        ),
    ],
)
def test_every_item_has_its_message(item: dict[str, Any], message: dict[str, Any]) -> None:
    assert _chat(input=[item])["messages"] == [message]


def test_settings_have_their_older_names() -> None:
    form = {"type": "json_schema", "name": "a", "schema": {}}
    tool = {"type": "function", "name": "f", "parameters": {}}
    chat = _chat(
        max_output_tokens=9,
        reasoning={"effort": "low"},
        text={"format": form},
        tools=[tool],
        tool_choice={"type": "function", "name": "f"},
    )

    assert (chat["max_completion_tokens"], chat["reasoning_effort"]) == (9, "low")
    assert chat["response_format"] == {"type": "json_schema", "json_schema": form}
    assert chat["tools"] == [{"type": "function", "function": {"name": "f", "parameters": {}}}]
    assert chat["tool_choice"] == {"type": "function", "function": {"name": "f"}}
    assert _chat(tool_choice={"type": "allowed_tools", "mode": "required"})["tool_choice"] == "required"
    assert _chat(text={"format": {"type": "text"}})["response_format"] == {"type": "text"}

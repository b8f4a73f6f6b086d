from typing import Any

import pytest

from seawall.core.target import Target
from seawall.dialects.bound.chat import chat_bound


@pytest.mark.parametrize(
    ("fields", "low", "high"),
    [
        pytest.param({}, 16, 16, id="nothing"),
        pytest.param({"messages": [{"role": "user", "content": 7}]}, 25, 25, id="content of no known shape"),
        pytest.param({"messages": [{"role": "user", "content": ["abc", 7]}]}, 60, 60, id="parts that are none"),
        pytest.param({"messages": [{"role": "assistant", "tool_calls": [{"id": "c"}]}]}, 50, 60, id="a call"),
        pytest.param({"messages": [{"role": "assistant", "audio": None}]}, 24, 40, id="no audio"),
        pytest.param({"tools": [{"type": "function"}]}, 950, 960, id="a tool"),
        pytest.param({"functions": {"name": "f"}}, 940, 960, id="one older tool"),
        pytest.param({"tools": []}, 18, 18, id="no tool"),
        pytest.param({"modalities": ["text"]}, 16, 16, id="text alone"),
        pytest.param({"response_format": {"type": "json_object"}}, 16, 16, id="an object"),
        pytest.param({"response_format": {"type": "json_schema"}}, 930, 950, id="a schema"),
        pytest.param({"a_new_field": "abc"}, 32, 40, id="a field that nobody knows"),
    ],
)
def test_each_part_counts(target: Target, fields: dict[str, Any], low: int, high: int) -> None:
    assert low <= (chat_bound({"max_tokens": 1, **fields}, target).input_tokens or 0) <= high


@pytest.mark.parametrize(
    ("part", "low", "high"),
    [
        pytest.param({"type": "text", "text": "abc"}, 47, 47, id="text"),
        pytest.param({"type": "image_url", "image_url": "https://a"}, 25_000, 25_060, id="an address alone"),
        pytest.param({"type": "image_url", "image_url": {"url": "https://a", "detail": "low"}}, 640, 700, id="low"),
        pytest.param({"type": "refusal", "refusal": {"a": 1}}, 50, 70, id="anything else"),
        pytest.param({"type": "text", "text": "abc", "prompt_cache_breakpoint": None}, 47, 47, id="no mark"),
    ],
)
def test_each_part_of_a_message_counts(target: Target, part: dict[str, Any], low: int, high: int) -> None:
    bound = chat_bound({"max_tokens": 1, "messages": [{"role": "user", "content": [part]}]}, target)

    assert low <= (bound.input_tokens or 0) <= high

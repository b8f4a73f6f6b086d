from typing import Any

import pytest

from seawall.core.target import Target
from seawall.dialects.bound.responses import responses_bound


@pytest.mark.parametrize(
    ("fields", "low", "high"),
    [
        pytest.param({"input": "abc"}, 27, 27, id="a text"),
        pytest.param({"input": ["abc"]}, 35, 35, id="an item that is none"),
        pytest.param({"input": [{"role": "user", "content": [7]}]}, 57, 57, id="a part that is none"),
        pytest.param({"instructions": "abc"}, 27, 27, id="instructions"),
        pytest.param({"text": {"verbosity": "low"}}, 16, 16, id="no form"),
        pytest.param({"text": "abc"}, 21, 21, id="a form of no known shape"),
        pytest.param({"text": {"format": {"type": "json_schema"}}}, 930, 950, id="a schema"),
        pytest.param({"tools": [{"type": "function"}]}, 950, 960, id="a tool"),
        pytest.param({"tools": [{"type": "computer"}]}, 5_550, 5_560, id="a computer"),
        pytest.param({"tools": {"type": "function"}}, 945, 960, id="one tool in no list"),
        pytest.param({"context_management": []}, 16, 16, id="no compaction"),
        pytest.param({"input": [{"type": "reasoning", "encrypted_content": "c" * 90}]}, 122, 150, id="sealed thoughts"),
    ],
)
def test_each_part_counts(target: Target, fields: dict[str, Any], low: int, high: int) -> None:
    assert low <= (responses_bound({"max_output_tokens": 1, **fields}, target).input_tokens or 0) <= high


def test_parts_of_unknown_fields_count_them(target: Target) -> None:
    parts = [{"type": "input_text", "text": "abc", "extra": [1] * 100, "prompt_cache_breakpoint": {"ttl": "30m"}}]
    bound = responses_bound({"max_output_tokens": 1, "input": [{"role": "user", "content": parts}]}, target)

    assert 250 < (bound.input_tokens or 0) < 500
    assert not bound.writes_long


def test_a_tool_that_is_none_has_no_bound(target: Target) -> None:
    assert "leave it out" in responses_bound({"max_output_tokens": 1, "tools": [7]}, target).why

from typing import Any

import pytest

from seawall.core.target import Target
from seawall.dialects.bound.messages import messages_bound


def _tokens(target: Target, **fields: Any) -> int:
    return messages_bound({"max_tokens": 1, **fields}, target).input_tokens or 0


@pytest.mark.parametrize(
    ("fields", "low", "high"),
    [
        pytest.param({"messages": "abc"}, 5, 5, id="no messages at all"),
        pytest.param({"messages": ["abc"]}, 5, 5, id="no message"),
        pytest.param({"messages": [{"role": "x" * 50, "content": "abc"}]}, 60, 75, id="a role that nobody knows"),
        pytest.param({"messages": [{"role": "user", "name": "n"}]}, 16, 24, id="a field of a message"),
        pytest.param({"messages": [{"role": "user", "content": [["abc"], 7]}]}, 12, 12, id="content of no known shape"),
        pytest.param({"system": [{"type": "text", "text": "abc"}]}, 19, 19, id="system blocks"),
        pytest.param({"tools": "abc"}, 5, 5, id="no tools at all"),
        pytest.param({"tools": []}, 0, 0, id="no tool"),
        pytest.param({"tools": [7]}, 917, 917, id="a tool that is none"),
        pytest.param({"tools": [{"type": "bash_20250124"}]}, 1_241, 1_300, id="a shell"),
        pytest.param({"tools": [{"type": "computer_toolset_20260801"}]}, 5_516, 5_600, id="a computer"),
        pytest.param({"output_config": {"effort": "low"}}, 10, 30, id="effort"),
        pytest.param({"output_config": {"format": {"type": "json_schema"}}}, 930, 960, id="form"),
        pytest.param({"output_config": 7}, 901, 901, id="a form that is none"),
    ],
)
def test_each_part_counts(target: Target, fields: dict[str, Any], low: int, high: int) -> None:
    assert low <= _tokens(target, **fields) <= high


@pytest.mark.parametrize(
    ("source", "low", "high"),
    [
        pytest.param({"type": "text", "media_type": "text/plain", "data": "abc"}, 19, 19, id="text"),
        pytest.param({"type": "content", "content": [{"type": "text", "text": "abc"}]}, 35, 35, id="content"),
        pytest.param({"type": "base64", "data": "L1R5cGUgL1BhZ2U="}, 12_800, 12_800, id="one page"),
        pytest.param({"type": "base64", "data": "?"}, 200_000, 200_000, id="no document"),
    ],
)
def test_a_document_counts_by_its_source(target: Target, source: dict[str, Any], low: int, high: int) -> None:
    content = [{"type": "document", "source": source}]

    assert (
        low + 8 <= _tokens(target, messages=[{"role": "user", "content": content}]) + 8 * (low == 200_000) <= high + 8
    )


def test_a_mark_of_no_known_shape_may_be_either_lifetime(target: Target) -> None:
    bound = messages_bound({"max_tokens": 1, "cache_control": "always"}, target)

    assert (bound.writes_short, bound.writes_long) == (True, True)


def test_an_empty_list_of_servers_asks_nothing(target: Target) -> None:
    assert messages_bound({"max_tokens": 1, "mcp_servers": []}, target).why == ""

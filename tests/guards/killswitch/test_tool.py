from typing import Any

import pytest
from hypothesis import given
from hypothesis import strategies as st

from seawall.dialects.dialect import CHAT, COUNT_TOKENS, MESSAGES, RESPONSES, Endpoint
from seawall.guards.killswitch.tool import Without, tool_name, tool_names, without_tools


def _messages(*names: str) -> list[Any]:
    return [{"name": name, "input_schema": {"type": "object"}} for name in names]


def _chat(*names: str) -> list[Any]:
    return [{"type": "function", "function": {"name": name}} for name in names]


def _responses(*names: str) -> list[Any]:
    return [{"type": "function", "name": name, "parameters": {}} for name in names]


SHAPES = pytest.mark.parametrize(
    ("make", "endpoint"),
    [(_messages, MESSAGES), (_messages, COUNT_TOKENS), (_chat, CHAT), (_responses, RESPONSES)],
    ids=["messages", "count_tokens", "chat", "responses"],
)
CALLED: Any = [{"role": "assistant", "content": [{"type": "tool_use", "id": "t", "name": "x", "input": {}}]}]


@SHAPES
def test_a_killed_tool_is_left_out_and_the_others_stay(make: Any, endpoint: Endpoint) -> None:
    fields = {"tools": make("a", "x", "b"), "tool_choice": "auto", "parallel_tool_calls": False}

    assert without_tools(fields, {"x", "y"}, endpoint) == Without({"tools": make("a", "b")})


@SHAPES
def test_with_the_last_tool_goes_what_leans_on_it(make: Any, endpoint: Endpoint) -> None:
    fields = {"tools": make("x"), "tool_choice": {"type": "auto"}, "parallel_tool_calls": False, "model": "m"}

    without = without_tools(fields, {"x"}, endpoint)

    assert without == Without({"tools": None, "tool_choice": None, "parallel_tool_calls": None})


@SHAPES
def test_a_request_without_the_tool_is_left_alone(make: Any, endpoint: Endpoint) -> None:
    assert without_tools({"tools": make("a")}, {"x"}, endpoint) == Without({})
    assert without_tools({}, {"x"}, endpoint) == Without({})


@pytest.mark.parametrize(
    ("tools", "choice"),
    [
        (_messages("x", "a"), {"type": "tool", "name": "x"}),
        (_chat("x", "a"), {"type": "function", "function": {"name": "x"}}),
        ([{"type": "custom", "custom": {"name": "x"}}, *_chat("a")], {"type": "custom", "custom": {"name": "x"}}),
        (_responses("x", "a"), {"type": "function", "name": "x"}),
        ([{"type": "x"}, *_responses("a")], {"type": "x"}),
        ([{"type": "mcp", "server_label": "x"}, *_responses("a")], {"type": "mcp", "server_label": "x", "name": "n"}),
        (_messages("x"), {"type": "any"}),
        (_chat("x"), "required"),
        (_chat("x"), {"type": "allowed_tools", "allowed_tools": {"mode": "auto", "tools": _chat("x")}}),
        (_responses("x", "a"), {"type": "allowed_tools", "mode": "auto", "tools": _responses("x")}),
    ],
)
def test_a_request_that_needs_the_tool_cannot_be_sent(tools: Any, choice: Any) -> None:
    assert without_tools({"tools": tools, "tool_choice": choice}, {"x"}, CHAT) == Without({}, "x")


def test_the_older_functions_of_chat_are_tools_too() -> None:
    functions = [{"name": "x"}, {"name": "a"}]

    assert without_tools({"functions": functions, "function_call": "auto"}, {"x"}, CHAT).edits == {
        "functions": [{"name": "a"}]
    }
    assert without_tools({"functions": functions, "function_call": {"name": "x"}}, {"x"}, CHAT).needed == "x"
    assert without_tools({"functions": functions[:1], "function_call": "none"}, {"x"}, CHAT).edits == {
        "functions": None,
        "function_call": None,
    }


@pytest.mark.parametrize(
    ("choice", "left"),
    [
        (
            {"type": "allowed_tools", "allowed_tools": {"mode": "required", "tools": _chat("x", "a")}},
            {"type": "allowed_tools", "allowed_tools": {"mode": "required", "tools": _chat("a")}},
        ),
        (
            {"type": "allowed_tools", "mode": "auto", "tools": _responses("x", "a")},
            {"type": "allowed_tools", "mode": "auto", "tools": _responses("a")},
        ),
    ],
    ids=["chat", "responses"],
)
def test_a_list_of_allowed_tools_loses_it_too(choice: Any, left: Any) -> None:
    edits = without_tools({"tools": _chat("x", "a"), "tool_choice": choice}, {"x"}, CHAT).edits

    assert edits == {"tools": _chat("a"), "tool_choice": left}


def test_allowed_tools_without_it_are_left_alone() -> None:
    choice = {"type": "allowed_tools", "mode": "auto", "tools": _responses("a")}

    assert without_tools({"tools": _responses("x", "a"), "tool_choice": choice}, {"x"}, RESPONSES).edits == {
        "tools": _responses("a")
    }


def test_a_conversation_with_calls_needs_definitions_at_messages_only() -> None:
    fields = {"tools": _messages("x"), "messages": [None, {"content": "hi"}, *CALLED]}

    assert without_tools(fields, {"x"}, MESSAGES).needed == "x"
    assert without_tools(fields, {"x"}, CHAT).edits == {"tools": None}
    assert without_tools(fields | {"messages": [{"content": [{"type": "text"}]}]}, {"x"}, MESSAGES).needed == ""


@pytest.mark.parametrize(
    ("tool", "name"),
    [
        ({"type": "web_search_20250305", "name": "web_search"}, "web_search"),
        ({"type": "web_search"}, "web_search"),
        ({"type": "mcp", "server_label": "docs", "server_url": "https://x.test"}, "docs"),
        ({"type": "mcp_toolset", "mcp_server_name": "docs"}, "docs"),
        ({"type": "function", "name": "function"}, "function"),
        ({"type": "function"}, ""),
        ({"name": ["x"]}, ""),
        ({}, ""),
        ("auto", ""),
        (None, ""),
    ],
)
def test_a_tool_has_one_name(tool: Any, name: str) -> None:
    assert tool_name(tool) == name


def test_all_tools_of_a_request_are_named() -> None:
    fields = {"tools": [*_chat("a"), *_messages("b"), "?"], "functions": [{"name": "c"}]}

    assert tool_names(fields) == {"a", "b", "c"}


JSON = st.recursive(
    st.none() | st.booleans() | st.integers() | st.sampled_from(["x", "auto", "required", "tool", "allowed_tools"]),
    lambda inner: (
        st.lists(inner, max_size=3)
        | st.dictionaries(st.sampled_from(["type", "name", "function", "tools", "allowed_tools"]), inner, max_size=4)
    ),
    max_leaves=12,
)


@given(JSON, JSON, JSON, st.sampled_from([MESSAGES, CHAT, RESPONSES]))
def test_nothing_of_a_killed_tool_is_left_in_whatever_is_sent(
    tools: Any, choice: Any, messages: Any, endpoint: Endpoint
) -> None:
    fields = {"tools": tools, "tool_choice": choice, "messages": messages}

    without = without_tools(fields, {"x"}, endpoint)

    if not without.needed:
        assert "x" not in tool_names({**fields, **without.edits})

from typing import Any, Final

import pytest
from hypothesis import given
from hypothesis import strategies as st

from seawall.core.target import Origin, Provider, Target
from seawall.core.traits import Traits
from seawall.core.worst_case import Bound
from seawall.dialects.bound.bound import NOTHING, bound_of
from seawall.dialects.dialect import CHAT, COUNT_TOKENS, EMBEDDINGS, GENERATING, MESSAGES, RESPONSES, Endpoint

PROVIDER: Final = Provider("p", "openai", Origin("https", "provider", 443), "/v1", None)
KNOWN: Final = Target(PROVIDER, "model", None, traits=Traits(output_tokens=1_000, input_tokens=200_000))
UNKNOWN: Final = Target(PROVIDER, "model", None)
NAMES: Final = st.sampled_from(
    [
        "messages", "input", "role", "content", "type", "text", "source", "data", "image", "document", "tools",
        "tool_choice", "n", "max_tokens", "system", "url", "file", "image_url", "cache_control", "ttl", "tool_result",
        "tool_use", "thinking", "input_image", "input_file", "file_data", "format", "prediction", "response_format",
        "max_output_tokens", "max_tool_calls", "output", "reasoning", "encrypted_content", "max_uses",
        "web_search_20260318", "base64", "prompt_cache_breakpoint", "output_config", "modalities", "conversation",
    ]
)  # fmt: skip  # a list, wrapped as words are
ODD: Final = st.recursive(
    st.none() | st.booleans() | st.integers(-9, 2**70) | st.floats() | st.text(max_size=9) | NAMES,
    lambda inner: st.lists(inner, max_size=4) | st.dictionaries(NAMES, inner, max_size=5),
    max_leaves=25,
)
WEB: Final = {"type": "web_search_20260318", "name": "web_search"}


def _bound(endpoint: Endpoint, target: Target = KNOWN, **fields: Any) -> Bound:
    return bound_of(endpoint, {"max_tokens": 10, "max_output_tokens": 10, **fields}, target)


def _user(*content: dict[str, Any]) -> list[dict[str, Any]]:
    return [{"role": "user", "content": list(content)}]


@given(
    endpoint=st.sampled_from([*GENERATING, EMBEDDINGS]),
    fields=st.dictionaries(NAMES, ODD, max_size=8),
    target=st.sampled_from([KNOWN, UNKNOWN]),
)
def test_odd_bodies_are_counted_without_fail(endpoint: Endpoint, fields: dict[str, Any], target: Target) -> None:
    bound = bound_of(endpoint, fields, target)

    assert bound.output_tokens >= 0
    assert bool(bound.why) is (bound.input_tokens is None)
    assert bound.input_tokens is None or bound.input_tokens >= 0


def test_what_is_not_billed_uses_nothing() -> None:
    assert bound_of(COUNT_TOKENS, {"messages": "x" * 100}, KNOWN) == NOTHING


@pytest.mark.parametrize(("endpoint", "name"), [(MESSAGES, "messages"), (CHAT, "messages"), (RESPONSES, "input")])
def test_a_text_counts_its_bytes_and_the_template(endpoint: Endpoint, name: str) -> None:
    short = _bound(endpoint, KNOWN, **{name: [{"role": "user", "content": "a"}]})
    long = _bound(endpoint, KNOWN, **{name: [{"role": "user", "content": "a" * 1_001}]})

    assert long.input_tokens is not None
    assert short.input_tokens is not None
    assert long.input_tokens - short.input_tokens == 1_000
    assert short.input_tokens < 60


@pytest.mark.parametrize(("endpoint", "name"), [(MESSAGES, "messages"), (CHAT, "messages"), (RESPONSES, "input")])
def test_no_prompt_is_longer_than_the_model_takes(endpoint: Endpoint, name: str) -> None:
    messages = [{"role": "user", "content": "a" * 500_000}]

    assert _bound(endpoint, KNOWN, **{name: messages}).input_tokens == 200_000
    assert (_bound(endpoint, UNKNOWN, **{name: messages}).input_tokens or 0) > 500_000


@pytest.mark.parametrize(
    ("endpoint", "fields"),
    [
        pytest.param(MESSAGES, {"messages": _user({"type": "document", "source": {"type": "url"}})}, id="url"),
        pytest.param(MESSAGES, {"messages": _user({"type": "document", "source": {"type": "file"}})}, id="file"),
        pytest.param(MESSAGES, {"messages": _user({"type": "container_upload", "file_id": "f"})}, id="upload"),
        pytest.param(MESSAGES, {"container": "c"}, id="container"),
        pytest.param(CHAT, {"messages": _user({"type": "file", "file": {"file_id": "f"}})}, id="chat file"),
        pytest.param(
            CHAT, {"messages": _user({"type": "file", "file": {"file_data": "data:x;base64,aa"}})}, id="chat blob"
        ),
        pytest.param(RESPONSES, {"previous_response_id": "resp_1"}, id="earlier response"),
        pytest.param(RESPONSES, {"conversation": "c"}, id="conversation"),
        pytest.param(RESPONSES, {"input": [{"type": "item_reference", "id": "i"}]}, id="reference"),
        pytest.param(RESPONSES, {"input": [{"type": "reasoning", "id": "rs"}]}, id="thoughts by name"),
        pytest.param(RESPONSES, {"input": [{"id": "msg_1"}]}, id="reference without a type"),
        pytest.param(RESPONSES, {"input": [{"type": "image_generation_call", "id": "ig"}]}, id="a picture made before"),
        pytest.param(RESPONSES, {"input": [{"type": "web_search_call", "id": "ws"}]}, id="what was found before"),
        pytest.param(RESPONSES, {"input": _user({"type": "input_file", "file_url": "https://a"})}, id="file by url"),
    ],
)
def test_what_only_the_provider_knows_is_the_context_or_no_bound(endpoint: Endpoint, fields: dict[str, Any]) -> None:
    unknown = _bound(endpoint, UNKNOWN, **fields)

    assert _bound(endpoint, **fields).input_tokens == 200_000
    assert unknown.input_tokens is None
    assert "choose a model whose context is known" in unknown.why


@pytest.mark.parametrize(
    ("endpoint", "fields", "word"),
    [
        pytest.param(MESSAGES, {"tools": [WEB]}, "max_uses", id="search without end"),
        pytest.param(MESSAGES, {"tools": [{"type": "code_execution_20260521"}]}, "code_execution", id="code"),
        pytest.param(MESSAGES, {"mcp_servers": [{"url": "https://a"}]}, "mcp_servers", id="servers of tools"),
        pytest.param(MESSAGES, {"fallbacks": ["x"]}, "fallbacks", id="another model"),
        pytest.param(CHAT, {"web_search_options": {}}, "max_tool_calls", id="chat search"),
        pytest.param(CHAT, {"messages": _user({"type": "input_audio", "input_audio": {}})}, "audio", id="audio in"),
        pytest.param(CHAT, {"messages": [{"role": "assistant", "audio": {"id": "a"}}]}, "audio", id="audio before"),
        pytest.param(CHAT, {"modalities": ["text", "audio"]}, "audio", id="audio out"),
        pytest.param(RESPONSES, {"tools": [{"type": "web_search"}]}, "max_tool_calls", id="responses search"),
        pytest.param(RESPONSES, {"tools": [{"type": "image_generation"}]}, "image_generation", id="images"),
        pytest.param(RESPONSES, {"context_management": [{}]}, "context_management", id="compaction"),
        pytest.param(RESPONSES, {"input": _user({"type": "input_audio"})}, "audio", id="responses audio"),
        pytest.param(RESPONSES, {"prompt": {"id": "p"}}, "tools of its own", id="a prompt with tools"),
        pytest.param(RESPONSES, {"reasoning": {"mode": "pro"}}, "reasoning.mode", id="another way to think"),
        pytest.param(
            RESPONSES, {"tools": [{"type": "web_search_preview"}], "max_tool_calls": 1}, "use web_search", id="dear"
        ),
        pytest.param(
            RESPONSES, {"tools": [{"type": "namespace", "tools": [{"type": "mcp"}]}]}, "namespace", id="deep tools"
        ),
        pytest.param(RESPONSES, {"tools": [{"type": "namespace"}]}, "namespace", id="an empty namespace"),
        pytest.param(RESPONSES, {"input": [{"type": "compaction_trigger"}]}, "compaction_trigger", id="compacts now"),
        pytest.param(
            RESPONSES,
            {"input": [{"type": "additional_tools", "role": "developer", "tools": [{"type": "code_interpreter"}]}]},
            "code_interpreter",
            id="tools in the input",
        ),
        pytest.param(
            RESPONSES, {"input": [{"type": "tool_search_output", "tools": None}]}, "None", id="tools that are none"
        ),
        pytest.param(
            MESSAGES,
            {"messages": _user({"type": "tool_addition", "tool": {"type": "tool_definition", "definition": WEB}})},
            "max_uses",
            id="tools in a message",
        ),
        pytest.param(CHAT, {"n": "5"}, "n is no whole number", id="choices as text"),
        pytest.param(CHAT, {"n": 5.0}, "n is no whole number", id="choices as a fraction"),
        pytest.param(CHAT, {"models": ["dear"]}, "models", id="models to choose from"),
        pytest.param(CHAT, {"plugins": [{"id": "web"}]}, "plugins", id="plugins"),
        pytest.param(CHAT, {"messages": _user({"type": "video_url", "video_url": {"url": "h"}})}, "film", id="a film"),
        pytest.param(
            MESSAGES, {"context_management": {"edits": [{"type": "compact_20260112"}]}}, "shorten", id="claude compacts"
        ),
        pytest.param(MESSAGES, {"context_management": [{"type": "clear_x"}]}, "shorten", id="edits of no known shape"),
        pytest.param(MESSAGES, {"context_management": {"edits": [], "more": 1}}, "shorten", id="more than edits"),
    ],
)
def test_what_has_no_end_has_no_bound_and_says_how_to_mend_it(
    endpoint: Endpoint, fields: dict[str, Any], word: str
) -> None:
    bound = _bound(endpoint, **fields)

    assert bound.input_tokens is None
    assert word in bound.why


def test_a_model_that_always_searches_has_no_end() -> None:
    searching = Target(PROVIDER, "gpt-5-search-api", None, traits=KNOWN.traits)

    assert "searches before it answers" in _bound(CHAT, searching).why


def test_tools_count_wherever_they_are_offered() -> None:
    tool = {"type": "function", "name": "a", "parameters": {"type": "object"}}
    item = {"type": "additional_tools", "role": "developer", "tools": [tool]}
    block = {"type": "tool_addition", "tool": {"type": "tool_definition", "definition": {"name": "a"}}}
    known = {"type": "tool_addition", "tool": {"type": "tool_reference", "name": "a"}}

    assert (_bound(RESPONSES, input=[item]).input_tokens or 0) >= (_bound(RESPONSES, tools=[tool]).input_tokens or 0)
    assert (_bound(MESSAGES, messages=_user(block)).input_tokens or 0) > 900
    assert (_bound(MESSAGES, messages=_user(known)).input_tokens or 0) < 900


def test_tools_of_the_client_in_a_namespace_are_tools() -> None:
    tools = [{"type": "function", "name": "a"}, {"type": "custom", "name": "b"}]
    deep = _bound(RESPONSES, tools=[{"type": "namespace", "name": "n", "description": "d", "tools": tools}])

    assert (deep.why, deep.searches) == ("", 0)
    assert (deep.input_tokens or 0) >= (_bound(RESPONSES, tools=tools).input_tokens or 0)


def test_what_clears_a_conversation_only_makes_it_shorter() -> None:
    edits = [{"type": "clear_thinking_20251015", "keep": "all"}, {"type": "clear_tool_uses_20250919"}]

    assert _bound(MESSAGES, context_management={"edits": edits}) == _bound(MESSAGES)
    assert _bound(MESSAGES, context_management={"edits": []}) == _bound(MESSAGES)


def test_a_document_to_cite_counts_a_mark_at_every_sentence() -> None:
    def cited(text: str, *, enabled: bool) -> int:
        source = {"type": "text", "media_type": "text/plain", "data": text}
        block = {"type": "document", "source": source, "citations": {"enabled": enabled}}
        return _bound(MESSAGES, messages=_user(block)).input_tokens or 0

    assert cited("A. B? C", enabled=True) - cited("A. B? C", enabled=False) > 900
    assert cited("A. B? C", enabled=True) - cited("ABCDEFG", enabled=True) == 2 * 16
    assert cited("A." * 50, enabled=True) - cited("A" * 100, enabled=True) == 50 * 16


def test_searches_with_an_end_read_the_whole_context_each_time() -> None:
    claude = _bound(MESSAGES, tools=[WEB | {"max_uses": 3}])
    gpt = _bound(RESPONSES, tools=[{"type": "web_search"}], max_tool_calls=2)
    remote = _bound(RESPONSES, tools=[{"type": "mcp", "server_url": "https://a"}], max_tool_calls=2)

    assert (claude.input_tokens, claude.searches, claude.output_tokens) == (4 * 200_000, 3, 40)
    assert claude.writes_short
    assert (gpt.input_tokens, gpt.searches) == (3 * 200_000, 2)
    assert (remote.input_tokens, remote.searches) == (3 * 200_000, 0)
    assert _bound(MESSAGES, tools=[WEB | {"max_uses": 99}]).input_tokens == 11 * 200_000
    assert _bound(MESSAGES, tools=[{"type": "tool_search_tool_bm25_20251119"}]).input_tokens == 11 * 200_000
    assert _bound(MESSAGES, UNKNOWN, tools=[WEB | {"max_uses": 1}]).input_tokens is None


def test_output_is_the_ceiling_times_the_choices() -> None:
    assert _bound(MESSAGES).output_tokens == 10
    assert _bound(MESSAGES, max_tokens=0).output_tokens == 0
    assert _bound(MESSAGES, max_tokens=5_000).output_tokens == 1_000
    assert _bound(CHAT, max_completion_tokens=20, n=3).output_tokens == 60
    assert _bound(CHAT, prediction={"type": "content", "content": "a" * 100}).output_tokens > 110
    assert _bound(RESPONSES).output_tokens == 10


@pytest.mark.parametrize("endpoint", GENERATING)
def test_without_a_ceiling_the_model_has_one_or_there_is_no_bound(endpoint: Endpoint) -> None:
    bound = bound_of(endpoint, {"max_tokens": "many"}, UNKNOWN)

    assert bound_of(endpoint, {}, KNOWN).output_tokens == 1_000
    assert bound.input_tokens is None
    assert "set one" in bound.why


def test_caches_are_written_where_they_are_asked_for() -> None:
    def marked(**mark: str) -> Bound:
        return _bound(MESSAGES, messages=_user({"type": "text", "text": "a", "cache_control": mark}))

    assert (_bound(MESSAGES).writes_short, _bound(MESSAGES).writes_long) == (False, False)
    assert (marked(type="ephemeral").writes_short, marked(type="ephemeral").writes_long) == (True, False)
    assert (marked(ttl="1h").writes_short, marked(ttl="1h").writes_long) == (False, True)
    assert (marked(ttl="9d").writes_short, marked(ttl="9d").writes_long) == (True, True)
    assert _bound(MESSAGES, cache_control={"type": "ephemeral", "ttl": "1h"}).writes_long
    assert _bound(MESSAGES, tools=[{"name": "t", "cache_control": {"ttl": "1h"}}]).writes_long
    assert (_bound(CHAT).writes_short, _bound(CHAT).writes_long) == (True, False)
    assert _bound(CHAT, prompt_cache_options={"ttl": "12h"}).writes_long
    assert _bound(RESPONSES, prompt_cache_retention="24h").writes_long
    part = {"type": "input_text", "text": "a", "prompt_cache_breakpoint": {"mode": "explicit", "ttl": "12h"}}
    assert _bound(RESPONSES, input=_user(part)).writes_long


def test_modes_are_told_as_they_are_asked_for() -> None:
    claude = _bound(MESSAGES, service_tier="standard_only", speed="fast", inference_geo="us")

    assert (claude.service_tier, claude.speed, claude.geo) == ("standard_only", "fast", "us")
    assert (_bound(MESSAGES).service_tier, _bound(MESSAGES).speed, _bound(MESSAGES).geo) == ("auto", "", "")
    assert _bound(CHAT, service_tier="flex").service_tier == "flex"
    assert _bound(RESPONSES).service_tier == "auto"


def test_fields_that_nobody_knows_count_as_text() -> None:
    for endpoint in GENERATING:
        grown, plain = _bound(endpoint, a_new_field={"deep": ["x" * 1_000]}), _bound(endpoint)

        assert (grown.input_tokens or 0) - (plain.input_tokens or 0) > 1_000


def test_pictures_in_a_tools_result_count_as_pictures() -> None:
    picture = {"type": "image", "source": {"type": "base64", "media_type": "image/png", "data": "a" * 9_000}}
    result = {"type": "tool_result", "tool_use_id": "t", "content": [picture, picture]}
    output = {"type": "function_call_output", "call_id": "c", "output": [{"type": "input_image", "image_url": "https"}]}

    assert 2 * 4_784 < (_bound(MESSAGES, messages=_user(result)).input_tokens or 0) < 2 * 4_900
    assert 25_000 < (_bound(RESPONSES, input=[output]).input_tokens or 0) < 25_200


def test_embeddings_count_texts_and_numbers() -> None:
    assert _bound(EMBEDDINGS, input="abc") == Bound(5, 0)
    assert _bound(EMBEDDINGS, input=["abc", "de"]) == Bound(9, 0)
    assert _bound(EMBEDDINGS, input=[1, 2, 3]) == Bound(5, 0)
    assert _bound(EMBEDDINGS, input=[[1, 2], [3]]) == Bound(7, 0)
    assert (_bound(EMBEDDINGS, input=[["abc"]]).input_tokens or 0) > 3

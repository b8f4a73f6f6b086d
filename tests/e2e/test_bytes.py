"""What the policy does not change passes byte for byte, in both directions."""

from collections.abc import Iterator
from typing import Final

import httpx2
import pytest

from tests.e2e.canned import CannedProvider
from tests.e2e.stage import POLICY, GatewayProcess

ROUTES: Final = """\
  /ai/open: {max_tokens: 100000}
  /ai/fixed: {model: claude-haiku-4-5, max_tokens: 50}
  /ai/cool: {temperature: 0.25, max_tokens: 100000}
"""
# Number forms, escapes, key order, white space and unknown fields that another encoder would write in another way.
ODD: Final = (
    b'"metadata":{"user_id":"\\u0061da \\ud83c\\udf0a"},"top_k":40,"top_p":1.0,"n_probs":1E2,'
    b'"big":12345678901234567890,"tiny":1e-7,"minus":-0,"minus_zero":-0.0,"long":0.1000000000000000055511151231257827,"none":null,'
    b'"b":1,"a":2,"\\u006eew_field":{"z":[],"y":{}},"\xf0\x9f\x8c\x8a":"\xc3\xa9\x7f/\\/"'
)
BLOCKS: Final = (
    b'"messages":[{"role":"user","content":[{"type":"text","text":"Hi\\n","cache_control":{"type":"ephemeral",'
    b'"ttl":"1h"}},{"type":"image","source":{"type":"url","url":"https://a.example/b.png"}},{"type":"document",'
    b'"source":{"type":"text","media_type":"text/plain","data":"x"},"citations":{"enabled":true}}]},'
    b'{"role":"assistant","content":[{"type":"thinking","thinking":"\\u2026","signature":"RXhhbXBsZQ=="},'
    b'{"type":"redacted_thinking","data":"AAAA"},{"type":"tool_use","id":"toolu_1","name":"f","input":{"b":1.50,"a":2}}]},'
    b'{"role":"user","content":[{"type":"tool_result","tool_use_id":"toolu_1","content":"ok"}]}]'
)
TOOLS: Final = (
    b'"tools":[{"name":"f","input_schema":{"type":"object","properties":{"b":{"minimum":1.0}}},"strict":true}]'
)
MESSAGE: Final = b'{"model":"claude-haiku-4-5","max_tokens":100,%b,%b,%b}' % (ODD, BLOCKS, TOOLS)
SPACED: Final = b' {\r\n\t"model" :  "claude-haiku-4-5" ,\n "max_tokens": 100 , "stream" : false,\n%b\n, %b } \n' % (
    ODD,
    BLOCKS,
)
CHAT: Final = (
    b'{"messages":[{"role":"user","content":"Hi"}],"model":"gpt-5.6-luna","seed":7.0,"max_completion_tokens":9,%b}'
    % ODD
)
EMBED: Final = b'{"input":["a", "b"],\n"model":"text-embedding-3-small","dimensions":1e1}'

ANSWER: Final = (
    b' {"type":"message" , "id":"msg_1","model":"claude-haiku-4-5","role":"assistant","content":[{"type":"text","text":'
    b'"\\u00e9\xc3\xa9\\/","citations":[{"type":"char_location","start_char_index":0.0}]}],"stop_reason":"end_turn",'
    b'"usage":{"input_tokens":3,"output_tokens":5,"unheard_of":1e3},"new":{"b":1.50,"a":-0}}\r\n\n'
)
COMPLETION: Final = (
    b'{ "object":"chat.completion","model":"gpt-5.6-luna","choices":[{"index":0,"finish_reason":"stop","message":'
    b'{"role":"assistant","content":"\\u0041"}}],"usage":{"prompt_tokens":3,"completion_tokens":5},"x":1E+2}\n'
)
COUNT: Final = b'{"input_tokens" : 14.0e0 ,"x":[ ]}'
VECTORS: Final = b'{"object":"list","data":[{"embedding":[1.0,-0,1e-9]}],"model":"e","usage":{"prompt_tokens":2}}'
STREAM: Final = (
    b": a comment of the provider\n\n",
    b'event: message_start\ndata: {"type":"message_start","message":{"model":"claude-haiku-4-5", "usage":',
    b'{"input_tokens":3,"output_tokens":1}}}\n\n',
    b'event: content_block_start\ndata: {"type":"content_block_start","index":0,"content_block":{"type":"text"}}\n\n',
    b'event: ping\ndata: {"type": "ping"}\n\n',
    b'event: content_block_delta\ndata: {"type":"content_block_delta","delta":{"text":"\\u00e9\xc3',
    b'\xa9","n":1.50}}\n\nevent: unheard_of\nid: 7\nretry: 1000\ndata: {"type":"unheard_of"}\n\n',
    b'event: content_block_stop\ndata: {"type":"content_block_stop","index":0}\n\n',
    b'event: message_delta\ndata: {"type":"message_delta","delta":{"stop_reason":"end_turn"},',
    b'"usage":{"output_tokens":5}}\n\n',
    b'event: message_stop\ndata: {"type":"message_stop" }\n\n',
)
CHUNKS: Final = (
    b'data: {"choices":[{"index":0,"delta":{"role":"assistant","content":""}}], "obfuscation":"x"}\n\n',
    b": keep-alive\n\n",
    b'data: {"choices":[{"index":0,"delta":{"content":"\\u00e9"},"finish_reason":"stop"}],"n":1E2}\n\n',
    b'data: {"choices":[],"usage":{"prompt_tokens":3,"completion_tokens":5}}\n\n',
    b"data: [DONE]\n\n",
)
WITH_USAGE: Final = b'"stream_options":{"include_usage":true,"x":1.0},'


@pytest.fixture(scope="module")
def _provider() -> Iterator[CannedProvider]:
    running = CannedProvider()
    yield running
    running.close()


@pytest.fixture
def provider(_provider: CannedProvider) -> CannedProvider:
    """Give the provider, to which nothing has come."""
    _provider.came.clear()
    _provider.pieces, _provider.kind = (), "application/json"
    return _provider


@pytest.fixture(scope="module")
def before(_provider: CannedProvider, tmp_path_factory: pytest.TempPathFactory) -> Iterator[GatewayProcess]:
    """Give a gateway before it."""
    place = tmp_path_factory.mktemp("bytes")
    running = GatewayProcess(place, POLICY.format(url=_provider.url) + ROUTES, "--insecure-dev")
    yield running
    running.stop()


def _post(gateway: GatewayProcess, path: str, body: bytes, **headers: str) -> httpx2.Response:
    fields = {"content-type": "application/json", "anthropic-version": "2023-06-01", **headers}
    answer = httpx2.post(gateway.url + path, content=body, headers={k.replace("_", "-"): v for k, v in fields.items()})
    assert answer.status_code == 200, answer.text
    return answer


@pytest.mark.parametrize(
    ("path", "body", "answer"),
    [
        ("/v1/messages", MESSAGE, ANSWER),
        ("/v1/messages", SPACED, ANSWER),
        ("", SPACED, ANSWER),
        ("/v1/messages/count_tokens", MESSAGE, COUNT),
        ("/v1/chat/completions", CHAT, COMPLETION),
        ("/chat/completions", CHAT, COMPLETION),
        ("/v1/embeddings", EMBED, VECTORS),
    ],
    ids=["messages", "messages with white space", "bare route", "count", "chat", "chat without v1", "embeddings"],
)
def test_body_passes_unchanged_both_ways(
    provider: CannedProvider, before: GatewayProcess, path: str, body: bytes, answer: bytes
) -> None:
    provider.body = answer

    received = _post(before, f"/ai/open{path}", body).content

    assert provider.came[0].body == body
    assert received == answer


@pytest.mark.parametrize("size", [70_000, 1_500_000])
def test_large_body_passes_unchanged_both_ways(provider: CannedProvider, before: GatewayProcess, size: int) -> None:
    text = b"\xc3\xa9\\u00e9" * (size // 8)
    body = MESSAGE.replace(b'"Hi\\n"', b'"%b"' % text)
    provider.body = ANSWER.replace(b'"\\u00e9', b'"' + text)

    received = _post(before, "/ai/open/v1/messages", body).content

    assert provider.came[0].body == body
    assert received == provider.body


def test_stream_passes_unchanged(provider: CannedProvider, before: GatewayProcess) -> None:
    provider.kind, provider.pieces = "text/event-stream; charset=utf-8", STREAM
    body = MESSAGE[:-1] + b',"stream":true}'

    received = _post(before, "/ai/open/v1/messages", body).content

    assert provider.came[0].body == body
    assert received == b"".join(STREAM)


def test_chat_stream_passes_unchanged_where_its_usage_is_asked_for(
    provider: CannedProvider, before: GatewayProcess
) -> None:
    provider.kind, provider.pieces = "text/event-stream", CHUNKS
    body = b"{" + WITH_USAGE + b'"stream":true,' + CHAT[1:]

    received = _post(before, "/ai/open/v1/chat/completions", body).content

    assert provider.came[0].body == body
    assert received == b"".join(CHUNKS)


def test_usage_that_only_the_gateway_asks_for_is_all_that_differs(
    provider: CannedProvider, before: GatewayProcess
) -> None:
    provider.kind, provider.pieces = "text/event-stream", CHUNKS
    body = b'{"stream":true,' + CHAT[1:]

    received = _post(before, "/ai/open/v1/chat/completions", body).content

    assert provider.came[0].body == body[:-1] + b',"stream_options":{"include_usage":true}}'
    assert received == b"".join(chunk for chunk in CHUNKS if b"usage" not in chunk)


@pytest.mark.parametrize("body", [MESSAGE, SPACED], ids=["compact", "with white space"])
def test_fields_that_the_policy_sets_are_all_that_differs(
    provider: CannedProvider, before: GatewayProcess, body: bytes
) -> None:
    provider.body = ANSWER
    asked = body.replace(b"claude-haiku-4-5", b"gpt-of-the-client")

    _post(before, "/ai/fixed/v1/messages", asked)
    _post(before, "/ai/cool/v1/messages", body)

    ceiling = b'"max_tokens": ' if body is SPACED else b'"max_tokens":'
    assert provider.came[0].body == body.replace(ceiling + b"100", ceiling + b"50")
    close = provider.came[1].body.rindex(b',"temperature":0.25')
    assert provider.came[1].body[:close] + provider.came[1].body[close + len(b',"temperature":0.25') :] == body


def test_what_the_dialect_defines_travels_and_all_else_stays(provider: CannedProvider, before: GatewayProcess) -> None:
    provider.body = ANSWER
    target = "/ai/open/v1/messages?beta=true&api_key=sw_stolen&key=x"

    answer = _post(
        before,
        target,
        MESSAGE,
        anthropic_beta="one-2025-01-01, two-2026-02-02",
        anthropic_version="2026-10-21",
        x_api_key="sw_of-the-client",
        authorization="Bearer sw_other",
        cookie="a=b",
        x_seawall_feature="drafts",
        x_stainless_lang="python",
        x_forwarded_for="10.0.0.1",
        tracestate="a=b",
    )

    (came,) = provider.came
    assert came.target == "/v1/messages?beta=true"
    assert came.header("anthropic-beta") == ["one-2025-01-01, two-2026-02-02"]
    assert came.header("anthropic-version") == ["2026-10-21"]
    assert came.header("x-api-key") == ["provider-key-for-claude"]
    assert came.header("tracestate") == ["a=b"]
    names = {name.lower() for name, _ in came.headers}
    assert not names & {"authorization", "cookie", "x-seawall-feature", "x-stainless-lang", "x-forwarded-for"}
    assert "server" not in answer.headers
    assert "sw_" not in str(came)


def test_head_of_an_answer_says_what_happened(provider: CannedProvider, before: GatewayProcess) -> None:
    provider.body = ANSWER

    headers = _post(before, "/ai/fixed/v1/messages", MESSAGE).headers

    assert headers["x-seawall-route"] == "/ai/fixed"
    assert headers["x-seawall-model"] == "claude-haiku-4-5"
    assert headers["x-seawall-provider"] == "anthropic"
    assert headers["x-seawall-attempts"] == "1"
    assert headers["x-seawall-request-id"].startswith("req_")
    assert float(headers["x-seawall-cost-usd"]) > 0
    assert float(headers["x-seawall-overhead-ms"]) < 1000

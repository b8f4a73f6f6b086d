"""Every place of a request where somebody could put a credential."""

import base64
import json
from collections.abc import Iterator
from dataclasses import replace
from urllib.parse import quote

from tests.hostile.request import ANTHROPIC_PATH, OPENAI_PATH, Shape, good_fields, spoken

_NEAR, _FAR = "x" * 40 + ".", "x" * 100 + "."  # so that who cuts a text cuts the secret in it
_HEADERS = (
    "x-seawall-user",
    "x-seawall-feature",
    "x-seawall-conversation",
    "x-seawall-class",
    "x-seawall-route",
    "x-seawall-trailer",
    "idempotency-key",
    "traceparent",
    "tracestate",
    "anthropic-beta",
    "anthropic-version",
    "openai-organization",
    "openai-project",
    "user-agent",
    "referer",
    "cookie",
    "accept",
    "content-type",
    "content-encoding",
    "x-request-id",
    "proxy-authorization",
    "expect",
)
_TARGETS = (
    "/{c}",
    "/{c}/v1/messages",
    "/ai/{c}/v1/messages",
    "/ai/chat/v1/messages/{c}",
    "/v1/models/{c}",
    "/ai/chat/v1/models/{c}",
    "/ai/chat/v1/messages?api_key={c}",
    "/ai/chat/v1/messages?beta={c}&key={c}",
    "/healthz?key={c}",
    "http://{c}@gateway.test/ai/chat/v1/messages",
    "http://gateway.test/{c}?{c}#{c}",
    "{c}",
)


def requests(secret: str, key: str) -> Iterator[tuple[str, bytes]]:
    """Give requests by the name of the place in which they hold the secret; `key` is a good key."""
    body, shape = spoken(good_fields(ANTHROPIC_PATH)), Shape(key)
    for scheme in ("Bearer ", "bearer ", "Basic ", "Token ", ""):
        yield f"authorization {scheme}", Shape("", extra=f"Authorization: {scheme}{secret}\r\n".encode()).request(body)
    basic = base64.b64encode(f"user:{secret}".encode())
    yield "authorization, encoded", Shape("", extra=b"Authorization: Basic %b\r\n" % basic).request(body)
    yield "x-api-key", Shape(secret).request(body)
    yield "x-api-key, longer", Shape(secret + "x").request(body)
    yield "x-api-key, shorter", Shape(secret[:-1]).request(body)
    for header in _HEADERS:
        for value in (secret, f"Bearer {secret}", _FAR + secret, quote(f"/{secret}")):
            yield header, replace(shape, extra=f"{header}: {value}\r\n".encode()).request(body)
    yield "a header's name", replace(shape, extra=f"{secret}: a\r\n".encode()).request(body)
    yield "host", replace(shape, host=f"Host: {secret}\r\n".encode()).request(body)
    yield "method", replace(shape, method=secret.encode()).request(body)
    for target in _TARGETS:
        for method in (b"POST", b"GET"):
            yield target, replace(shape, target=target.replace("{c}", secret).encode(), method=method).request(body)
    for name, odd in _bodies(secret):
        for path in (ANTHROPIC_PATH, OPENAI_PATH):
            yield name, replace(shape, target=path.encode()).request(odd)


def _bodies(secret: str) -> Iterator[tuple[str, bytes]]:
    fields = good_fields(ANTHROPIC_PATH)
    for model in (
        secret,
        f"anthropic/{secret}",
        f"{secret}/gpt-6-luna",
        _FAR + secret,
        f"claude {secret}",
        [secret],
        {secret: 1},
    ):
        yield "model", spoken({**fields, "model": model})
    for name in (
        "stream",
        "max_tokens",
        "max_completion_tokens",
        "metadata",
        "user",
        "temperature",
        "messages",
        "tools",
        "system",
    ):
        for value in (secret, [secret], {secret: secret}, {"user_id": secret}):
            yield name, spoken({**fields, name: value})
    yield "a field's name", spoken({**fields, secret: 1})
    yield "a field's name, twice", b'{"%b":1,"%b":2}' % (secret.encode(), secret.encode())
    yield (
        "a long field's name, twice",
        b'{"%b":1, "%b":2}' % ((_NEAR + secret).encode(), (_NEAR + secret).encode()),
    )
    yield "no JSON", f"key={secret}".encode()
    yield "half a JSON", json.dumps({"a": secret}).encode()[:-1]
    yield "a text", json.dumps(secret).encode()
    yield "the prompt", spoken({**fields, "messages": [{"role": "user", "content": secret}]})
    yield "the prompt, too deep", b'{"messages":' + b"[" * 80 + json.dumps(secret).encode() + b"]" * 80 + b"}"
    yield "behind the body", spoken(fields) + secret.encode()

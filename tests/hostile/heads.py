"""Request heads that no honest client sends."""

from collections.abc import Iterable, Iterator
from dataclasses import replace
from typing import Final

from tests.hostile.request import ANTHROPIC_PATH, MARK, Shape, good_body
from tests.hostile.wire import Case

_BODY: Final = good_body()
_TARGET: Final = ANTHROPIC_PATH.encode()
_MARK: Final = MARK.encode()
_LABELS: Final = (
    b"x-seawall-user",
    b"x-seawall-feature",
    b"x-seawall-conversation",
    b"x-seawall-class",
    b"x-seawall-route",
    b"traceparent",
    b"anthropic-beta",
    b"anthropic-version",
    b"idempotency-key",
    b"content-type",
    b"accept",
    b"connection",
)
_METHODS: Final = (
    "GET", "HEAD", "PUT", "DELETE", "CONNECT", "OPTIONS", "TRACE", "COPY", "LOCK", "MKCOL", "MOVE", "PROPFIND",
    "PROPPATCH", "SEARCH", "UNLOCK", "BIND", "REBIND", "UNBIND", "ACL", "REPORT", "MKACTIVITY", "CHECKOUT",
    "MERGE", "M-SEARCH", "NOTIFY", "SUBSCRIBE", "UNSUBSCRIBE", "PATCH", "PURGE", "MKCALENDAR", "LINK",
    "UNLINK", "SOURCE", "QUERY", "PRI", "DESCRIBE", "ANNOUNCE", "SETUP", "PLAY", "PAUSE", "TEARDOWN",
    "GET_PARAMETER", "SET_PARAMETER", "REDIRECT", "RECORD", "FLUSH", "post", "Post", "PoSt", "POSTX", "XPOST",
    "P", "POST\t", "GET\x00", "\x7f", "ÿ",
)  # fmt: skip  # one list, not a column
_VERSIONS: Final = (
    "HTTP/0.9", "HTTP/1.0", "HTTP/1.2", "HTTP/2.0", "HTTP/2", "HTTP/3.0", "HTTP/1.10", "HTTP/11.1", "HTTP/1,1",
    "HTTP/1", "HTTP/", "http/1.1", "HTTPS/1.1", "HTTP/1.1x", "HTTP/-1.1", "HTTP/+1.1", "HTTP/1.1;a",
    "HTTX/1.1", "ICE/1.0", "RTSP/1.0", "1.1",
)  # fmt: skip  # one list, not a column
_HOSTS: Final = (
    b"",
    b"Host:\r\n",
    b"Host: \r\n",
    b"Host: a\r\nHost: b\r\n",
    b"Host: a\r\nhost: a\r\n",
    b"Host: x/admin?\r\n",
    b"Host: x@y\r\n",
    b"Host: x, y\r\n",
    b"Host: a b\r\n",
    b"Host: x:99999999\r\n",
    b"Host: x:-1\r\n",
    b"Host: x:0x50\r\n",
    b"Host: x:\r\n",
    b"Host: [::1\r\n",
    b"Host: [::1]x\r\n",
    b"Host: [::1%25eth0]\r\n",
    b"Host: x\xff\r\n",
    b"Host: x%00\r\n",
    b"Host: http://x/\r\n",
    b"Host: " + b"a" * 30_000 + b"\r\n",
    b"Host: ..\r\n",
    b"Host: *\r\n",
    b"Host: \\x\r\n",
    b"Host: x#y\r\n",
    b"Host : x\r\n",
    b" Host: x\r\n",
    b"Ho st: x\r\n",
    b"HOST: x\r\nX-Forwarded-Host: y\r\n",
)
_TARGETS: Final = (
    b"//ai/chat/v1/messages",
    b"/ai//chat/v1/messages",
    b"/ai/chat/v1/messages/",
    b"/ai/chat/../chat/v1/messages",
    b"/ai/chat/./v1/messages",
    b"/../../etc/passwd",
    b"/ai/chat/v1/../../fixed/v1/messages",
    b"/ai/chat%2fv1/messages",
    b"/ai/chat/%2e%2e/fixed/v1/messages",
    b"/ai/chat/v1/%6dessages",
    b"/ai/chat/v1/messages%00",
    b"/ai/chat/v1/messages;a=b",
    b"/ai/chat;a/v1/messages",
    b"/ai/chat/v1/messages#x",
    b"/ai/chat\\v1\\messages",
    b"/AI/CHAT/V1/MESSAGES",
    b"/ai/chat/v1/messages\xc3\xa4",
    b"/ai/chat/v1/messages\x00",
    b"/ai/chat/v1/messages\x7f",
    b"/ai/chat/v1/mess\tages",
    b"/" + b"a" * 30_000,
    b"/" + b"a" * 70_000,
    b"/" + b"a/" * 30_000,
    b"/" + b"%41" * 20_000,
    b"*",
    b"?",
    b"/",
    b"ai/chat/v1/messages",
    b"http://gateway.test/ai/chat/v1/messages",
    b"http://evil.test:99999999/ai/chat/v1/messages",
    b"http://user:injected@evil.test/ai/chat/v1/messages",
    b"https://[::1]/ai/chat/v1/messages",
    b"ftp://evil.test/ai/chat/v1/messages",
    b"http:///ai/chat/v1/messages",
    b"http://",
    b"http:",
    b"javascript:alert(1)",
    b"evil.test:443",
    b"//evil.test/ai/chat/v1/messages",
    b"/healthz/../admin/status",
    b"/admin/status",
    b"/metrics",
    b"/v1/models/../../admin",
    b"/v1/models/%2e%2e%2fadmin",
    b"/v1/models/a/../../b",
    b"/v1/models/" + b"a" * 5_000,
    b"/v1/models/%00",
    b"/v1/models/%f0%9f%92%a9",
    b"/v1/models/a%0d%0aX-Injected:%20injected",
    b"/v1/models/a?injected=1",
    _TARGET + b"?" + b"a=b&" * 10_000,
    _TARGET + b"?" + b"&" * 30_000,
    _TARGET + b"?" + b"=" * 30_000,
    _TARGET + b"?beta=" + b"%" * 3_000,
    _TARGET + b"?beta=true&injected=1",
    _TARGET + b"?beta=%0d%0aX:%20y",
    _TARGET + b"?" + b"%ff%fe=%00" * 500,
    _TARGET + b"?limit[]=1&limit=2&LIMIT=injected",
)
_OTHERS: Final = (
    b"Expect: 100-continue\r\n",
    b"Expect: 200-ok\r\n",
    b"Expect: 100-continue, injected\r\n",
    b"Upgrade: websocket\r\nConnection: upgrade\r\n",
    b"Upgrade: h2c\r\nConnection: Upgrade, HTTP2-Settings\r\nHTTP2-Settings: AAMAAABkAARAAAAAAAIAAAAA\r\n",
    b"Upgrade: TLS/1.0\r\nConnection: upgrade\r\n",
    b"Connection: close, X-Gateway-User\r\nX-Gateway-User: injected\r\n",
    b"Connection: x-api-key\r\n",
    b"Connection: keep-alive, keep-alive, close, close\r\n",
    b"Keep-Alive: timeout=99999\r\n",
    b"Proxy-Connection: keep-alive\r\nProxy-Authorization: Basic injected\r\n",
    b"X-Forwarded-For: 127.0.0.1\r\nForwarded: for=injected\r\nX-Real-IP: ::1\r\n",
    b"X_Gateway_User: injected\r\nx_api_key: injected\r\n",
    b"X-Api-Key: injected\r\n",
    b"x-api-key : injected\r\n",
    b"Authorization: Bearer injected\r\n",
    b"Authorization: Bearer a, Bearer b\r\n",
    b"Authorization: Bearer a\r\nAuthorization: Bearer b\r\n",
    b"Cookie: session=injected\r\n",
    b"Content-Encoding: gzip\r\n",
    b"Content-Encoding: gzip, gzip, gzip\r\n",
    b"Content-Encoding: identity, identity\r\n",
    b"Content-Encoding: br\r\nContent-Encoding: identity\r\n",
    b"Content-Type: application/json; charset=utf-7\r\n",
    b"Content-Type: text/html\r\nContent-Type: application/json\r\n",
    b"Range: bytes=0-0,0-1,0-2\r\n",
    b"If-None-Match: *\r\n",
    b"TE: trailers, injected\r\nTrailer: x-api-key\r\n",
    b"X-HTTP-Method-Override: DELETE\r\n",
    b"X-Original-URL: /admin\r\nX-Rewrite-URL: /admin\r\n",
    b"x-sandbox-fault: status=500\r\nx-sandbox-text: injected\r\n",
    b"anthropic-dangerous-direct-browser-access: true\r\n",
    b"Max-Forwards: 0\r\n",
    b"A" * 70_000 + b": x\r\n",
    b"X-Long: " + b"a" * 60_000 + b"\r\n",
    b"X-Long: " + b"a" * 1_000_000 + b"\r\n",
    b"X: a\r\n" * 127,
    b"X: a\r\n" * 3_000,
    b"a:\r\n" * 60_000,
    b"".join(b"X-%d: a\r\n" % i for i in range(110)),
    b"".join(b"X-%d: a\r\n" % i for i in range(500)),
    b": x\r\n",
    b"\r\n",
    b"nocolon\r\n",
    b"X-Fold: a\r\n injected: b\r\n",
    b"X-Fold: a\r\n\tinjected\r\n",
    b" X-Lead: a\r\n",
    b"\tX-Lead: a\r\n",
    b"X-Bare: a\nX-Injected: injected\r\n",
    b"X-Bare: a\rX-Injected: injected\r\n",
    b"X-Bare: a\r\r\nX-Injected: injected\r\n",
    b"X-Bare: a\n\r\nX-Injected: injected\r\n",
    b"X-Space : injected\r\n",
    b"X Space: injected\r\n",
    b"X(Y): injected\r\n",
    b"\xef\xbb\xbfX: injected\r\n",
)
_NOT_HTTP: Final = (
    b"PRI * HTTP/2.0\r\n\r\nSM\r\n\r\n" + bytes(9),
    b"\x16\x03\x01\x02\x00\x01\x00\x01\xfc\x03\x03" + bytes(500),
    b"SSH-2.0-OpenSSH_9.9\r\n",
    b"EHLO injected\r\n",
    b"*1\r\n$4\r\nPING\r\n",
    b"\x00" * 1000,
    b"\xff" * 1000,
    b"GET\r\n\r\n",
    b"GET /\r\n\r\n",
    b"GET / HTTP/1.1\n\n",
    b"GET / HTTP/1.1\r\n\n",
    b"GET  / HTTP/1.1\r\nHost: x\r\n\r\n",
    b"GET /  HTTP/1.1\r\nHost: x\r\n\r\n",
    b"GET\t/\tHTTP/1.1\r\nHost: x\r\n\r\n",
    b"\r\n\r\n\r\nGET / HTTP/1.1\r\nHost: x\r\n\r\n",
    b" GET / HTTP/1.1\r\nHost: x\r\n\r\n",
    b"GET / HTTP/1.1 \r\nHost: x\r\n\r\n",
    b"HTTP/1.1 200 OK\r\nContent-Length: 0\r\n\r\n",
    b"a" * 100_000,
    b"<?xml version='1.0'?>\r\n\r\n",
    b"{}\r\n\r\n",
)


def head_cases(key: str) -> Iterator[Case]:
    """Give every head that was thought of by hand."""
    shape = Shape(key)
    yield from _named("host", [replace(shape, host=host) for host in _HOSTS])
    yield from _named("target", [replace(shape, target=target) for target in _TARGETS])
    yield from _named("target of a GET", [replace(shape, target=t, method=b"GET") for t in _TARGETS])
    yield from _named("version", [replace(shape, version=version.encode()) for version in _VERSIONS])
    yield from _named("fields", [replace(shape, extra=extra) for extra in _OTHERS])
    yield from _named("fields without a key", [replace(shape, key="", extra=extra) for extra in _OTHERS])
    for method in _METHODS:
        odd = replace(shape, method=method.encode("latin-1"))
        yield Case(f"method {method!r}", (odd.request(_BODY),), method=method).then_leave()
    for i, data in enumerate(_NOT_HTTP):
        yield Case(f"no HTTP #{i}", (data,), at_most=2, may_be_silent=True)


def byte_cases(key: str) -> Iterator[Case]:
    """Give every byte in every place of a head where it could do harm."""
    shape = Shape(key)
    for value in range(256):
        byte = bytes([value])
        extras = {
            "in a name": b"X-%bA: %b\r\n" % (byte, _MARK),
            "before a name": b"%bX-A: %b\r\n" % (byte, _MARK),
            "behind a name": b"X-A%b: %b\r\n" % (byte, _MARK),
            "in a value": b"X-A: a%bb\r\n" % byte,
            "before a value": b"X-A:%b%b\r\n" % (byte, _MARK),
            "behind a value": b"X-A: %b%b\r\n" % (_MARK, byte),
            "behind a line": b"X-A: a\r\n%b" % byte,
        }
        for where, extra in extras.items():
            yield Case(f"byte {value:02x} {where}", (replace(shape, extra=extra).request(_BODY),)).then_leave()
        for name in _LABELS:
            extra = b"%b: 1%b2\r\n" % (name, byte)
            request = replace(shape, extra=extra).request(_BODY)
            yield Case(f"byte {value:02x} in {name.decode()}", (request,)).then_leave()
        request = replace(shape, target=_TARGET + byte).request(_BODY)
        yield Case(f"byte {value:02x} in the target", (request,)).then_leave()


def _named(what: str, shapes: Iterable[Shape]) -> Iterator[Case]:
    for i, shape in enumerate(shapes):
        yield Case(f"{what} #{i}", (shape.request(_BODY),), method=shape.method.decode("latin-1")).then_leave()

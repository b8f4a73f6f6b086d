"""Relatives of the shared header cases: for every kind of row more of its kind, made by combination."""

from collections.abc import Iterator
from typing import Final

from tests.hostile.request import MARK

_MARK: Final = MARK.encode()
# Fields that stay in the gateway whatever they hold, so that no byte of them may reach the provider.
_STAYING: Final = (
    b"X-User-Id", b"x-seawall-user", b"x-seawall-feature", b"x-seawall-conversation", b"idempotency-key", b"cookie",
    b"x-request-id", b"user-agent", b"content-type", b"authorization", b"x-seawall-trailer",
)  # fmt: skip  # one list, not a column
_BREAKS: Final = (
    b"\r\n", b"\n", b"\r", b"\x00", b"\x0b", b"\x0c", b"\x1c", b"\x85", b"\xe2\x80\xa8", b"\r\r\n", b"\n\r", b"\r\n ",
    b"\r\n\t", b"%0d%0a", b"%0a", b"\\r\\n", b"\xc4\x8d\xc4\x8a", b"\xe5\x98\x8d\xe5\x98\x8a",
)  # fmt: skip  # one list, not a column
_INTERNAL: Final = (
    b"X-Gateway-User", b"X_Gateway_User", b"X-Gateway_User", b"x.gateway.user", b"x_api_key", b"HTTP_X_API_KEY",
    b"X-Forwarded-User", b"X-Remote-User", b"Remote-User", b"X-Forwarded-For", b"Forwarded", b"X-Real-IP", b"Via",
    b"X-Original-URL", b"X-Rewrite-URL", b"X-HTTP-Method-Override", b"X-Api-Base", b"openai-base-url", b"x-seawall-key",
    b"x-portkey-custom-host", b"x_seawall_user", b"content_length", b"transfer_encoding", b"api-key", b"x-goog-api-key",
    b"Proxy-Authorization", b"Proxy-Connection", b"Keep-Alive", b"TE", b"Trailer", b"HTTP2-Settings",
)  # fmt: skip  # one list, not a column
_HOP_BY_HOP: Final = (
    b"authorization", b"x-api-key", b"content-length", b"content-type", b"host", b"transfer-encoding", b"connection",
)  # fmt: skip  # one list, not a column
_LENGTHS: Final = (
    b"+5", b"-5", b"-0", b"0x5", b"0o5", b"5,5", b"5, 5", b"5 5", b"5;a", b"5.0", b"5e0", b"05", b"0" * 5_000 + b"5",
    b"5_0", b"\xd9\xa5", b"5\x0b", b"5\x00", b'"5"', b"", b"five", b"18446744073709551616", b"5\r\nContent-Length: 5",
    b"5\r\ncontent-length: 6", b"5\r\nContent-Length : 6", b"5\r\n 6",
)  # fmt: skip  # one list, not a column
_CODINGS: Final = (
    b"xchunked", b"chunkedx", b"chunked, identity", b"identity, chunked", b"identity", b"gzip", b"gzip, chunked",
    b"chunked, chunked", b"chunked;q=1", b'"chunked"', b"'chunked'", b"chunked\x00", b"\x0bchunked", b"chunked\x0b",
    b"\xffchunked", b"", b",chunked", b"chunked,", b"chun ked", b"[chunked]", b"trailers", b"x-gzip", b"CHUNKED, x",
    b"chunked\r\nTransfer-Encoding: x", b"x\r\nTransfer-Encoding: chunked", b"chunked\r\nTransfer-Encoding: chunked",
)  # fmt: skip  # one list, not a column
_HOSTS: Final = (
    b"x/admin", b"x/admin?", b"x?a", b"x#a", b"x@y", b"u:p@x", b"x:80:90", b"x:1e3", b"x:99999999", b"a b", b"a,b",
    b"a;b", b"[::1", b"::1", b"x\\y", b"x%2fadmin", b"x\xff", b'"x"', b"<x>", b"http://x", b"//x", b"/x", b"*", b"x\ty",
    b"x|y", b"x\r\nHost: y", b"x\r\nhost: x", b"",
)  # fmt: skip  # one list, not a column
_TOKENS: Final = (
    b"a, Bearer b", b"' OR 1=1 --", b"'; DROP TABLE keys;--", b'" OR ""="', b"a' UNION SELECT 1--", b"", b" ",
    b"%00", b"a\tb", b"a b c", b"a;b", b"null", b"undefined", b"[]", b"{{7*7}}", b"${jndi:ldap://x}", b"\xff\xfe",
    b"../../etc/passwd", b"sw_" + b"A" * 49, b"A" * 20_000, b"A" * 100_000, b"*", b"%", b"_" * 52,
)  # fmt: skip  # one list, not a column
_ENCODINGS: Final = (
    b"gzip", b"gzip, gzip, gzip", b"identity, gzip", b"gzip\r\nContent-Encoding: gzip", b"br", b"zstd", b"deflate",
    b"compress", b"x-gzip", b"aws-chunked", b"", b"gzip;q=0", b"*", b"identity, identity", b"GZIP",
)  # fmt: skip  # one list, not a column
_TYPES: Final = (
    b"application/json; charset=utf-7", b"application/json; charset=utf-16", b"application/json; charset=ibm500",
    b"application/json; charset=", b"text/html", b"multipart/form-data; boundary=" + _MARK, b"application/xml", b"",
    b"application/x-www-form-urlencoded", b"application/json\r\nContent-Type: text/" + _MARK,
)  # fmt: skip  # one list, not a column
_EXPECTED: Final = (
    b"100-continue\r\nContent-Length: 999999999", b"100-continue\r\nContent-Length: 0", b"100-continue, x", b"200-ok",
    b"100-continue\r\nExpect: 100-continue", b"100-continue\r\nTransfer-Encoding: xchunked", b"", b"x",
)  # fmt: skip  # one list, not a column

_VALUES: Final = {
    b"Content-Length": _LENGTHS,
    b"Content-Encoding": _ENCODINGS,
    b"Content-Type": _TYPES,
    b"Expect": _EXPECTED,
    b"Host": _HOSTS,
}


def blocks() -> Iterator[bytes]:
    """Give head blocks, without the line break at their end."""
    yield from _broken_fields()
    yield from _framings()
    for name in _INTERNAL:
        yield b"%b: %b" % (name, _MARK)
        yield b"Connection: close, %b\r\n%b: %b" % (name, name, _MARK)
    for name in _HOP_BY_HOP:
        yield b"Connection: %b" % name
        yield b"Connection: close, %b" % name
    for token in _TOKENS:
        yield b"Authorization: Bearer " + token
        yield b"x-api-key: " + token
    for name, values in _VALUES.items():
        yield from (b"%b: %b" % (name, value) for value in values)


def _broken_fields() -> Iterator[bytes]:
    for name in _STAYING:
        for line_break in _BREAKS:
            yield b"%b: a%bX-Admin: %b" % (name, line_break, _MARK)
        for space in (b" ", b"\t", b"\x0b", b"\x00", b"\xa0"):
            yield b"%b%b: %b" % (name, space, _MARK)
            yield b"%b%b: %b" % (space, name, _MARK)


def _framings() -> Iterator[bytes]:
    for coding in _CODINGS:
        yield b"Transfer-Encoding: " + coding
        yield b"Transfer-Encoding: %b\r\nContent-Length: 5" % coding
        yield b"Content-Length: 5\r\nTransfer-Encoding: " + coding
        yield b"Transfer-Encoding : " + coding
        yield b" Transfer-Encoding: " + coding
        yield b"Transfer-Encoding:\r\n " + coding
        yield b"X: a\nTransfer-Encoding: " + coding

"""Messages whose end two servers could see in two places, and messages that end too early."""

from collections.abc import Iterator
from dataclasses import replace
from typing import Final

from tests.hostile.request import MARK, OPENAI_PATH, Shape, chunked, good_body, good_fields, spoken
from tests.hostile.wire import Case

_BODY: Final = good_body()
_RIGHT: Final = b"%d" % len(_BODY)
_ENDS_EARLY: Final = b"0\r\n\r\n"

# Whoever takes one of these for a framing differs from somebody else: RFC 9112 §6.1, §6.3 and §7.1.
_AMBIGUOUS_CODINGS: Final = (
    b"Transfer-Encoding: chunked\r\nContent-Length: %d\r\n",
    b"Content-Length: %d\r\nTransfer-Encoding: chunked\r\n",
    b"Content-Length: %d\r\nTransfer-Encoding: xchunked\r\n",
    b"Content-Length: %d\r\nTransfer-Encoding: identity\r\n",
    b"Content-Length: %d\r\nTransfer-Encoding:\r\n",
    b"Content-Length: %d\r\nTransfer-Encoding: chunked, identity\r\n",
    b"Content-Length: %d\r\nTransfer-Encoding: identity, chunked\r\n",
    b"Content-Length: %d\r\nTransfer-Encoding: gzip, chunked\r\n",
    b"Content-Length: %d\r\nTransfer-Encoding: chunked\r\nTransfer-Encoding: identity\r\n",
    b"Content-Length: %d\r\nTransfer-Encoding: identity\r\nTransfer-Encoding: chunked\r\n",
    b"Content-Length: %d\r\nTransfer-Encoding : chunked\r\n",
    b"Content-Length: %d\r\n Transfer-Encoding: chunked\r\n",
    b"Content-Length: %d\r\nTransfer-Encoding\r\n : chunked\r\n",
    b"Content-Length: %d\r\nTransfer-Encoding:\r\n chunked\r\n",
    b"Content-Length: %d\r\nTransfer-Encoding: chunked\x0b\r\n",
    b"Content-Length: %d\r\nTransfer-Encoding: \x00chunked\r\n",
    b"Content-Length: %d\r\nTransfer-Encoding: chunked\n\r\n",
    b"Content-Length: %d\r\nX: a\nTransfer-Encoding: chunked\r\n",
    b"Content-Length: %d\r\nX: a\rTransfer-Encoding: chunked\r\n",
    b"Content-Length: %d\r\nTransfer-Encoding: CHUNKED\r\n",
    b"Content-Length: %d\r\nTransfer-Encoding: chunked;q=1\r\n",
    b"Content-Length: %d\r\nTransfer-Encoding: ch\r\n unked\r\n",
    b'Content-Length: %d\r\nTransfer-Encoding: "chunked"\r\n',
    b"Content-Length: %d\r\nContent-Length: 5\r\n",
    b"Content-Length: 5\r\nContent-Length: %d\r\n",
    b"Content-Length: %d\r\nContent-Length: %d\r\n",
    b"Content-Length: 5, %d\r\n",
    b"Content-Length: %d, 5\r\n",
    b"Content-Length : %d\r\n",
    b"Content-Length: %d\r\n 0\r\n",
    b"Content-Length: %d\r\nContent_Length\t: 5\r\n",
)
_LENGTHS: Final = (
    b"+%d",
    b"-%d",
    b"-1",
    b"0x%x",
    b"0%o",
    b"%d.0",
    b"%de0",
    b"%d;",
    b"%d ,",
    b'"%d"',
    b"%d\x00",
    b"%d\x0b",
    b"0 %d",
    b"%d %d",
    b"%d,%d",
    b"",
    b" ",
    b"a",
    b"NaN",
    b"Infinity",
    b"\xef\xbc\x95",
    b"\xd9\xa3",
    b"%d\xc2\xa0",
    b"9" * 19,
    b"9" * 20,
    b"9" * 5_000,
    b"18446744073709551616",
    b"18446744073709551615",
    b"9223372036854775808",
    b"999999999",
    b"1048577",
    b"1" + b"0" * 40_000,
    b"0" * 5_000 + b"%d",
)
_CHUNK_LINES: Final = (
    b"%x\n",
    b"%x\r",
    b"%x\r\r\n",
    b"%x \r\n",
    b"%x\t\r\n",
    b" %x\r\n",
    b"+%x\r\n",
    b"-%x\r\n",
    b"0x%x\r\n",
    b"%xg\r\n",
    b"%x,\r\n",
    b'"%x"\r\n',
    b"%x\x00\r\n",
    b"\r\n%x\r\n",
    b"%x;a\nb\r\n",
    b"%x;a\rb\r\n",
    b"%x;\x00\r\n",
    b"%x;a=\x01\r\n",
    b"%x\xff\r\n",
    b"f" * 16 + b"%x\r\n",
    b"1" + b"0" * 16 + b"%x\r\n",
    b"\r\n",
    b"zz\r\n",
    b";\r\n",
    b"-1\r\n",
    b"10000000000000000\r\n",
)
_KIND_CHUNK_LINES: Final = (
    b"%x\r\n",
    b"%X\r\n",
    b"0000%x\r\n",
    b"%x;a\r\n",
    b"%x;a=b\r\n",
    b'%x;a="b;c"\r\n',
    b"%x;" + b"a" * 60_000 + b"\r\n",
)


def smuggled(key: str) -> bytes:
    """Give a good request that must never be read where it will be hidden."""
    fields = good_fields(OPENAI_PATH) | {"messages": [{"role": "user", "content": MARK}]}
    return Shape(key, target=OPENAI_PATH.encode()).request(spoken(fields))


def refused_framings(key: str) -> Iterator[Case]:
    """Give the messages that must be refused whole, since a second request hides behind one reading of them."""
    hidden = smuggled(key)
    tail = _ENDS_EARLY + hidden
    for i, lines in enumerate(_AMBIGUOUS_CODINGS):
        filled = lines.replace(b"%d", b"%d" % len(tail))
        yield Case(f"coding #{i}", (Shape(key, length=filled).request(tail),))
        filled = lines.replace(b"%d", _RIGHT)
        yield Case(f"coding #{i}, right length", (Shape(key, length=filled).request(_BODY + hidden),))
    for i, line in enumerate(_CHUNK_LINES):
        yield Case(f"chunk size #{i}", (_in_chunks(key, line, hidden),))
    coded = Shape(key, length=b"Transfer-Encoding: chunked\r\n")
    for i, after in enumerate((b"", b"\n", b"\r", b"a\r\n", b"\r\r\n", b"\n\r\n", b" \r\n", b"0\r\n")):
        piece = b"%x\r\n%b%b" % (len(_BODY), _BODY, after)
        yield Case(f"chunk end #{i}", (coded.request(piece + _ENDS_EARLY + hidden),))
    for version in (b"HTTP/1.0", b"HTTP/2.0", b"HTTP/0.9"):
        old = replace(coded, version=version)
        yield Case(f"chunked in {version.decode()}", (old.request(chunked(_BODY) + hidden),))


def loose_framings(key: str) -> Iterator[Case]:
    """Give messages of odd length, of which one reading at most is left."""
    for i, length in enumerate(_LENGTHS):
        filled = length.replace(b"%d", _RIGHT).replace(b"%x", b"%x" % len(_BODY)).replace(b"%o", b"%o" % len(_BODY))
        for method in (b"POST", b"GET", b"DELETE"):
            shape = Shape(key, method=method, length=b"Content-Length: %b\r\n" % filled)
            name = f"length #{i} of a {method.decode()}"
            yield Case(name, (shape.request(_BODY),), may_be_silent=True).then_leave()
    for i, line in enumerate(_KIND_CHUNK_LINES):
        yield Case(f"good chunk size #{i}", (_in_chunks(key, line, b""),)).then_leave()
    for i, trailer in enumerate(
        (
            b"X-Api-Key: injected\r\n",
            b"Transfer-Encoding: chunked\r\n",
            b"Content-Length: 5\r\n",
            b"Host: injected\r\n",
            b"x-seawall-user: injected\r\n",
            b"anthropic-beta: injected\r\n",
            b"X: injected\nY: z\r\n",
            b" X: injected\r\n",
            b"X: " + b"a" * 100_000 + b"\r\n",
            b"X: a\r\n" * 10_000,
        )
    ):
        body = b"%x\r\n%b\r\n0\r\n%b\r\n" % (len(_BODY), _BODY, trailer)
        coded = Shape(key, length=b"Transfer-Encoding: chunked\r\n")
        yield Case(f"trailer #{i}", (coded.request(body),)).then_leave()
        yield Case(f"trailer #{i} without a key", (replace(coded, key="").request(body),)).then_leave()
    for i, garbage in enumerate(
        (b"\r\n", b"\r\n\r\n", b"\n", b"\x00", b"{}", b"GET", b"POST / HTTP/1.1\r\n", b" ", _BODY)
    ):
        case = Case(f"garbage behind #{i}", (Shape(key).request(_BODY) + garbage,), may_be_silent=True)
        yield case.then_leave()


def sized_bodies(key: str) -> Iterator[Case]:
    """Give bodies that are too long, or announced to be, or have no end."""
    large = b'{"model":"' + b"a" * 1_100_000
    shape = Shape(key)
    for size in (b"7fffffffffffffff", b"ffffffffffffffff"):
        coded = Shape(key, length=b"Transfer-Encoding: chunked\r\n")
        yield Case(f"a chunk of {size.decode()}", (coded.head() + size + b"\r\n{}",), may_be_silent=True)
    yield Case("announced 10 GB", (Shape(key, length=b"Content-Length: 10000000000\r\n").head(),))
    yield Case(
        "announced 10 GB, waits", (Shape(key, length=b"Content-Length: 9999999999\r\nExpect: 100-continue\r\n").head(),)
    )
    yield Case("too long", (shape.request(large),))
    yield Case(
        "too long in chunks", (Shape(key, length=b"Transfer-Encoding: chunked\r\n").head() + chunked(large, 65536),)
    )
    endless = b"8000\r\n" + b"a" * 0x8000 + b"\r\n"
    yield Case("chunks without end", (Shape(key, length=b"Transfer-Encoding: chunked\r\n").head(), *[endless] * 64))
    ragged = (b"1;" + b"a" * 5_000 + b"\r\na\r\n") * 50
    yield Case(
        "extensions larger than chunks",
        (Shape(key, length=b"Transfer-Encoding: chunked\r\n").head(), ragged),
        may_be_silent=True,
    )
    yield Case(
        "an extension without end",
        (Shape(key, length=b"Transfer-Encoding: chunked\r\n").head(), b"5;" + b"a" * 500_000),
    )
    yield Case(
        "a trailer without end",
        (Shape(key, length=b"Transfer-Encoding: chunked\r\n").head(), b"0\r\nX: " + b"a" * 500_000),
    )
    yield Case("a field without end", (b"GET / HTTP/1.1\r\nHost: x\r\nX: ", *[b"a" * 65_536] * 16))
    yield Case("a name without end", (b"GET / HTTP/1.1\r\nHost: x\r\n", *[b"a" * 65_536] * 16))
    yield Case("a target without end", (b"GET /", *[b"a" * 65_536] * 16))
    yield Case("a method without end", (b"A" * 500_000,))
    yield Case("no key, too long", (replace(shape, key="").request(large),))
    yield Case("a long body for a probe", (replace(shape, target=b"/healthz").request(large),))


def cuts(key: str) -> Iterator[Case]:
    """Give good requests whose client leaves at each of their bytes."""
    stream = good_body(stream=True)
    for name, request in {
        "a call": Shape(key).request(_BODY),
        "a stream": Shape(key).request(stream),
        "chunks": Shape(key, length=b"Transfer-Encoding: chunked\r\n").request(chunked(_BODY)),
    }.items():
        for i in range(1, len(request)):
            yield Case(f"{name} cut at {i}", (request[:i],), leaves=True)


def splits(key: str) -> Iterator[Case]:
    """Give good requests whose bytes come in two parts, which changes nothing."""
    for length, body in ((b"", _BODY), (b"Transfer-Encoding: chunked\r\n", chunked(_BODY))):
        request = Shape(key, length=length).request(body)
        for i in range(1, len(request)):
            yield Case(f"split at {i}", (request[:i], request[i:])).then_leave()


def _in_chunks(key: str, line: bytes, behind: bytes) -> bytes:
    size = line.replace(b"%x", b"%x" % len(_BODY)).replace(b"%X", b"%X" % len(_BODY))
    coded = Shape(key, length=b"Transfer-Encoding: chunked\r\n")
    return coded.request(size + _BODY + b"\r\n" + _ENDS_EARLY + behind)

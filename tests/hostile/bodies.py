"""Bodies: fields of every wrong type, JSON that parsers read differently, and bytes that are no JSON at all."""

import json
from collections.abc import Iterator
from typing import Any, Final

from hypothesis import strategies as st

from tests.hostile.request import (
    ANTHROPIC_PATH,
    COUNT_PATH,
    EMBEDDINGS_PATH,
    FIXED_PATH,
    OPENAI_PATH,
    Shape,
    good_body,
    good_fields,
    spoken,
)
from tests.hostile.wire import Case

PATHS: Final = (ANTHROPIC_PATH, OPENAI_PATH, FIXED_PATH, COUNT_PATH, EMBEDDINGS_PATH)
_FIELDS: Final = (
    "model",
    "max_tokens",
    "max_completion_tokens",
    "stream",
    "stream_options",
    "metadata",
    "user",
    "safety_identifier",
    "temperature",
    "top_p",
    "top_k",
    "thinking",
    "tools",
    "tool_choice",
    "system",
    "messages",
    "input",
    "n",
    "response_format",
    "output_config",
    "service_tier",
    "stop",
    "stop_sequences",
)
_WRONG: Final = (
    b"null",
    b"true",
    b"false",
    b"0",
    b"-0",
    b"-1",
    b"1e3",
    b"1.5",
    b"1E400",
    b"-1e400",
    b"1e-400",
    b"NaN",
    b"Infinity",
    b"-Infinity",
    b"9223372036854775808",
    b"18446744073709551616",
    b"9" * 5_000,
    b"0." + b"1" * 5_000,
    b"01",
    b"+1",
    b".5",
    b"1.",
    b"0x10",
    b"1_000",
    b'""',
    b'" "',
    b'"a"',
    b'"' + b"a" * 100_000 + b'"',
    b'"\\u0000"',
    b'"\\ud800"',
    b'"\\udc00\\ud800"',
    b'"\\ud83d\\ude00"',
    b'"\\u0000\\u001b[31m\\u2028"',
    b'"\xff\xfe"',
    b'"\xc0\x80"',
    b'"\xed\xa0\x80"',
    b'"\x00"',
    b'"\n"',
    b'"\\x41"',
    b"'a'",
    b"[]",
    b"{}",
    b"[[]]",
    b"[null]",
    b'[{"role":"user"}]',
    b'[{"type":{"type":[]}}]',
    b'{"user_id":1}',
    b'{"user_id":null}',
    b'{"user_id":"' + b"\xc3\xa9" * 5_000 + b'"}',
    b'{"user_id":"a","user_id":"b"}',
    b'{"include_usage":1}',
    b'{"include_usage":false,"a":1e400}',
    b'{"include_usage":"true"}',
    b'{"type":"enabled","budget_tokens":-1}',
    b"[" * 60 + b"]" * 60,
    b"[" * 70 + b"]" * 70,
    b"[" * 900 + b"]" * 900,
    b"[" * 100_000 + b"]" * 100_000,
    b'{"a":' * 200 + b"1" + b"}" * 200,
    b"[" * 200_000,
    b"[" + b"0," * 3_000 + b"0]",
    b"{" + b",".join(b'"%d":0' % i for i in range(3_000)) + b"}",
    b"/* */ 1",
    b"1 // a",
    b"undefined",
    b"",
)
_WHOLE: Final = (
    b"",
    b" ",
    b"null",
    b"[]",
    b'"a"',
    b"1",
    b"{}",
    b"{",
    b"}",
    b"{}{}",
    b"{},",
    b"{}\x00",
    b"[" * 500_000,
    b'{"a":' * 100_000,
    b'{"a":1,}',
    b'{,"a":1}',
    b"{'a':1}",
    b"{a:1}",
    b'{"a" 1}',
    b'{"a":1 "b":2}',
    b'{"\\ud800":1}',
    b'{"a\\u0000":1}',
    b"\x00" * 1_000,
    b"\xff\xfe" + "{}".encode("utf-16-le"),
    "{}".encode("utf-16"),
    "{}".encode("utf-32"),
    b"\xef\xbb\xbf{}",
    b"+ADw-script+AD4-",
    b"\x1f\x8b\x08\x00" + bytes(500),
    b"a=b&c=d",
    b"--x\r\nContent-Disposition: form-data\r\n\r\n--x--",
    b"<xml/>",
    b"!!python/object:os.system",
    b"{" + b'"a":1,' * 20_000 + b'"a":1}',
    b"{" + b" " * 900_000 + b"}",
    b'{"model":"claude-haiku-5-5"' + b',"x":[]' * 50_000 + b"}",
    b'{"":{"":{"":""}}}',
    b'{"model":"claude-haiku-5-5","x":[' + b"0," * 500_000 + b"0]}",
    b'{"model":"claude-haiku-5-5","x":[' + b"[]," * 300_000 + b"0]}",
    b'{"model":"claude-haiku-5-5","x":{' + b",".join(b'"%d":0' % i for i in range(90_000)) + b"}}",
)
_DOUBLED: Final = (b'"model"', b'"mod\\u0065l"', b'"\\u006dodel"', b' "model" ', b'"model\\u0000"', b'"Model"')


def written_bodies(key: str) -> Iterator[Case]:
    """Give the bodies that were thought of by hand: every field that is read, with every wrong value."""
    for path in PATHS:
        shape = Shape(key, target=path.encode())
        for name in _FIELDS:
            for i, value in enumerate(_WRONG):
                body = spoken({**good_fields(path), name: value})
                yield Case(f"{path}: {name} #{i}", (shape.request(body),))
        for i, body in enumerate(_WHOLE):
            yield Case(f"{path}: body #{i}", (shape.request(body),))
        for first in _DOUBLED:
            for second in _DOUBLED:
                body = b'{%b:"claude-haiku-5-5","max_tokens":1,"messages":[],%b:"gpt-6-luna"}' % (first, second)
                yield Case(f"{path}: {first!r} and {second!r}", (shape.request(body),))


_texts = st.text(st.characters(codec="utf-8"), max_size=20) | st.sampled_from(["", "\x00", "\u2028", "\ufeff", "￿"])
_numbers = st.integers() | st.floats() | st.integers(-(2**70), 2**70) | st.sampled_from([2**53, 2**63, 2**64, 10**40])
_any_json = st.recursive(
    st.none() | st.booleans() | _numbers | _texts,
    lambda below: st.lists(below, max_size=4) | st.dictionaries(_texts, below, max_size=4),
    max_leaves=12,
)
_names = st.sampled_from(_FIELDS) | _texts


@st.composite
def generated_bodies(draw: st.DrawFn) -> tuple[str, bytes]:
    """Make an endpoint and a body for it: a good one with some fields made anything, then perhaps torn as bytes."""
    path = draw(st.sampled_from(PATHS))
    fields: dict[str, Any] = good_fields(path, stream=draw(st.booleans()))  # JSON
    fields.update(draw(st.dictionaries(_names, _any_json, max_size=4)))
    body = _encoded(fields, draw)
    return path, draw(st.sampled_from(_TEARS))(body, draw)


def _encoded(fields: dict[str, Any], draw: st.DrawFn) -> bytes:
    separators = draw(st.sampled_from([(",", ":"), (", ", ": "), (" ,\n", "\t: ")]))
    text = json.dumps(fields, ensure_ascii=draw(st.booleans()), separators=separators)
    return text.encode("utf-8", "surrogatepass")


def _whole(body: bytes, draw: st.DrawFn) -> bytes:
    del draw
    return body


def _cut(body: bytes, draw: st.DrawFn) -> bytes:
    return body[: draw(st.integers(0, len(body)))]


def _with_byte(body: bytes, draw: st.DrawFn) -> bytes:
    at = draw(st.integers(0, len(body)))
    return body[:at] + bytes([draw(st.integers(0, 255))]) + body[at + draw(st.integers(0, 1)) :]


def _doubled(body: bytes, draw: st.DrawFn) -> bytes:
    start, end = sorted((draw(st.integers(0, len(body))), draw(st.integers(0, len(body)))))
    return body[:end] + body[start:]


def _noise(body: bytes, draw: st.DrawFn) -> bytes:
    del body
    return draw(st.binary(max_size=200))


_TEARS: Final = (_whole, _whole, _whole, _cut, _with_byte, _with_byte, _doubled, _noise)


def torn(path: str, body: bytes, key: str) -> Case:
    """Make a case of a generated body."""
    return Case(f"{path}: {body!r}", (Shape(key, target=path.encode()).request(body),)).then_leave()


def compressed_bodies(key: str, bomb: bytes) -> Iterator[Case]:
    """Give bodies that are, or claim to be, compressed."""
    for coding in (
        b"gzip",
        b"deflate",
        b"br",
        b"zstd",
        b"compress",
        b"x-gzip",
        b"identity",
        b"",
        b"gzip, identity",
        b"\x00",
    ):
        for body in (bomb, good_body(), b""):
            extra = b"Content-Encoding: %b\r\n" % coding
            yield Case(f"coding {coding!r} of {len(body)} bytes", (Shape(key, extra=extra).request(body),))

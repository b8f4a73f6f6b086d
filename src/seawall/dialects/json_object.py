"""A JSON object that keeps its bytes: what nobody changes leaves exactly as it came."""

import json
import re
from typing import Any, Final, NamedTuple

import msgspec
import orjson

from seawall.core.error import BadRequest

MAX_DEPTH: Final = 64
MAX_FIELDS: Final = 1000
MAX_ITEMS: Final = 500_000
_MAX_QUOTES: Final = 1_000_000
_LONGEST_SHOWN: Final = 64  # a longer name is not cut, since half a credential would no longer be known for one
_raw_fields = msgspec.json.Decoder(dict[str, msgspec.Raw]).decode
_key_at = re.compile(rb'[ \t\r\n]*"((?:[^"\\]|\\.)*)"[ \t\r\n]*:[ \t\r\n]*').match
_comma_at = re.compile(rb"[ \t\r\n]*,").match


class _Span(NamedTuple):
    """Where one top-level field stands: its key begins at `key`, its value lies in `value` to `end`."""

    key: int
    value: int
    end: int


class JsonObject:
    """A request body: parsed once for reading, edited only by replacing whole top-level fields.

    `fields` is what was read; duplicate keys are refused at every depth, so that what was counted and checked here is
    what every other reader finds. Values that are not edited keep their bytes, number forms, escapes and key order
    included, which is what provider-side prompt caches and signatures depend on.
    """

    __slots__ = ("_edits", "_spans", "fields", "raw")

    def __init__(self, raw: bytes, fields: dict[str, Any], spans: dict[str, _Span] | None) -> None:
        self.raw = raw
        self.fields = fields
        self._spans = spans  # None: a compact body, whose spans are computed when an edit needs them
        self._edits: dict[str, bytes | None] = {}

    @classmethod
    def parse(cls, raw: bytes) -> "JsonObject":
        """Read a body.

        Raises:
            BadRequest: it is no JSON object, not UTF-8, nested deeper than 64 levels, made of more than a thousand
                fields or half a million items, or has a key twice in one object.
        """
        if len(raw) > MAX_ITEMS:  # an item takes two bytes at least, so that a short body needs no count
            _refuse_crowd(raw)
        try:
            fields = orjson.loads(raw)
        except orjson.JSONDecodeError as error:
            raise BadRequest(f"the body is not valid JSON: {error}", code="request.json") from None
        if type(fields) is not dict:
            found = {list: "array", str: "string", bool: "boolean", type(None): "null"}.get(type(fields), "number")
            raise BadRequest(f"the body is a JSON {found}; expected an object", code="request.json")
        if len(fields) > MAX_FIELDS:
            raise BadRequest(f"the body has more than {MAX_FIELDS} fields at its top level", code="request.items")
        # Taken out and not counted: that skips from one to the next, where `count` stops at every byte of a long text.
        without = raw.replace(b"{", b"", MAX_DEPTH + 1).replace(b"[", b"", MAX_DEPTH + 1)
        if len(raw) - len(without) > MAX_DEPTH:
            _refuse_depth(fields)
        parts = _raw_fields(raw)
        spans = None if _is_compact(raw, parts) else _walked_spans(raw, parts)
        if orjson.dumps(fields) != raw:  # most clients write as orjson does, which writes no key twice
            _refuse_doubles(raw)
        return cls(raw, fields, spans)

    @classmethod
    def of(cls, fields: dict[str, Any]) -> "JsonObject":
        """Make a body of what was written here."""
        return cls(orjson.dumps(fields), fields, None)

    def fork(self) -> "JsonObject":
        """Give a copy with its own edits; values are shared, since nobody changes them in place."""
        fork = JsonObject(self.raw, self.fields.copy(), self._spans)
        fork._edits = self._edits.copy()
        return fork

    def set(self, name: str, value: Any) -> None:  # any JSON value
        """Replace or append one top-level field."""
        self.fields[name] = value
        self._edits[name] = orjson.dumps(value)

    def drop(self, name: str) -> None:
        """Take one top-level field out; a field that is not there stays out."""
        if name in self.fields:
            del self.fields[name]
            self._edits[name] = None

    def render(self) -> bytes:
        """Write the body with its edits; without edits these are the very bytes that came."""
        if not self._edits:
            return self.raw
        raw, edits = self.raw, self._edits
        spans = self._spans or _compact_spans(_raw_fields(raw))
        if None in edits.values():
            return self._rewritten(spans)
        pieces: list[bytes] = []
        at = 0
        for name, span in spans.items():
            if (new := edits.get(name)) is not None:
                pieces += (raw[at : span.value], new)
                at = span.end
        added = [
            orjson.dumps(name) + b":" + new for name, new in edits.items() if new is not None and name not in spans
        ]
        if not added:
            pieces.append(raw[at:])
            return b"".join(pieces)
        close = raw.rindex(b"}")
        pieces += (raw[at:close], b"," if spans else b"", b",".join(added), raw[close:])
        return b"".join(pieces)

    def _rewritten(self, spans: dict[str, _Span]) -> bytes:
        """Write every field anew, which leaving one out needs for its comma's sake; values still keep their bytes."""
        kept = {name: self.raw[span.key : span.end] for name, span in spans.items()}
        for name, new in self._edits.items():
            if new is None:
                kept.pop(name, None)
            else:
                kept[name] = orjson.dumps(name) + b":" + new
        return b"{" + b",".join(kept.values()) + b"}"


def _is_compact(raw: bytes, parts: dict[str, msgspec.Raw]) -> bool:
    """Say whether a body has no white space and no escapes around its top level.

    Then names, values and the least punctuation add up to its length, and no byte is left for a second key.
    """
    size = 1 + 4 * len(parts)
    for name, value in parts.items():
        size += len(name) + len(value)
    return size == len(raw)


def _compact_spans(parts: dict[str, msgspec.Raw]) -> dict[str, _Span]:
    """Compute the spans of a compact body."""
    spans = {}
    at = 1
    for name, value in parts.items():
        start = at + len(name) + 3
        spans[name] = _Span(at, start, start + len(value))
        at = start + len(value) + 1
    return spans


def _walked_spans(raw: bytes, parts: dict[str, msgspec.Raw]) -> dict[str, _Span]:
    """Find the spans by walking the top level; the body is known to be a valid JSON object.

    The parser keeps the first place and the last value of a key that is there twice, so that the walk then meets
    another key or another value than the parser kept in that place, or is not at the end when it should be.

    Raises:
        BadRequest: a key stands there twice.
    """
    spans: dict[str, _Span] = {}
    before = ""
    at = raw.index(b"{") + 1
    for name, value in parts.items():
        key = _key_at(raw, at)
        if key is None:  # in the middle of a number of which the kept one is the beginning
            raise _duplicate_key(before)
        found = orjson.loads(b'"' + key[1] + b'"')
        if found != name or not raw.startswith(bytes(value), key.end()):
            raise _duplicate_key(found)
        spans[name] = _Span(key.start(1) - 1, key.end(), key.end() + len(value))
        comma = _comma_at(raw, spans[name].end)
        at = spans[name].end if comma is None else comma.end()
        before = name
    if raw[at:].strip(b" \t\r\n") != b"}":
        key = _key_at(raw, at)
        raise _duplicate_key(before if key is None else orjson.loads(b'"' + key[1] + b'"'))
    return spans


def _refuse_doubles(raw: bytes) -> None:
    """Read the body once more, with an eye on every key.

    Raises:
        BadRequest: an object at any depth has a key twice.
    """
    json.loads(raw.decode(), object_pairs_hook=_refuse_twins)


def _refuse_twins(pairs: list[tuple[str, object]]) -> None:
    if len(dict(pairs)) == len(pairs):
        return
    seen: set[str] = set()
    for name, _ in pairs:
        if name in seen:
            raise _duplicate_key(name, "in one object")
        seen.add(name)


def _duplicate_key(name: str, where: str = "at its top level") -> BadRequest:
    is_short = len(name) <= _LONGEST_SHOWN
    field = f"the field {name!r}" if is_short else f"a field of {len(name)} characters"
    return BadRequest(
        f"the body has {field} twice {where}; expected each field once",
        code="request.duplicate_key",
        param=name if is_short else None,
    )


def _refuse_crowd(raw: bytes) -> None:
    """Count what would become an object of its own; text inside strings does not count.

    A byte is cheap in a text and dear in an empty list, where three of them cost a hundred in memory.

    Raises:
        BadRequest: there are more items than allowed.
    """
    if _items(raw) <= MAX_ITEMS:
        return
    # No context window holds a text of a million quotes; to look between them would only cost time.
    if raw.count(b'"') <= _MAX_QUOTES:
        outside = raw.replace(rb"\\", b"").replace(rb"\"", b"").split(b'"')[::2]
        if _items(b"".join(outside)) <= MAX_ITEMS:
            return
    raise BadRequest(f"the body has more than {MAX_ITEMS} items; expected fewer, larger ones", code="request.items")


def _items(raw: bytes) -> int:
    return raw.count(b",") + raw.count(b"[") + raw.count(b"{")


def _refuse_depth(fields: dict[str, Any]) -> None:
    """Walk level by level, containers only.

    Raises:
        BadRequest: there is a level below the deepest one allowed.
    """
    level: list[Any] = [fields]
    for _ in range(MAX_DEPTH):
        below: list[Any] = []
        for container in level:
            values = container.values() if type(container) is dict else container
            below += [value for value in values if type(value) is dict or type(value) is list]
        if not below:
            return
        level = below
    raise BadRequest(f"the body is nested deeper than {MAX_DEPTH} levels", code="request.depth")

"""A JSON object that keeps its bytes: what nobody changes leaves exactly as it came."""

import json
import re
from typing import Any, Final, NamedTuple

import msgspec
import orjson

from seawall.core.error import BadRequest

MAX_DEPTH: Final = 64
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

    `fields` is what was read; duplicate top-level keys are refused, so that no two readers can differ. Values that are
    not edited keep their bytes, number forms, escapes and key order included, which is what provider-side prompt
    caches and signatures depend on.
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
            BadRequest: it is no JSON object, not UTF-8, nested deeper than 64 levels, or has a top-level key twice.
        """
        try:
            fields = orjson.loads(raw)
        except orjson.JSONDecodeError as error:
            raise BadRequest(f"the body is not valid JSON: {error}", code="request.json") from None
        if type(fields) is not dict:
            found = {list: "array", str: "string", bool: "boolean", type(None): "null"}.get(type(fields), "number")
            raise BadRequest(f"the body is a JSON {found}; expected an object", code="request.json")
        if raw.count(b"{") + raw.count(b"[") > MAX_DEPTH:
            _refuse_depth(fields)
        parts = _raw_fields(raw)
        return cls(raw, fields, None if _is_compact(raw, parts) else _walked_spans(raw, parts))

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

    Raises:
        BadRequest: a key stands there twice: the walk meets another key than the parser kept in that place.
    """
    spans: dict[str, _Span] = {}
    at = raw.index(b"{") + 1
    for name, value in parts.items():
        key = _key_at(raw, at)
        if key is None or orjson.loads(b'"' + key[1] + b'"') != name or not raw.startswith(bytes(value), key.end()):
            raise _duplicate_key(raw)
        spans[name] = _Span(key.start(1) - 1, key.end(), key.end() + len(value))
        comma = _comma_at(raw, spans[name].end)
        at = spans[name].end if comma is None else comma.end()
    if raw[at:].strip(b" \t\r\n") != b"}":
        raise _duplicate_key(raw)
    return spans


def _duplicate_key(raw: bytes) -> BadRequest:
    """Name the first top-level key that is there twice; only an error pays for this second parse."""
    names: list[str] = []

    def keep(pairs: list[tuple[str, Any]]) -> None:
        names[:] = [name for name, _ in pairs]  # called for the outermost object last

    json.loads(raw, object_pairs_hook=keep)
    twice = next((name for i, name in enumerate(names) if name in names[:i]), "")[:64]
    return BadRequest(
        f"the body has the field {twice!r} twice at its top level; expected each field once",
        code="request.duplicate_key",
        param=twice,
    )


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

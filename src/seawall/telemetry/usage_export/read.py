"""The forms in which usage is exported: CSV, JSON lines, a JSON array, and pages of a usage endpoint; pure."""

import csv
import io
import json
from collections.abc import Iterator, Mapping
from typing import Final, TypeAlias

from seawall.telemetry.usage_export.line import ExportLine, read_line

MAX_BYTES: Final = 200 * 1024 * 1024
_DEPTH: Final = 8
_Fields: TypeAlias = Mapping[str, str]
_LISTS: Final = ("data", "results", "result", "requests", "items", "rows", "lines")


def read_export(data: bytes) -> tuple[ExportLine, ...]:
    """Read an export, whichever of the forms it has.

    Raises:
        ValueError: it has none of them, or is longer than `MAX_BYTES`; the message says where.
    """
    if len(data) > MAX_BYTES:
        raise ValueError(f"it has {len(data)} bytes, expected at most {MAX_BYTES}: export a shorter period")
    try:
        text = data.decode("utf-8-sig")
    except UnicodeDecodeError as error:
        raise ValueError(f"it is not UTF-8 (byte {error.start})") from None
    if not text.strip():
        raise ValueError("it is empty")
    read = _json if text.lstrip()[0] in "[{" else _csv
    return tuple(read_line(number, fields) for number, fields in read(text))


def _json(text: str) -> Iterator[tuple[int, _Fields]]:
    try:
        whole = json.loads(text, parse_float=str, parse_int=str)
    except ValueError:
        yield from _json_lines(text)
        return
    except RecursionError:
        raise ValueError("it is nested too deeply") from None
    yield from enumerate(_entries(whole, {}), 1)


def _json_lines(text: str) -> Iterator[tuple[int, _Fields]]:
    for number, line in enumerate(text.splitlines(), 1):
        if not line.strip():
            continue
        try:
            entry = json.loads(line, parse_float=str, parse_int=str)
        except (ValueError, RecursionError) as error:
            raise ValueError(f"line {number} is no JSON: {error}") from None
        for fields in _entries(entry, {}):
            yield number, fields


def _entries(value: object, around: _Fields, depth: int = 0) -> Iterator[_Fields]:
    """Give every object that stands for a line, with what the objects around it say of it (a bucket's time)."""
    if depth > _DEPTH:
        raise ValueError("it is nested too deeply")
    if isinstance(value, list):
        for item in value:
            yield from _entries(item, around, depth + 1)
    elif isinstance(value, dict):
        inner = [value[name] for name in _LISTS if isinstance(value.get(name), list)]
        own = {**around, **dict(_flat(value, ""))}
        if inner:
            yield from _entries(inner, own, depth + 1)
        else:
            yield own
    else:
        raise ValueError("expected JSON objects, one a line or in a list")  # noqa: TRY004  # of the text, no argument


def _flat(value: Mapping[str, object], before: str, depth: int = 0) -> Iterator[tuple[str, str]]:
    for name, item in value.items():
        if isinstance(item, dict) and depth < _DEPTH:
            yield from _flat(item, f"{before}{name}_", depth + 1)
        elif isinstance(item, str):
            yield before + name, item


def _csv(text: str) -> Iterator[tuple[int, _Fields]]:
    head = text.lstrip().splitlines()[0]
    delimiter = max((",", ";", "\t"), key=head.count)
    if delimiter not in head:
        raise ValueError("it is neither JSON nor CSV: its first line names no columns")
    rows = csv.reader(io.StringIO(text, newline=""), delimiter=delimiter, strict=True)
    names: list[str] = []
    try:
        for row in rows:
            if not names:
                names = row if any(row) else []
            elif any(row):
                yield rows.line_num, dict(zip(names, row, strict=False))
    except csv.Error as error:
        raise ValueError(f"line {rows.line_num}: {error}") from None

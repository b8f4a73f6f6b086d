"""Every row of the shared header cases, over a plain socket, with a provider that shows what reached it (T3)."""

import json
from pathlib import Path

import pytest

from tests.hostile.relatives import blocks
from tests.hostile.request import MARK, OPENAI_PATH, Shape, good_body
from tests.hostile.stage import Stage
from tests.hostile.wire import Case

pytestmark = [pytest.mark.e2e, pytest.mark.xdist_group("hostile")]

FILE = "security/header_cases.jsonl"
UNWANTED = ("X-Admin", "X-User-Id", "X-Gateway-User", "X_Gateway_User", "Set-Cookie", "OR 1=1", "utf-7", "AAAAAAAA")


def test_no_row_injects_a_field_or_a_request(stage: Stage, shared_data: Path) -> None:
    rows = [json.loads(line) for line in (shared_data / FILE).read_text("utf-8").splitlines()]
    stage.upstream_complaints()
    found: list[str] = []

    for row in rows:
        block = row["raw_header_block"].encode("latin-1") + b"\r\n"
        for shape in _places(block, stage.key):
            case = Case(f"{row['id']} {row['case']}", (shape.request(good_body()),), may_be_silent=True).then_leave()
            heard, complaints = stage.attack(case)
            found += complaints
            if heard is not None and not any(answer.status in {200, 400, 401, 413} for answer in heard.answers):
                found.append(f"{case.name}: {[answer.status for answer in heard.answers]}")
        found += [complaint.lower() for complaint in stage.upstream_complaints(*UNWANTED)]

    assert len(rows) >= 23
    assert found == []
    assert stage.log_complaints() == []


def test_no_relative_of_a_row_injects_a_field_or_a_request(stage: Stage) -> None:
    stage.upstream_complaints()
    cases = [
        Case(f"{block[:80]!r} in place {i}", (shape.request(good_body()),), may_be_silent=True).then_leave()
        for block in blocks()
        for i, shape in enumerate(_places(block + b"\r\n", stage.key))
    ]

    assert stage.attack_all(cases) == []
    assert stage.log_complaints() == []


def _places(block: bytes, key: str) -> list[Shape]:
    """Put a block before the lengths, behind them, in place of them, and beside a request without a key."""
    return [
        Shape(key, extra=block),
        Shape(key, extra=b"Content-Length: %d\r\n" % len(good_body()) + block, length=None),
        Shape(key, extra=block, length=None),
        Shape("", extra=block),
        Shape(key, target=OPENAI_PATH.encode(), host=b"Host: gateway.test\r\n" + block),
    ]


def test_the_provider_would_show_an_injected_field(stage: Stage) -> None:
    stage.upstream_complaints()
    body = good_body().replace(b"Hello", MARK.encode())

    stage.attack(Case("a good call with the mark in its text", (Shape(stage.key).request(body),)))

    assert len(stage.upstream_complaints()) == 1

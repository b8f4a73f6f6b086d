"""The door: whatever is presented as a key, the answer says nothing but no (T13)."""

import re
import sys
import time
from collections.abc import Callable
from itertools import product
from pathlib import Path
from types import FrameType
from typing import Any, Final

import pytest

from seawall.core.key import KeyGrant, key_text
from seawall.stores.sqlite.key_table import KeyTable
from seawall.stores.sqlite.keys import FILE_NAME
from tests.hostile.request import OPENAI_PATH, Shape, good_body
from tests.hostile.running import issue, now_s
from tests.hostile.stage import Stage
from tests.hostile.wire import Case, converse

pytestmark = [pytest.mark.e2e, pytest.mark.xdist_group("hostile")]

_OPENINGS: Final = ("'", '"', "')", "1", "sw_' ", "\\'", "%27", "x' AND ", ";")
_MIDDLES: Final = (
    " OR 1=1",
    " OR 'a'='a",
    "; DROP TABLE keys",
    "; UPDATE keys SET revoked_at_s=NULL",
    " UNION SELECT digest FROM keys",
    " AND (SELECT count(*) FROM keys)>0",
    " OR digest LIKE '%'",
    "; ATTACH DATABASE '/tmp/x' AS x",
    " OR load_extension('x')",
    "; PRAGMA writable_schema=1",
    "||(SELECT hint FROM keys)||'",
    " OR sleep(5)",
    " OR randomblob(1000000000)",
    " OR pg_sleep(5)",
)
_ENDINGS: Final = ("", " --", " /*", ";--", "#")
SQL: Final = tuple("".join(parts) for parts in product(_OPENINGS, _MIDDLES, _ENDINGS))
_OWN_IDS: Final = re.compile(r"req_[0-9a-f]{32}")


def _refusal(stage: Stage, fields: bytes, path: str = "/ai/chat/v1/messages") -> tuple[int, str, str]:
    """Present something, and give the answer without its request id."""
    shape = Shape("", target=path.encode(), extra=fields)
    answer = converse(stage.gateway.port, Case("key", (shape.request(good_body()),))).answers[0]
    return answer.status, _OWN_IDS.sub("", str(answer.fields)), _OWN_IDS.sub("", answer.body.decode())


def _presented(key: str) -> list[bytes]:
    return [f"x-api-key: {key}\r\n".encode("latin-1"), f"Authorization: Bearer {key}\r\n".encode("latin-1")]


def test_sql_in_the_place_of_a_key_is_a_wrong_key_and_nothing_else(stage: Stage) -> None:
    stage.upstream_complaints()
    plain = _refusal(stage, b"")

    refusals = {_refusal(stage, _presented(text)[1]) for text in SQL}

    assert len(SQL) >= 500
    assert refusals == {plain}
    assert plain[0] == 401
    assert stage.provider.seen() == []
    assert stage.call().answers[0].status == 200
    assert stage.log_complaints() == []


def test_no_key_that_does_not_count_is_told_from_another(stage: Stage) -> None:
    gateway = stage.gateway
    revoked, expired = gateway.issue(), gateway.issue(KeyGrant(expires_at_s=now_s() - 1))
    gateway.revoke(revoked)
    keys = {
        "unknown": key_text(bytes(32)),
        "revoked": revoked,
        "expired": expired,
        "revoked, and not for this route": revoked,
        "wrong checksum": stage.key[:-1] + ("A" if stage.key[-1] != "A" else "B"),
        "cut short": stage.key[:-1],
        "longer": stage.key + "A",
        "in capitals": stage.key.upper(),
        "of another house": "sk-ant-api03-" + "A" * 95,
        "a star": "*",
        "very long": "A" * 20_000,
        "not ASCII": "ß" * 52,
        "the key's digest": "0" * 64,
    }

    for path in ("/ai/chat/v1/messages", OPENAI_PATH, "/v1/messages", "/nowhere", "/ai/unknown/v1/messages"):
        plain = _refusal(stage, b"", path)
        told = {name: _refusal(stage, field, path) for name, key in keys.items() for field in _presented(key)}

        assert plain[0] == 401
        assert {name: answer for name, answer in told.items() if answer != plain} == {}


def test_a_key_counts_only_in_its_place(stage: Stage) -> None:
    key = stage.key
    elsewhere = [
        f"Authorization: {key}\r\n",
        f"Authorization: Basic {key}\r\n",
        f"Authorization: Bearer\r\nX-Key: {key}\r\n",
        f"api-key: {key}\r\n",
        f"x_api_key: {key}\r\n",
        f"Cookie: x-api-key={key}\r\n",
        f"Proxy-Authorization: Bearer {key}\r\n",
        f"Sec-WebSocket-Protocol: {key}\r\n",
    ]
    answers = [_refusal(stage, field.encode()) for field in elsewhere]
    answers += [
        _refusal(stage, b"", f"/ai/chat/v1/messages?{name}={key}") for name in ("key", "api_key", "x-api-key", "beta")
    ]

    assert [status for status, _, _ in answers] == [401] * len(answers)


def test_every_key_takes_the_same_steps(tmp_path: Path) -> None:
    issued = issue(tmp_path, KeyGrant())
    good = issued.key.reveal().encode()
    near = good[:-1] + (b"A" if good[-1:] != b"A" else b"B")
    with KeyTable(tmp_path / FILE_NAME) as table:
        steps = [_steps(table.find, key) for key in (good, near, key_text(bytes(32)).encode())]

        assert table.find(good) is not None
        assert table.find(near) is None
    assert len(steps[0]) > 3
    assert steps[1:] == steps[:1] * 2


def _steps(find: Callable[[bytes], object], presented: bytes) -> list[tuple[str, int]]:
    """Give the lines that a look-up runs through; the time that they take is what an attacker could measure."""
    lines: list[tuple[str, int]] = []

    def trace(frame: FrameType, event: str, arg: Any) -> Any:  # what sys.settrace passes and wants
        del arg
        if event == "line":
            lines.append((frame.f_code.co_name, frame.f_lineno))
        return trace

    before = sys.gettrace()
    sys.settrace(trace)
    try:
        find(presented)
    finally:
        sys.settrace(before)
    return [line for line in lines if line[0] != "_steps"]


def test_a_revoked_key_stops_counting_within_a_second(stage: Stage) -> None:
    key = stage.gateway.issue()
    began_s = time.monotonic()

    stage.gateway.revoke(key)

    assert time.monotonic() - began_s < 1.0

"""What clients chose ends in the journal and on terminals as one line of harmless text (T15)."""

import json
import time
from typing import Any, Final

import pytest
from click.testing import CliRunner

from seawall.cli.main import main
from tests.hostile.request import ANTHROPIC_PATH, Shape, good_fields, spoken
from tests.hostile.stage import Stage
from tests.hostile.wire import Case, converse

pytestmark = [pytest.mark.e2e, pytest.mark.xdist_group("hostile")]

WRITTEN_S: Final = 10.0
_ODD: Final = (
    "\r\n", "\n", "\r", "\x00", "\x07", "\x08", "\x0b", "\x0c", "\x1b[31m", "\x1b]0;title\x07", "\x1b[2J",
    "\x1b[1A\x1b[2K", "\x1bP", "\x7f", "\x80", "\x85", "\x9b31m", "\u2028", "\u2029", "\u200b", "\u202e", "\u2066",
    "\ufeff", "\ufffe",
    "\U000e0041", "\ud7ff", "\ue000", '"', "\\", "'", "</script>", "%0a", "%s%n", "{0}", "${jndi:x}", "=1+1",
    "@SUM(1)",
    "\t", "a" * 200, "é" * 120, "日本", "\U0001f4a9", ",", ";", "--", "../../x",
)  # fmt: skip  # one list, not a column
STRINGS: Final = tuple(
    f"{before}{odd}{after}" for odd in _ODD for before, after in (("", ""), ("a", "b"), ("claude-", ""))
)
_FORGED: Final = '{"level":"info","event":"forged"}'


def _records(stage: Stage, ids: set[str]) -> list[dict[str, Any]]:
    """Give the journal's records of these requests, once it has them all."""
    until = time.monotonic() + WRITTEN_S
    while time.monotonic() < until:
        lines = [
            line for file in (stage.gateway.state_dir / "journal").glob("*.jsonl") for line in _lines(file.read_bytes())
        ]
        found = [record for record in map(json.loads, lines) if record["id"] in ids]
        if len(found) == len(ids):
            return found
    raise AssertionError("the journal does not have every request")


def _lines(data: bytes) -> list[bytes]:
    """Cut at line feeds and at nothing else, which a splitting by str would do; the last line may be half written."""
    return data.split(b"\n")[:-1]


def _is_harmless(text: str) -> bool:
    return all(letter.isprintable() for letter in text)


def test_no_text_of_a_client_makes_a_second_line_or_moves_a_cursor(stage: Stage) -> None:
    ids: set[str] = set()
    for text in (*STRINGS, f"a\n{_FORGED}\n"):
        for place in ("model", "user", "safety_identifier", "metadata"):
            value = {"user_id": text} if place == "metadata" else text
            request = Shape(stage.key).request(spoken({**good_fields(ANTHROPIC_PATH), place: value}))
            ids.add(converse(stage.gateway.port, Case(text, (request,))).answers[0].fields["x-seawall-request-id"])

    records = _records(stage, ids)
    listed = CliRunner().invoke(main, ["calls", "--limit", "1000000", "--state-dir", str(stage.gateway.state_dir)])
    odd = next(record["id"] for record in records if "forged" in record.get("model_asked", ""))
    shown = CliRunner().invoke(main, ["calls", "show", odd, "--state-dir", str(stage.gateway.state_dir)])

    assert len(ids) > 500
    assert [record for record in records if not _is_harmless("".join(str(value) for value in record.values()))] == []
    for result in (listed, shown):
        assert result.exit_code == 0, result.output
        assert [line for line in result.output.split("\n") if not _is_harmless(line)] == []
    assert len(listed.output.split("\n")) >= len(ids)
    assert not any(line.startswith(_FORGED) for line in listed.output.split("\n"))
    assert stage.log_complaints() == []

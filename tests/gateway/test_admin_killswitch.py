import asyncio
import json
from collections.abc import AsyncIterator
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import httpx2
import pytest
from starlette.applications import Starlette
from starlette.requests import Request
from starlette.responses import JSONResponse, Response

from seawall.core.switch import EVERYTHING, Level, Switch
from seawall.gateway.admin_killswitch import MAX_BODY, PATH, SOMEBODY, KillSwitchDesk
from seawall.stores.files.switch_record import FILE_NAME as RECORD
from seawall.stores.files.switches import FILE_NAME, SwitchFile
from seawall.testing.clock import FakeClock


@dataclass
class Port:
    """The desk over HTTP, inside this process."""

    http: httpx2.AsyncClient
    desk: KillSwitchDesk
    switches: SwitchFile
    clock: FakeClock

    async def ask(self, method: str, said: Any = None, presented: str = "good") -> tuple[int, Any]:
        content = said if isinstance(said, bytes) else json.dumps(said) if said is not None else None
        answer = await self.http.request(method, PATH, content=content, headers={"authorization": presented})
        return answer.status_code, answer.json()


@pytest.fixture
async def port(tmp_path: Path) -> AsyncIterator[Port]:
    clock = FakeClock()
    switches = SwitchFile(tmp_path, clock.wall_s)

    def deny(request: Request) -> Response | None:
        return None if request.headers["authorization"] == "good" else JSONResponse({}, 401)

    desk = KillSwitchDesk(switches, clock.wall_s, deny, {"cache-control": "no-store"})
    transport = httpx2.ASGITransport(Starlette(routes=[desk.route()]))
    async with httpx2.AsyncClient(transport=transport, base_url="http://localhost") as http:
        yield Port(http, desk, switches, clock)


async def test_a_switch_is_thrown_listed_and_revived(port: Port, tmp_path: Path) -> None:
    thrown = await port.ask("POST", {"level": "team:a", "why": "too dear", "for": "30m", "by": "ada"})
    heard = port.switches.in_force()
    listed = await port.ask("GET")
    revived = await port.ask("DELETE", {"level": "team:a", "why": "cheaper"})

    switch = {
        "level": "team:a",
        "until": "2026-11-21T00:30:00Z",
        "by": "ada",
        "at": "2026-11-21T00:00:00Z",
        "why": "too dear",
        "trouble": None,
    }
    assert thrown == (201, switch)
    assert [each.level for each in heard] == [Level("team", "a")]
    assert listed == (200, {"switches": [switch]})
    assert revived == (200, {"revived": [switch]})
    assert await port.ask("GET") == (200, {"switches": []})
    records = [json.loads(line) for line in (tmp_path / RECORD).read_text().splitlines()]
    assert [(each["did"], each["by"], each["through"]) for each in records] == [
        ("throw", "ada", "http"),
        ("revive", SOMEBODY, "http"),
    ]


@pytest.mark.parametrize("method", ["GET", "POST", "DELETE"])
async def test_whoever_has_no_token_changes_nothing(port: Port, tmp_path: Path, method: str) -> None:
    status, _ = await port.ask(method, {"level": "all", "why": "x"}, presented="bad")

    assert status == 401
    assert not (tmp_path / FILE_NAME).exists()


@pytest.mark.parametrize(
    ("method", "said", "expected"),
    [
        ("POST", {"level": "teem:a", "why": "x"}, "did you mean team:a?"),
        ("POST", {"level": "all"}, "why"),
        ("POST", {"level": "all", "why": " "}, "why"),
        ("POST", {"level": "all", "why": "x", "for": "long"}, "names no length"),
        ("POST", {"level": "all", "why": "x", "for": "0s"}, "no time at all"),
        ("POST", {"level": "all", "why": "x", "until": "y"}, "until"),
        ("POST", b"{", "JSON"),
        ("POST", b" " * (MAX_BODY + 1), "longer than"),
        ("DELETE", {"level": "nothing"}, "is no level"),
        ("DELETE", [], "object"),
    ],
)
async def test_a_wrong_request_says_what_is_right(port: Port, method: str, said: Any, expected: str) -> None:
    status, answer = await port.ask(method, said)

    assert status == 400
    assert expected in answer["error"] or expected == "JSON"
    assert port.desk.switches() == []


async def test_what_is_not_off_is_not_found(port: Port) -> None:
    status, answer = await port.ask("DELETE", {"level": "team:a"})

    assert status == 404
    assert "nothing is" in answer["error"]


async def test_all_or_only_all_can_be_lifted(port: Port) -> None:
    port.switches.throw(Switch(EVERYTHING), "cli")
    port.switches.throw(Switch(Level("team", "a")), "cli")

    _, first = await port.ask("DELETE", {"level": "all", "only": True})
    _, second = await port.ask("DELETE", {"level": "all"})

    assert [[each["level"] for each in answer["revived"]] for answer in (first, second)] == [["all"], ["team:a"]]


async def test_a_file_that_cannot_be_changed_is_503(port: Port, tmp_path: Path) -> None:
    (tmp_path / f"{FILE_NAME}.lock").mkdir()

    status, answer = await port.ask("POST", {"level": "all", "why": "x"})

    assert status == 503
    assert "an empty file of that name" in answer["error"]


async def test_a_client_that_leaves_changes_nothing(port: Port, tmp_path: Path) -> None:
    sent: list[Any] = []

    async def receive() -> dict[str, Any]:
        await asyncio.sleep(0)
        return {"type": "http.disconnect"}

    async def send(message: Any) -> None:
        await asyncio.sleep(0)
        sent.append(message)

    scope = {
        "type": "http",
        "method": "POST",
        "path": PATH,
        "headers": [(b"authorization", b"good")],
        "query_string": b"",
    }
    await Starlette(routes=[port.desk.route()])(scope, receive, send)

    assert sent[0]["status"] == 400
    assert not (tmp_path / FILE_NAME).exists()


async def test_the_banner_says_what_is_off_and_runs_nothing(port: Port, tmp_path: Path) -> None:
    before = port.desk.banner()
    port.switches.throw(
        Switch(Level("team", "<b>"), port.clock.wall_s() + 60, "ada", port.clock.wall_s(), "<script>"), "cli"
    )
    during = port.desk.banner()
    (tmp_path / FILE_NAME).write_text("")

    assert before == ""
    assert 'role="alert"' in during
    assert (
        "team:&lt;b&gt;</code> since 2026-11-21T00:00:00Z until 2026-11-21T00:01:00Z by ada: &lt;script&gt;" in during
    )
    assert "the file is empty" in port.desk.banner()

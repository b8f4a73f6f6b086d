import asyncio
import json
import stat
from collections.abc import AsyncIterator
from html.parser import HTMLParser
from pathlib import Path
from typing import Final

import httpx2
import pytest

from seawall.assembly.live import Live
from seawall.gateway.admin import TOKEN_FILE, AdminPort, admin_token
from seawall.gateway.options import ServeOptions
from seawall.gateway.supervisor import listen
from seawall.telemetry.journal.writer import Writer
from seawall.telemetry.scrub import Scrubber
from seawall.testing.clock import FakeClock
from tests.assembly.conftest import Home, plan, policy
from tests.scene import target

HOSTILE: Final = "<script>alert(1)</script>&"
VOID: Final = frozenset({"meta", "link", "br", "img", "input", "hr"})


class Page(HTMLParser):
    """Reads a page strictly: every element is closed, in order."""

    def __init__(self) -> None:
        super().__init__()
        self.open: list[str] = []
        self.seen: list[str] = []
        self.text = ""

    def handle_starttag(self, tag: str, attrs: list[tuple[str, str | None]]) -> None:
        self.seen.append(tag)
        assert not [name for name, _ in attrs if name.startswith("on")], "no handlers"
        if tag not in VOID:
            self.open.append(tag)

    def handle_endtag(self, tag: str) -> None:
        assert self.open.pop() == tag

    def handle_data(self, data: str) -> None:
        self.text += data


@pytest.fixture
async def http(tmp_path: Path) -> AsyncIterator[httpx2.AsyncClient]:
    """Serve the admin port; give a client of it."""
    live = Live(lambda: policy(plan("/ai/chat", target(model=HOSTILE)), plan("/ai/open"), version="v7"), Home().entry)
    listening = listen("127.0.0.1", 0)
    address = listening.getsockname()
    with Writer(tmp_path / "journal", Scrubber(), FakeClock()) as writer:
        options = ServeOptions(policy=None, state_dir=tmp_path, port=8080, admin_port=address[1])
        house = Home().house
        house.breakers.isolate(HOSTILE, 1.0)
        serving = asyncio.ensure_future(AdminPort(options, live, writer, house).serve(listening))
        async with httpx2.AsyncClient(base_url=f"http://127.0.0.1:{address[1]}") as client:
            yield client
        serving.cancel()
        await asyncio.gather(serving, return_exceptions=True)


async def test_page_is_whole_and_harmless(http: httpx2.AsyncClient) -> None:
    answer = await http.get("/")
    page = Page()
    page.feed(answer.text.removeprefix("<!doctype html>"))
    page.close()

    assert answer.status_code == 200
    assert answer.text.startswith("<!doctype html>")
    assert page.open == []
    assert not {"script", "iframe", "form", "object", "img"} & set(page.seen)
    assert {"html", "head", "title", "body", "h1", "table"} <= set(page.seen)
    assert HOSTILE in page.text, "shown, and not run"
    assert "/ai/chat" in page.text
    assert "the client's own model" in page.text
    assert "Targets, as this worker sees them" in page.text


@pytest.mark.parametrize("path", ["/", "/admin/status"])
async def test_headers_leave_a_browser_nothing_to_do(http: httpx2.AsyncClient, path: str) -> None:
    headers = (await http.get(path)).headers

    assert headers["content-security-policy"].startswith("default-src 'none'")
    assert headers["x-content-type-options"] == "nosniff"
    assert headers["referrer-policy"] == "no-referrer"
    assert headers["cache-control"] == "no-store"
    assert "server" not in headers


async def test_page_holds_no_secret(http: httpx2.AsyncClient, tmp_path: Path) -> None:
    token = (tmp_path / TOKEN_FILE).read_text()

    assert token not in (await http.get("/")).text


@pytest.mark.parametrize("presented", ["", "Bearer", "Bearer nonsense", "Bearer é", "Basic {token}", "{token}"])
async def test_state_wants_the_token(http: httpx2.AsyncClient, tmp_path: Path, presented: str) -> None:
    token = (tmp_path / TOKEN_FILE).read_text()
    headers = [(b"authorization", presented.format(token=token).encode("latin-1"))]

    answer = await http.get("/admin/status", headers=headers)
    without = await http.get("/admin/status")

    assert (answer.status_code, without.status_code) == (401, 401)
    assert token not in answer.text


async def test_state_tells_what_is_in_force(http: httpx2.AsyncClient, tmp_path: Path) -> None:
    token = (tmp_path / TOKEN_FILE).read_text()

    answer = await http.get("/admin/status", headers={"authorization": f"bearer {token}"})

    assert answer.status_code == 200
    status = json.loads(answer.text)
    assert status["policy"] == {"source": "policy.yaml", "version": "v7", "routes": ["/ai/chat", "/ai/open"]}
    assert status["journal"] == {"queued": 0, "dropped": 0, "unfit": 0}
    assert [(target["target"], target["state"]) for target in status["targets"]] == [(HOSTILE, "isolated")]
    assert status["load"] == {"in_flight": 0, "lag_s": 0.0}


async def test_health_is_open(http: httpx2.AsyncClient) -> None:
    assert (await http.get("/healthz")).json() == {"status": "ok"}


@pytest.mark.parametrize("host", ["rebound.example", "rebound.example:8081", ""])
async def test_page_of_somebody_else_whose_name_leads_here_gets_nothing(http: httpx2.AsyncClient, host: str) -> None:
    answer = await http.get("/", headers={"host": host})

    assert answer.status_code == 400
    assert "/ai/chat" not in answer.text


async def test_tunnel_to_this_machine_is_let_in(http: httpx2.AsyncClient) -> None:
    assert (await http.get("/", headers={"host": "localhost:9000"})).status_code == 200


async def test_unknown_path_is_a_404(http: httpx2.AsyncClient) -> None:
    assert (await http.get("/etc/passwd")).status_code == 404
    assert (await http.post("/admin/status")).status_code == 405


def test_token_is_made_once_and_for_its_owner_alone(tmp_path: Path) -> None:
    token = admin_token(tmp_path)

    assert admin_token(tmp_path) == token
    assert len(token) > 40
    assert stat.S_IMODE((tmp_path / TOKEN_FILE).stat().st_mode) == 0o600
    assert [path.name for path in tmp_path.iterdir()] == [TOKEN_FILE]


@pytest.mark.parametrize("left", ["", "\n", "short"])
def test_token_file_that_a_full_disk_left_lets_nobody_in(tmp_path: Path, left: str) -> None:
    (tmp_path / TOKEN_FILE).write_text(left)

    assert len(admin_token(tmp_path)) > 40


def test_state_directory_that_cannot_be_written_is_an_error(tmp_path: Path) -> None:
    with pytest.raises(OSError, match="nowhere"):
        admin_token(tmp_path / "nowhere")


async def test_what_is_off_is_on_the_page_and_in_the_state(http: httpx2.AsyncClient, tmp_path: Path) -> None:
    headers = {"authorization": f"bearer {(tmp_path / TOKEN_FILE).read_text()}"}
    denied = await http.post("/admin/killswitch", json={"level": "all", "why": "too dear"})
    before = await http.get("/")
    thrown = await http.post("/admin/killswitch", json={"level": "all", "why": "too dear"}, headers=headers)

    status = (await http.get("/admin/status", headers=headers)).json()
    page = Page()
    page.feed((await http.get("/")).text.removeprefix("<!doctype html>"))

    assert (denied.status_code, thrown.status_code) == (401, 201)
    assert "Switched off" not in before.text
    assert [switch["level"] for switch in status["switches"]] == ["all"]
    assert "Switched off by an operator" in page.text
    assert page.open == []

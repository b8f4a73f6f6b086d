from collections.abc import Iterator
from pathlib import Path

import pytest
from starlette.testclient import TestClient

from seawall.assembly.build import House
from seawall.assembly.clock import SystemClock
from seawall.assembly.entry import Entry
from seawall.assembly.live import Live
from seawall.core.principal import ANONYMOUS
from seawall.gateway.admin import TOKEN_FILE, AdminPort, admin_token
from seawall.gateway.options import ServeOptions
from seawall.guards.journal import JournalGuard, JournalSettings
from seawall.pipeline.dispatch import Outlet
from seawall.policy.quickstart import quickstart_policy
from seawall.telemetry.journal.writer import Writer
from seawall.telemetry.scrub import Scrubber
from seawall.testing.scripted_upstream import ScriptedUpstream


@pytest.fixture
def client(tmp_path: Path) -> Iterator[TestClient]:
    options = ServeOptions(policy=None, state_dir=tmp_path, sandbox_url="http://127.0.0.1:9", insecure_dev=True)
    policy = quickstart_policy({"ANTHROPIC_API_KEY": "canary-provider-key"}, options.sandbox_url)
    with Writer(tmp_path / "journal", Scrubber(), SystemClock()) as writer:
        journal = JournalGuard(writer, JournalSettings(str, str))
        house = House(journal, Outlet(ScriptedUpstream(), lambda *_: b"", list))
        live = Live(lambda: policy, lambda policy: Entry(policy, house, None, ANONYMOUS), policy)
        yield TestClient(AdminPort(options, live, writer)._app)


def test_the_page_shows_routes_and_a_snippet_and_no_credential(client: TestClient, tmp_path: Path) -> None:
    answer = client.get("/")

    assert answer.status_code == 200
    assert "/ai/chat" in answer.text
    assert "curl http://127.0.0.1:8080/ai/chat/v1/messages" in answer.text
    assert "canary-provider-key" not in answer.text
    assert admin_token(tmp_path) not in answer.text


def test_the_page_runs_no_script_and_is_not_stored(client: TestClient) -> None:
    headers = client.get("/").headers

    assert headers["content-security-policy"].startswith("default-src 'none'")
    assert headers["cache-control"] == "no-store"


def test_the_state_wants_the_token(client: TestClient, tmp_path: Path) -> None:
    wrong = ["", "Bearer", "Bearer wrong", f"Basic {admin_token(tmp_path)}"]

    answers = [client.get("/admin/status", headers={"authorization": value}).status_code for value in wrong]

    assert answers == [401, 401, 401, 401]


def test_the_state_tells_what_is_in_force_and_no_credential(client: TestClient, tmp_path: Path) -> None:
    answer = client.get("/admin/status", headers={"authorization": f"Bearer {admin_token(tmp_path)}"})

    assert answer.json()["policy"]["routes"] == ["/ai/chat"]
    assert answer.json()["journal"] == {"queued": 0, "dropped": 0, "unfit": 0}
    assert "canary-provider-key" not in answer.text


def test_the_token_is_made_once_and_only_its_owner_reads_it(tmp_path: Path) -> None:
    token = admin_token(tmp_path)

    assert admin_token(tmp_path) == token
    assert (tmp_path / TOKEN_FILE).stat().st_mode & 0o777 == 0o600
    assert len(token) >= 32


def test_an_empty_token_file_lets_nobody_in(tmp_path: Path) -> None:
    (tmp_path / TOKEN_FILE).write_text("")

    assert len(admin_token(tmp_path)) >= 32

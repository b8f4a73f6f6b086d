"""What somebody meets who has never seen it before, in the order in which they meet it."""

import json
import socket
import sys
from collections.abc import Callable
from pathlib import Path
from typing import Any, Final

import pytest

from seawall.core.money import usd_text
from seawall.sandbox import Sandbox
from tests.architecture.layout import ROOT
from tests.architecture.snippet import Snippet, snippets
from tests.e2e.process.conftest import policy
from tests.e2e.process.running import PROVIDER_KEY, Gateway, run, seawall
from tests.e2e.process.wire import MESSAGES, call

README: Final = "http://127.0.0.1:8080"
ROW_C1: Final = """\
routes: {/ai/automation: {model: claude-3-sonnet-20240229, temperature: 0.2, max_tokens: 600, enforce_json: true, \
retries: 1, timeout_ms: 20000, budget_per_day_usd: 20}, \
/ai/chat: {model: claude-3-haiku-20240307, temperature: 0.6, max_tokens: 300, streaming: true}}
"""
NO_KEY: Final = "routes: {/ai/chat: {model: claude-haiku-5-5}}\n"
GATEWAY_BLOCKS: Final = [snippet for snippet in snippets() if "gateway" in snippet.words]


def _printed(gateway: Gateway) -> tuple[str, str]:
    """Give the request and the program that the start prints, as they would be pasted."""
    request, _, program = gateway.output.partition("Try it:\n\n")[2].partition("# Python, with the official SDK\n")
    return request, program


def test_the_request_and_the_program_that_the_start_prints_run_as_they_are(
    start: Callable[..., Gateway], tmp_path: Path
) -> None:
    request, program = _printed(start("--insecure-dev"))

    asked = run(["bash", "-c", request], tmp_path)
    ran = run([sys.executable, "-c", program], tmp_path)

    assert json.loads(asked.stdout)["content"]
    assert (ran.returncode, ran.stderr) == (0, "")
    assert "TextBlock" in ran.stdout


def test_what_the_start_prints_runs_with_a_key_too(start: Callable[..., Gateway], tmp_path: Path) -> None:
    gateway = start()
    request, program = _printed(gateway)
    made = seawall(tmp_path, "keys", "create", "--team", "my-team", "--json", "--state-dir", "state")
    key = {"SEAWALL_KEY": json.loads(made.stdout)["key"]}
    assert call(gateway.port, x_api_key="sw_wrong").status == 401

    # A key counts within a second of its making, and its user is quicker: as with any 401 at first, they try again.
    for _ in range(20):
        asked = run(["bash", "-c", request], tmp_path, **key)
        if "authentication_error" not in asked.stdout:
            break
    ran = run([sys.executable, "-c", program], tmp_path, **key)

    assert json.loads(asked.stdout)["content"]
    assert (ran.returncode, ran.stderr) == (0, "")


@pytest.mark.parametrize("snippet", GATEWAY_BLOCKS, ids=lambda snippet: snippet.place)
def test_every_block_that_talks_to_a_gateway_runs(
    start: Callable[..., Gateway], tmp_path: Path, snippet: Snippet
) -> None:
    assert snippet.language == "python"
    gateway = start("--insecure-dev")

    ran = run([sys.executable, "-c", snippet.text.replace(README, gateway.url)], tmp_path, SEAWALL_KEY="any")

    assert (ran.returncode, ran.stderr) == (0, "")


def test_the_request_in_the_readme_is_answered(start: Callable[..., Gateway], tmp_path: Path) -> None:
    gateway = start("--insecure-dev")
    blocks = [s.text for s in snippets() if s.page == ROOT / "README.md" and s.text.startswith("curl ")]

    answers = [run(["bash", "-c", text.replace(README, gateway.url)], tmp_path).stdout for text in blocks]

    assert len(answers) == 1
    assert json.loads(answers[0])["type"] == "message"


def test_the_smallest_policy_runs_unchanged_and_answers_on_both_routes(
    start: Callable[..., Gateway], tmp_path: Path
) -> None:
    (tmp_path / "seawall.yaml").write_text(ROW_C1, "utf-8")
    gateway = start("--insecure-dev")

    answers = [call(gateway.port, f"{route}/v1/messages") for route in ("/ai/automation", "/ai/chat")]

    assert "answers for providers without a key; nothing real is called" in gateway.output
    assert [(answer.status, answer.headers["x-seawall-model"]) for answer in answers] == [
        (200, "claude-3-sonnet-20240229"),
        (200, "claude-3-haiku-20240307"),
    ]
    assert all(float(answer.headers["x-seawall-cost-usd"]) > 0 for answer in answers)


@pytest.mark.parametrize("path", [MESSAGES, "/ai/gpt/v1/chat/completions"])
def test_a_wrong_key_is_told_what_a_key_is(
    sandbox: Sandbox, start: Callable[..., Gateway], tmp_path: Path, path: str
) -> None:
    (tmp_path / "policy.yaml").write_text(policy(sandbox), "utf-8")
    gateway = start("--policy", "policy.yaml", **PROVIDER_KEY)

    none, wrong = call(gateway.port, path), call(gateway.port, path, x_api_key="sk-ant-somebody-elses")

    assert (none.status, wrong.status) == (401, 401)
    assert wrong.headers["x-should-retry"] == "false"
    assert "sk-ant-somebody-elses" not in wrong.body.decode()
    for answer in (none, wrong):
        assert "sw_" in answer.json["error"]["message"]
        assert "x-api-key" in answer.json["error"]["message"]


def _refused(folder: Path, *options: str, **environment: str) -> tuple[int, str]:
    done = seawall(folder, "serve", "--port", "0", "--admin-port", "0", *options, **environment)
    assert "Traceback" not in done.stderr
    assert done.stdout == ""
    return done.returncode, done.stderr


def test_a_typo_in_the_policy_is_named_with_its_place(tmp_path: Path) -> None:
    (tmp_path / "policy.yaml").write_text("routes:\n  /ai/chat:\n    modle: claude-haiku-5-5\n", "utf-8")

    code, said = _refused(tmp_path, "--policy", "policy.yaml", "--insecure-dev")

    assert code == 1
    assert said.startswith("policy.yaml:3:5 routes./ai/chat.modle: ")
    assert 'did you mean "model"?' in said


def test_a_provider_key_that_is_missing_is_named(tmp_path: Path) -> None:
    (tmp_path / "policy.yaml").write_text(NO_KEY, "utf-8")

    code, said = _refused(tmp_path, "--policy", "policy.yaml")

    assert code == 1
    assert "env:ANTHROPIC_API_KEY, which is not set" in said
    assert "--insecure-dev lets the sandbox stand in" in said


def test_the_sandbox_stands_in_for_a_missing_key_and_says_so(start: Callable[..., Gateway], tmp_path: Path) -> None:
    (tmp_path / "policy.yaml").write_text(NO_KEY, "utf-8")

    gateway = start("--policy", "policy.yaml", "--insecure-dev")

    assert "answers for providers without a key; nothing real is called" in gateway.output
    assert call(gateway.port).headers["x-seawall-provider"] == "sandbox"


def test_a_port_that_is_taken_is_named(tmp_path: Path) -> None:
    with socket.create_server(("127.0.0.1", 0)) as taken:
        port = taken.getsockname()[1]

        done = seawall(tmp_path, "serve", "--insecure-dev", "--port", str(port), "--admin-port", "0")

    assert done.returncode == 2
    assert f"--port: cannot listen on 127.0.0.1:{port}: Address already in use" in done.stderr


def test_a_gateway_without_keys_is_for_this_machine_only(tmp_path: Path) -> None:
    code, said = _refused(tmp_path, "--insecure-dev", "--host", "0.0.0.0")  # noqa: S104  # it is refused

    assert code == 2
    assert "needs --host on loopback, not 0.0.0.0" in said


def _lines(folder: Path, *words: str) -> list[dict[str, Any]]:
    done = seawall(folder, *words, "--json", "--state-dir", "state")
    assert (done.returncode, done.stderr) == (0, "")
    return [json.loads(line) for line in done.stdout.splitlines()]


def test_a_call_and_its_cost_are_found_again(sandbox: Sandbox, start: Callable[..., Gateway], tmp_path: Path) -> None:
    (tmp_path / "policy.yaml").write_text(policy(sandbox), "utf-8")
    made = seawall(tmp_path, "keys", "create", "--team", "support", "--json", "--state-dir", "state")
    gateway = start("--policy", "policy.yaml", **PROVIDER_KEY)

    answer = call(
        gateway.port,
        x_api_key=json.loads(made.stdout)["key"],
        x_seawall_feature="drafts",
        x_seawall_user="ada@example.com",
    )

    (record,) = gateway.recorded(1)
    billed_nusd = sandbox.meter.total.billed_nusd
    assert billed_nusd > 0
    assert answer.headers["x-seawall-cost-usd"] == usd_text(billed_nusd)
    (listed,) = _lines(tmp_path, "calls")
    assert (listed["id"], listed["cost_nusd"], listed["team"]) == (answer.id, billed_nusd, "support")
    (shown,) = _lines(tmp_path, "calls", "show", answer.id[:20])
    assert shown == listed
    story = seawall(tmp_path, "calls", "show", answer.id, "--state-dir", "state").stdout
    assert usd_text(billed_nusd) in story
    assert "ada@example.com" not in story
    names = {
        "feature": "drafts",
        "user": record.user,
        "team": "support",
        "route": "/ai/chat",
        "model": "claude-haiku-5-5",
    }
    for dimension, name in names.items():
        (spent,) = _lines(tmp_path, "spend", "--by", dimension, "--since", "yesterday")
        assert (spent[dimension], spent["calls"], spent["cost_nusd"]) == (name, 1, billed_nusd)

from pathlib import Path
from typing import Final

import orjson
import pytest
from click.testing import CliRunner, Result

from seawall.cli.main import main

GOOD: Final = "routes:\n  /a: {model: claude-opus-4-6, max_tokens: 5}\n"
BAD: Final = "routes:\n  /a:\n    timout_ms: 3\nversion: 2\n"


@pytest.fixture
def policy(tmp_path: Path) -> Path:
    return tmp_path / "p.yaml"


def _run(*words: str, **environment: str) -> Result:
    return CliRunner().invoke(main, ["check", *words], env={"ANTHROPIC_API_KEY": None, **environment})


def test_a_good_policy_exits_0_also_with_warnings(policy: Path) -> None:
    policy.write_text(GOOD)

    result = _run(str(policy))

    assert result.exit_code == 0
    assert f"{policy}:2:3 routes./a: warning [budget.none]\n    nothing caps what this route may spend" in result.output
    assert "    -> add budget_per_day_usd: 20" in result.output
    assert result.output.endswith(f"{policy}: good, 1 route, 4 warnings\n")


def test_a_missing_secret_is_a_finding_and_no_error(policy: Path) -> None:
    policy.write_text(GOOD)

    missing, there = _run(str(policy)), _run(str(policy), ANTHROPIC_API_KEY="canary-value")

    assert "[secret.missing]" in missing.output
    assert missing.exit_code == 0
    assert "[secret.missing]" not in there.output
    assert "canary" not in there.output


def test_strict_counts_warnings_as_errors(policy: Path) -> None:
    policy.write_text(GOOD)

    assert _run(str(policy), "--strict").exit_code == 1


def test_errors_are_lines_and_exit_1(policy: Path) -> None:
    policy.write_text(BAD)

    result = _run(str(policy))

    assert result.exit_code == 1
    assert result.output.splitlines() == [
        f'{policy}:3:5 routes./a.timout_ms: found an unknown key, expected a known key; did you mean "timeout_ms"?',
        f"{policy}:4:10 version: found 2, expected 1",
        "",
        f"{policy}: 2 errors",
    ]


def test_an_unsafe_secret_is_an_error(policy: Path, tmp_path: Path) -> None:
    key = tmp_path / "key"
    key.write_text("value")
    key.chmod(0o644)
    policy.write_text(f"{GOOD}providers: {{anthropic: {{api_key: 'file:{key}'}}}}\n")

    result = _run(str(policy))

    assert result.exit_code == 1
    assert "error [secret.unsafe]" in result.output
    assert result.output.splitlines()[-1].startswith(f"{policy}: 1 error, ")


def test_a_file_that_is_not_there_exits_2(policy: Path) -> None:
    result = _run(str(policy))

    assert result.exit_code == 2
    assert "seawall init" in result.output


def test_json_says_the_same_in_one_line(policy: Path) -> None:
    policy.write_text(BAD)

    result = _run(str(policy), "--json")

    (line,) = result.output.splitlines()
    plain = orjson.loads(line)
    assert (plain["file"], plain["good"]) == (str(policy), False)
    assert plain["findings"][0] == {
        "level": "error",
        "code": "key.unknown",
        "file": str(policy),
        "line": 3,
        "column": 5,
        "path": "routes./a.timout_ms",
        "message": "found an unknown key, expected a known key",
        "mend": 'did you mean "timeout_ms"?',
    }
    assert result.exit_code == 1


def test_json_of_a_good_policy_has_its_findings_and_version(policy: Path) -> None:
    policy.write_text(GOOD)

    plain = orjson.loads(_run(str(policy), "--json").output)

    assert plain["good"] is True
    assert len(plain["version"]) == 12
    assert {finding["code"] for finding in plain["findings"]} >= {"budget.none", "secret.missing"}


def test_a_policy_without_a_finding_is_said_to_be_good(policy: Path) -> None:
    policy.write_text("routes: {/a: {timeout_ms: 5, max_tokens: 5}}\nbudgets: {all: {usd: 5}}\n")

    result = _run(str(policy))

    assert result.output.endswith("good, 1 route, 1 note\n")


def test_what_a_terminal_would_obey_is_not_printed(policy: Path) -> None:
    policy.write_bytes(b'routes: {/a: {"x\\e[31m": 1, profile: "\\e[31m"}}\n')

    assert "\x1b" not in _run(str(policy)).output


def test_a_credential_is_not_printed(policy: Path) -> None:
    secret = "sk-ant-api03-" + "aB3-" * 23
    policy.write_text(f"routes: {{/a: {{model: {secret}}}}}\nproviders: {{x: {{api_key: {secret}}}}}\n# {secret}\n")

    for words in ([], ["--json"]):
        result = _run(str(policy), *words)

        assert result.exit_code == 1
        assert secret[13:] not in result.output

from pathlib import Path
from typing import Final

import orjson
import pytest
from click.testing import CliRunner, Result

from seawall.cli.main import main

TEXT: Final = """\
routes:
  /ai/chat: {model: claude-haiku-5-5, profile: interactive, max_tokens: 800, max_input_tokens: 20000}
  /any: {}
"""


@pytest.fixture
def policy(tmp_path: Path) -> Path:
    path = tmp_path / "p.yaml"
    path.write_text(TEXT)
    return path


def _run(policy: Path, *words: str) -> Result:
    return CliRunner().invoke(main, ["explain", "--policy", str(policy), *words])


def test_a_route_is_explained_in_aligned_plain_text(policy: Path) -> None:
    result = _run(policy, "/ai/chat")

    assert result.exit_code == 0
    lines = result.output.splitlines()
    assert lines[0] == "/ai/chat  (p.yaml:2)"
    settings = [line for line in lines if "profile interactive" in line or "p.yaml:2" in line][1:]
    columns = {line.index("p.yaml" if "p.yaml" in line else "profile interactive") for line in settings}
    assert len(columns) == 1
    assert "anthropic/claude-haiku-5-5  https://api.anthropic.com/v1  key env:ANTHROPIC_API_KEY" in lines
    assert any(line.endswith("; batch has its own") for line in lines)
    assert any(line.split() == ["above", "100,000", "0.5", "2.5", "0.05", "0.625", "1"] for line in lines)
    assert any(line.startswith("worst") and "4.4" in line for line in lines)


def test_a_route_without_a_model_says_so(policy: Path) -> None:
    assert "The client's own model decides" in _run(policy, "/any").output


def test_a_price_without_modes_says_nothing_of_them(policy: Path) -> None:
    policy.write_text(
        "routes: {/a: {model: anthropic/m}}\nprices: {m: {input_usd_per_mtok: 0.025, output_usd_per_mtok: 1}}\n"
    )

    result = _run(policy, "/a")

    assert "USD per million tokens, from p.yaml:2\n" in result.output
    assert "unbounded" in result.output


def test_an_unknown_route_exits_2_with_the_nearest(policy: Path) -> None:
    result = _run(policy, "/ai/cat")

    assert result.exit_code == 2
    assert 'did you mean "/ai/chat"?' in result.output


def test_a_policy_with_errors_exits_1_with_all_of_them(policy: Path) -> None:
    policy.write_text("routes: {/a: {x: 1}}\nversion: 2\n")

    result = _run(policy, "/a")

    assert result.exit_code == 1
    assert [line.split(" ")[0] for line in result.output.splitlines()] == [f"{policy}:1:15", f"{policy}:2:10"]


def test_a_file_that_is_not_there_exits_2(tmp_path: Path) -> None:
    assert _run(tmp_path / "none", "/a").exit_code == 2


def test_json_is_one_object(policy: Path) -> None:
    plain = orjson.loads(_run(policy, "/ai/chat", "--json").output)

    assert plain["route"] == "/ai/chat"
    assert {estimate["case"] for estimate in plain["estimates"]} == {"typical", "worst"}
    assert {setting["key"] for setting in plain["settings"]} >= {"class", "timeout_ms", "model", "budget_per_day_usd"}


def test_caps_and_attestations_are_printed(policy: Path) -> None:
    policy.write_text(
        "providers: {anthropic: {console_cap: {usd_per_day: 9, attested_by: us, on: 2026-01-01,"
        " expires: 2099-01-01}}}\n"
        "routes: {/a: {model: claude-haiku-5-5}}\nbudgets: {all: {per_day_usd: 5}}\n"
    )

    lines = _run(policy, "/a").output.splitlines()

    assert [line.split() for line in lines if line.startswith("budgets.")] == [
        ["budgets.all.per_day_usd", "5", "USD", "a", "day", "(UTC),", "all", "together", "p.yaml:3"]
    ]
    assert "  limit in the provider's console: 9 USD a day, attested by us on 2026-01-01, until 2099-01-01" in lines


def test_without_caps_there_is_no_table_of_them(policy: Path) -> None:
    assert "CAP " not in _run(policy, "/any").output

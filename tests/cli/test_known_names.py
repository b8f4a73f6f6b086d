from pathlib import Path

import pytest

from seawall.cli.known_names import doubt
from seawall.core.switch import parse_level

POLICY = """
routes:
  /ai/chat: {model: claude-haiku-4-5, max_tokens: 9, fallback: [openai/gpt-4o-mini]}
"""


@pytest.fixture
def file(tmp_path: Path) -> Path:
    path = tmp_path / "seawall.yaml"
    path.write_text(POLICY)
    return path


@pytest.mark.parametrize(
    ("level", "said"),
    [
        ("provider:antropic", 'has no provider antropic; did you mean "anthropic"?'),
        ("route:/ai/chta", 'has no route /ai/chta; did you mean "/ai/chat"?'),
        ("model:claude-haiku-45", 'did you mean "claude-haiku-4-5"?'),
        ("provider:zzz", "it has "),
    ],
)
def test_a_slip_of_the_pen_is_noticed(file: Path, level: str, said: str) -> None:
    assert said in doubt(parse_level(level), file)


@pytest.mark.parametrize(
    "level",
    ["all", "provider:openai", "route:/ai/chat", "model:claude-haiku-4-5", "model:openai/gpt-4o-mini", "team:zzz"],
)
def test_what_the_policy_has_or_leaves_open_is_not_doubted(file: Path, level: str) -> None:
    assert doubt(parse_level(level), file) == ""


def test_where_clients_name_models_none_is_doubted(file: Path) -> None:
    file.write_text("routes: {/ai/open: {max_tokens: 9}}")

    assert doubt(parse_level("model:zzz"), file) == ""


def test_a_policy_with_errors_knows_nobody(file: Path) -> None:
    file.write_text("routs: {}")

    assert doubt(parse_level("provider:zzz"), file) == ""

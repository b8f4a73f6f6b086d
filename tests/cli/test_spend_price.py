from pathlib import Path

import pytest

from seawall.cli.spend_price import PolicyPrices
from seawall.core.usage import Usage
from seawall.telemetry.usage_export.line import ExportLine

AT_S = 1_790_899_200.0
MODEL = "anthropic/claude-haiku-4-5"
LINE = ExportLine(1, "req_1", usage=Usage(100, output=200))
POLICY = """
version: 1
providers:
  anthropic: {dialect: anthropic, base_url: "https://api.anthropic.com", api_key: env:ANTHROPIC_API_KEY}
  own: {dialect: openai, base_url: "https://llm.example/v1", api_key: env:OWN_KEY}
routes:
  /ai/chat: {model: claude-haiku-4-5, max_tokens: 100}
"""


@pytest.fixture
def policy(tmp_path: Path) -> Path:
    file = tmp_path / "seawall.yaml"
    file.write_text(POLICY)
    return file


def test_tokens_cost_what_the_policy_says(policy: Path) -> None:
    prices = PolicyPrices(policy)

    assert prices.cost_nusd(LINE, MODEL, AT_S) == 1_100_000
    assert prices.cost_nusd(LINE, MODEL, AT_S + 86_400) == 1_100_000


def test_a_cost_needs_no_policy(tmp_path: Path) -> None:
    assert PolicyPrices(tmp_path / "none.yaml").cost_nusd(LINE._replace(cost_nusd=0), MODEL, AT_S) == 0


def test_what_has_no_price_is_said(policy: Path, tmp_path: Path) -> None:
    bad = tmp_path / "bad.yaml"
    bad.write_text("version: 7")

    with pytest.raises(ValueError, match="name a good policy with --policy"):
        PolicyPrices(tmp_path / "none.yaml").cost_nusd(LINE, MODEL, AT_S)
    with pytest.raises(ValueError, match="name a good policy with --policy"):
        PolicyPrices(bad).cost_nusd(LINE, MODEL, AT_S)
    with pytest.raises(ValueError, match=r"has no price"):
        PolicyPrices(policy).cost_nusd(LINE, "own/unknown-model", AT_S)
    with pytest.raises(ValueError, match="neither cost nor tokens"):
        PolicyPrices(policy).cost_nusd(LINE._replace(usage=None), MODEL, AT_S)

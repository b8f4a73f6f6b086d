from pathlib import Path

import pytest

from seawall.assembly.source import PolicySource
from seawall.core.error import PolicyError

POLICY = """
version: 1
providers: {anthropic: {api_key: "env:ANTHROPIC_API_KEY"}}
routes:
  /ai/mine: {model: claude-opus-5-5, max_tokens: 100}
"""


def test_a_file_is_read_again_at_every_load(tmp_path: Path) -> None:
    path = tmp_path / "policy.yaml"
    path.write_text(POLICY)
    source = PolicySource(path, {"ANTHROPIC_API_KEY": "sk-ant-1"})

    first = source.load()
    path.write_text(POLICY.replace("/ai/mine", "/ai/yours"))

    assert list(first.plans) == ["/ai/mine"]
    assert list(source.load().plans) == ["/ai/yours"]


def test_a_missing_key_is_a_fault_unless_the_sandbox_stands_in(tmp_path: Path) -> None:
    path = tmp_path / "policy.yaml"
    path.write_text(POLICY)

    with pytest.raises(PolicyError, match="ANTHROPIC_API_KEY"):
        PolicySource(path, {}).load()
    stood_in = PolicySource(path, {}, "http://127.0.0.1:9999").load()

    assert stood_in.plans["/ai/mine"].targets[0].provider.origin.port == 9999


def test_without_a_file_the_quick_start_serves_the_sandbox_or_the_keys_that_are_there() -> None:
    sandbox = PolicySource(None, {}, "http://127.0.0.1:9999").load()
    real = PolicySource(None, {"OPENAI_API_KEY": "sk-1"}).load()

    assert {provider.origin.port for provider in sandbox.providers.values()} == {9999}
    assert [provider.origin.host for provider in real.providers.values()] == ["api.openai.com"]
    with pytest.raises(PolicyError):
        PolicySource(None, {}).load()

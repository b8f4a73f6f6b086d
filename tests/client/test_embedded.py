from pathlib import Path
from typing import Final

import pytest

from seawall.client.embedded import Embedded, EmbeddedSettings
from seawall.core.error import PolicyError, Unavailable
from seawall.core.principal import Principal
from seawall.telemetry.monitor import Monitor
from seawall.testing.clock import FakeClock

KEYS: Final = {"CANARY_ANTHROPIC": "canary-key-for-anthropic", "CANARY_OPENAI": "canary-key-for-openai"}
GUEST: Final = Principal(key_id="", default_route="/ai/chat")


def test_the_policys_keys_are_known_before_they_are_used(policy: Path) -> None:
    embedded = Embedded(EmbeddedSettings(policy, GUEST, KEYS), FakeClock())

    embedded.policy()

    assert embedded.scrubber.scrub("it said canary-key-for-openai") == "it said [secret]"


def test_a_missing_key_is_named_at_once(policy: Path) -> None:
    with pytest.raises(PolicyError, match="CANARY_OPENAI"):
        Embedded(EmbeddedSettings(policy, GUEST, {"CANARY_ANTHROPIC": "k"}), FakeClock())


def test_a_route_that_the_policy_has_not_is_refused_with_those_that_it_has(policy: Path) -> None:
    guest = Principal(key_id="", default_route="/ai/chta")

    with pytest.raises(PolicyError, match=r"'/ai/chta', expected one of /ai/chat, "):
        Embedded(EmbeddedSettings(policy, guest, KEYS), FakeClock())


def test_a_proxy_that_cannot_be_used_is_refused_at_once(policy: Path) -> None:
    with pytest.raises(PolicyError, match="HTTPS_PROXY"):
        Embedded(EmbeddedSettings(policy, GUEST, {**KEYS, "HTTPS_PROXY": "gopher://nowhere"}), FakeClock())


def test_a_state_directory_that_cannot_be_used_is_refused_at_once(policy: Path, tmp_path: Path) -> None:
    (tmp_path / "file").touch()

    with pytest.raises(Unavailable, match="file"):
        Embedded(EmbeddedSettings(policy, GUEST, KEYS, state_dir=tmp_path / "file"), FakeClock())


def test_without_a_state_directory_nothing_is_written(policy: Path, tmp_path: Path) -> None:
    before = sorted(tmp_path.rglob("*"))

    Embedded(EmbeddedSettings(policy, GUEST, KEYS, monitor=Monitor()), FakeClock()).close()

    assert sorted(tmp_path.rglob("*")) == before

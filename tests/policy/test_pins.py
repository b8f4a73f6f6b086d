from datetime import date
from pathlib import Path
from typing import Final

import pytest
from hypothesis import given
from hypothesis import strategies as st

from seawall.core.error import PolicyError
from seawall.policy.compile import load_policy
from seawall.policy.fault import fault_line
from seawall.policy.load import read_policy_file
from seawall.policy.pins import Change, Pin, pins_path, read_pins

TODAY: Final = date(2026, 11, 21)
POLICY: Final = "routes:\n  /ai/chat: {model: claude-haiku-4-5-20251001, max_tokens: 500}\n  /ai/open: {}\n"
PINS: Final = """\
version: 1
pins:
  /ai/chat:
    model: claude-opus-4-6
    by: ada
    at: 2026-11-21T10:00:00Z
    why: it answers
history:
- {did: pin, route: /ai/chat, model: claude-opus-4-6, was: claude-haiku-4-5-20251001, by: ada}
- {did: rollback, route: /ai/open, was: gpt-5.2}
"""


@pytest.fixture
def policy(tmp_path: Path) -> Path:
    path = tmp_path / "seawall.yaml"
    path.write_text(POLICY)
    return path


def _load(policy: Path) -> str:
    """Give the target of /ai/chat under a policy."""
    keys = {"ANTHROPIC_API_KEY": "invented-a", "OPENAI_API_KEY": "invented-o"}
    compiled = load_policy(policy, environment=keys, today=TODAY)
    return compiled.plans["/ai/chat"].targets[0].name


def _faults(text: str) -> list[str]:
    return [fault_line("seawall.yaml", fault) for fault in read_pins(text.encode(), "seawall.pins.yaml").faults]


def test_pins_stand_beside_their_policy() -> None:
    assert pins_path(Path("conf/seawall.prod.yaml")) == Path("conf/seawall.prod.pins.yaml")


def test_pins_and_their_record_are_read() -> None:
    pins = read_pins(PINS.encode(), "p")

    assert pins.faults == ()
    assert pins.pins == {"/ai/chat": Pin("claude-opus-4-6", "ada", "2026-11-21T10:00:00Z", "it answers")}
    assert pins.history == (
        Change("pin", "/ai/chat", "claude-opus-4-6", "claude-haiku-4-5-20251001", "ada"),
        Change("rollback", "/ai/open", "", "gpt-5.2"),
    )


@pytest.mark.parametrize(
    "text", ["", "\n", "version: 1\n", "version: 1\npins:\nhistory:\n", "version: 1\nhistory: []\n"]
)
def test_an_empty_file_pins_nothing(text: str) -> None:
    pins = read_pins(text.encode(), "p")

    assert (pins.pins, pins.history, pins.faults) == ({}, (), ())


@pytest.mark.parametrize(
    ("text", "line"),
    [
        ("pins: {}", ":1:1 version: found nothing, expected 1"),
        ("version: 2", ":1:10 version: found 2, expected 1"),
        ("- a", ":1:1: found a list, expected a mapping with version, pins and history"),
        ("version: 1\nextra: 1", ":2:8 extra: found an unknown key, expected one of version, pins, history"),
        ("version: 1\npins: 5", ":2:7 pins: found 5, expected a mapping"),
        ("version: 1\npins: {/a: m}", ':2:12 pins./a: found "m", expected a mapping'),
        ("version: 1\npins: {/a: {by: x}}", ":2:12 pins./a.model: found nothing, expected a model"),
        ("version: 1\npins: {/a: {model: 5}}", ":2:20 pins./a.model: found 5, expected a text of at most 500"),
        ("version: 1\npins: {/a: {model: 'a b'}}", ':2:20 pins./a.model: found "a b", expected a model, such'),
        ("version: 1\npins: {/a: {model: m, ho: x}}", ":2:27 pins./a.ho: found an unknown key"),
        ("version: 1\nhistory: x", ':2:10 history: found "x", expected a list'),
        ("version: 1\nhistory: [{did: x, route: /a}]", ':2:17 history[0].did: found "x", expected pin or rollback'),
        ("version: 1\nhistory: [{did: pin}]", ":2:11 history[0].route: found nothing, expected a route"),
        ("version: 1\npins: {/a: {model: a, model: b}}", ':2:23 pins./a: found the key "model" twice'),
        ("version: [", ": found broken YAML"),
    ],
)  # fmt: skip
def test_a_fault_is_told_with_its_place_in_the_pins_file(text: str, line: str) -> None:
    faults = _faults(text)

    assert faults
    assert all(fault.startswith("seawall.pins.yaml:") for fault in faults)
    assert any(line in fault for fault in faults), faults


@given(st.binary(max_size=300) | st.text().map(str.encode))
def test_any_bytes_are_read_somehow(data: bytes) -> None:
    pins = read_pins(data, "p")

    assert pins.faults or all(pin.model for pin in pins.pins.values())


def test_a_pin_goes_before_the_policys_own_model(policy: Path) -> None:
    own = _load(policy)
    pins_path(policy).write_text(PINS)

    assert (own, _load(policy)) == ("anthropic/claude-haiku-4-5-20251001", "anthropic/claude-opus-4-6")


def test_a_pin_decides_where_the_client_did(policy: Path) -> None:
    pins_path(policy).write_text("version: 1\npins: {/ai/open: {model: gpt-5.2}, /ai/chat: {model: gpt-5.2}}\n")

    reading = read_policy_file(policy)

    assert reading.own_models == {"/ai/open": None, "/ai/chat": "claude-haiku-4-5-20251001"}
    assert _load(policy) == "openai/gpt-5.2"


def test_pins_are_a_part_of_the_policys_version(policy: Path) -> None:
    versions = {read_policy_file(policy).version}
    for why in ("a", "b"):
        pins_path(policy).write_text(f"version: 1\npins: {{/ai/chat: {{model: gpt-5.2, why: {why}}}}}\n")
        versions.add(read_policy_file(policy).version)

    assert len(versions) == 3


def test_a_pin_to_an_unknown_model_is_a_fault_of_the_pins_file(policy: Path) -> None:
    pins_path(policy).write_text("version: 1\npins:\n  /ai/chat: {model: anthropic/claude-unheard-of}\n")

    with pytest.raises(PolicyError) as caught:
        _load(policy)

    assert str(caught.value).startswith(f"{pins_path(policy)}:3:21 routes./ai/chat.model: found ")
    assert "claude-unheard-of" in str(caught.value)


@pytest.mark.parametrize("how", ["broken", "folder"])
def test_pins_that_cannot_be_read_leave_no_policy(policy: Path, how: str) -> None:
    if how == "broken":
        pins_path(policy).write_text("version: [")
    else:
        pins_path(policy).mkdir()

    with pytest.raises(PolicyError, match=r"seawall\.pins\.yaml:1:"):
        _load(policy)


def test_a_pin_of_no_route_is_left_unused(policy: Path) -> None:
    pins_path(policy).write_text("version: 1\npins: {/ai/chta: {model: gpt-5.2}}\n")

    assert _load(policy) == "anthropic/claude-haiku-4-5-20251001"

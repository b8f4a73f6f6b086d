import threading
from pathlib import Path
from typing import Final

import pytest
from hypothesis import given
from hypothesis import strategies as st

from seawall.core.error import NotFound
from seawall.policy.pin_change import alone, pinned, render, rolled_back, write
from seawall.policy.pins import MAX_HISTORY, Change, Pin, Pins, read_pins

ROUTE: Final = "/ai/chat"
WHO: Final = Pin("", "bob", "2026-11-21T11:00:00Z", "worse")
MODELS: Final = st.from_regex(r"[A-Za-z0-9][A-Za-z0-9._:@/+-]{0,40}", fullmatch=True)
TEXTS: Final = st.text(st.characters(exclude_categories=("C", "Z"), include_characters=" "), max_size=40)


def _pin(model: str) -> Pin:
    return Pin(model, "ada", "2026-11-21T10:00:00Z", "better")


def test_a_pin_is_recorded_with_what_was_in_force() -> None:
    pins = pinned(pinned(Pins(), ROUTE, _pin("one"), "own"), ROUTE, _pin("two"), "own")

    assert pins.pins == {ROUTE: _pin("two")}
    assert [(change.did, change.was, change.model) for change in pins.history] == [
        ("pin", "own", "one"),
        ("pin", "one", "two"),
    ]


def test_a_rollback_goes_to_the_pin_before_and_then_to_the_policys_own_model() -> None:
    twice = pinned(pinned(Pins(), ROUTE, _pin("one"), "own"), ROUTE, _pin("two"), "own")

    once = rolled_back(twice, ROUTE, WHO)
    back = rolled_back(once, ROUTE, WHO)

    assert once.pins == {ROUTE: _pin("one")}
    assert back.pins == {}
    assert back.history[2:] == (
        Change("rollback", ROUTE, "one", "two", "bob", WHO.at, "worse"),
        Change("rollback", ROUTE, "", "one", "bob", WHO.at, "worse"),
    )
    with pytest.raises(NotFound, match="not pinned"):
        rolled_back(back, ROUTE, WHO)


def test_a_pin_after_a_rollback_has_the_right_one_under_it() -> None:
    pins = pinned(Pins(), ROUTE, _pin("one"), "own")
    pins = rolled_back(pinned(pins, ROUTE, _pin("bad"), "own"), ROUTE, WHO)
    pins = rolled_back(pinned(pins, ROUTE, _pin("worse"), "own"), ROUTE, WHO)

    assert pins.pins[ROUTE].model == "one"


def test_a_pin_that_was_written_by_hand_rolls_back_to_the_policys_own_model() -> None:
    pins = Pins(
        pins={ROUTE: _pin("by hand"), "/b": _pin("b")},
        history=(Change("rollback", ROUTE, ""), Change("pin", ROUTE, "one")),
    )

    assert rolled_back(pins, ROUTE, WHO).pins == {"/b": _pin("b")}


@given(st.lists(st.tuples(st.sampled_from(["/a", "/b"]), st.none() | st.integers(0, 9)), max_size=30))
def test_pins_follow_a_stack_for_each_route(steps: list[tuple[str, int | None]]) -> None:
    pins, stacks = Pins(), {"/a": list[str](), "/b": list[str]()}
    for route, number in steps:
        stack = stacks[route]
        if number is not None:
            stack.append(f"m{number}")
            pins = pinned(pins, route, _pin(f"m{number}"), "own")
        elif stack:
            stack.pop()
            pins = rolled_back(pins, route, WHO)

    assert {route: pin.model for route, pin in pins.pins.items()} == {r: s[-1] for r, s in stacks.items() if s}


def test_the_record_is_bounded_and_loses_its_oldest() -> None:
    pins = Pins(history=tuple(Change("pin", "/b", f"m{number}") for number in range(MAX_HISTORY)))

    pins = pinned(pins, ROUTE, _pin("one"), "own")

    assert len(pins.history) == MAX_HISTORY
    assert (pins.history[0].model, pins.history[-1].model) == ("m1", "one")


def test_a_full_record_can_be_read_again() -> None:
    change = Change("pin", "/b", "m" * 60, "n" * 60, "ada", WHO.at, "w" * 500)

    assert read_pins(render(Pins(history=(change,) * MAX_HISTORY)), "p").faults == ()


def test_a_credential_in_a_reason_is_not_kept() -> None:
    key = "sk-ant-api03-" + "Ab3dEf6hIj9k" * 8

    pins = rolled_back(pinned(Pins(), ROUTE, Pin("m", key, "", f"was {key}"), ""), ROUTE, Pin("", key, "", key))

    assert key.encode() not in render(pins)


@given(
    st.dictionaries(TEXTS.filter(bool), st.builds(Pin, MODELS, TEXTS, TEXTS, TEXTS), max_size=4),
    st.lists(st.builds(Change, st.sampled_from(["pin", "rollback"]), TEXTS.filter(bool), TEXTS, TEXTS), max_size=4),
)
def test_what_is_written_is_read_as_it_was(pins: dict[str, Pin], history: list[Change]) -> None:
    again = read_pins(render(Pins(pins=pins, history=tuple(history))), "p")

    assert again.faults == ()
    assert (again.pins, again.history) == (pins, tuple(history))


def test_the_file_reads_well_and_is_in_order() -> None:
    pins = pinned(pinned(Pins(), "/b", _pin("b"), ""), "/a", _pin("a"), "own")

    text = render(pins).decode()

    assert text.startswith("# Models that operators have pinned")
    assert text.index("  /a:") < text.index("  /b:")
    assert "    why: better\n" in text
    assert text.endswith("  was: own\n  by: ada\n  at: '2026-11-21T10:00:00Z'\n  why: better\n")


def test_writing_replaces_the_file_whole(tmp_path: Path) -> None:
    path = tmp_path / "p.pins.yaml"

    write(path, b"one")
    write(path, b"two")

    assert {each.name: each.read_bytes() for each in tmp_path.iterdir()} == {path.name: b"two"}


def test_a_failed_writing_leaves_the_old_file(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    path = tmp_path / "p.pins.yaml"
    write(path, b"one")

    def refuse(_: int) -> None:
        raise OSError(28, "No space left on device")

    monkeypatch.setattr("os.fsync", refuse)
    with pytest.raises(OSError, match="No space"):
        write(path, b"two")

    assert {each.name: each.read_bytes() for each in tmp_path.iterdir()} == {path.name: b"one"}


def test_two_changes_wait_for_each_other(tmp_path: Path) -> None:
    policy = tmp_path / "p.yaml"
    policy.touch()
    begun, seen = threading.Event(), list[str]()

    def second() -> None:
        begun.set()
        with alone(policy):
            seen.append("second")

    with alone(policy):
        thread = threading.Thread(target=second)
        thread.start()
        begun.wait()
        seen.append("first")
    thread.join()

    assert seen == ["first", "second"]

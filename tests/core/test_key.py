import string

import pytest
from hypothesis import given
from hypothesis import strategies as st

from seawall.core.key import (
    ENTROPY_BYTES,
    KEY_LENGTH,
    KeyEntry,
    KeyGrant,
    is_key,
    key_hint,
    key_text,
    no_such_key,
    retired,
    successor,
)

entropy = st.binary(min_size=ENTROPY_BYTES, max_size=ENTROPY_BYTES)


@given(bits=entropy)
def test_every_key_has_one_length_one_alphabet_and_its_checksum(bits: bytes) -> None:
    text = key_text(bits)

    assert len(text) == KEY_LENGTH
    assert set(text.removeprefix("sw_")) <= set(string.ascii_letters + string.digits)
    assert is_key(text)


@given(first=entropy, second=entropy)
def test_different_bits_give_different_keys(first: bytes, second: bytes) -> None:
    assert (key_text(first) == key_text(second)) == (first == second)


@given(bits=entropy, at=st.integers(3, KEY_LENGTH - 1), letter=st.sampled_from(string.ascii_letters + string.digits))
def test_one_wrong_character_is_seen(bits: bytes, at: int, letter: str) -> None:
    text = key_text(bits)
    mistyped = text[:at] + letter + text[at + 1 :]

    assert is_key(mistyped) == (mistyped == text)


@pytest.mark.parametrize("text", ["", "sw_", "x" * KEY_LENGTH, "sw_" + "é" * 49])
def test_other_texts_are_no_keys(text: str) -> None:
    assert not is_key(text)


def test_the_format_never_changes() -> None:
    assert key_text(bytes(32)) == "sw_" + "0" * 43 + "nZIRc".rjust(6, "0")
    assert key_text(b"\xff" * 32) == "sw_" + "yhjskwdA6OZ1AL1YmHWZWm8LLG7HjnuCA2j5rOw8Xp1" + "2LVRpY"


def test_too_little_entropy_is_refused() -> None:
    with pytest.raises(ValueError, match="31 bytes of entropy: expected 32"):
        key_text(bytes(31))


@pytest.mark.parametrize(
    ("fields", "complaint"),
    [
        pytest.param({"team": "x" * 129}, "team: expected at most 128", id="long label"),
        pytest.param({"user": "a\nb"}, "user: expected", id="line break in a label"),
        pytest.param({"note": "x" * 501}, "note: expected at most 500", id="long note"),
        pytest.param({"note": "a\x1b[2J"}, "note: expected", id="escape sequence in the note"),
        pytest.param({"routes": ("ai/chat",)}, "expected a path", id="route without its slash"),
        pytest.param({"default_route": "chat"}, "expected a path", id="default route without its slash"),
        pytest.param({"routes": ("/a",), "default_route": "/b"}, "'/b' is not among", id="default route not allowed"),
        pytest.param({"routes": ("/a",) * 101}, "expected at most 100, got 101", id="too many routes"),
    ],
)
def test_a_grant_that_makes_no_sense_is_refused(fields: dict[str, str], complaint: str) -> None:
    with pytest.raises(ValueError, match=complaint):
        KeyGrant(**fields)  # type: ignore[arg-type]  # the table mixes texts and tuples


def test_any_route_may_be_the_default_where_every_route_is_allowed() -> None:
    assert KeyGrant(default_route="/ai/chat").default_route == "/ai/chat"


def entry(expires_at_s: float | None = None, revoked_at_s: float | None = None) -> KeyEntry:
    return KeyEntry("key_1", "sw_abcd…wxyz", KeyGrant(expires_at_s=expires_at_s), 1000.0, revoked_at_s)


@pytest.mark.parametrize(
    ("kept", "state"),
    [
        pytest.param(entry(), "active", id="no end"),
        pytest.param(entry(expires_at_s=2000.1), "active", id="ends later"),
        pytest.param(entry(expires_at_s=2000.0), "expired", id="ends now"),
        pytest.param(entry(revoked_at_s=2000.0), "revoked", id="revoked now"),
        pytest.param(entry(expires_at_s=1500.0, revoked_at_s=1800.0), "revoked", id="revoked after its end"),
    ],
)
def test_a_key_is_active_expired_or_revoked(kept: KeyEntry, state: str) -> None:
    assert kept.state(2000.0) == state


def test_a_successor_lives_as_long_as_its_predecessor_was_meant_to() -> None:
    assert successor(entry(expires_at_s=1600.0), 1500.0).expires_at_s == 2100.0
    assert successor(entry(), 1500.0).expires_at_s is None


@given(expires_at_s=st.none() | st.floats(1000, 9000), overlap_s=st.floats(0, 9000))
def test_rotation_never_lengthens_a_life(expires_at_s: float | None, overlap_s: float) -> None:
    old = retired(entry(expires_at_s), "key_2", 2000.0, overlap_s)

    assert old.rotated_to == "key_2"
    assert old.state(2000.0 + overlap_s) != "active"
    if expires_at_s is not None and old.grant.expires_at_s is not None:
        assert old.grant.expires_at_s <= expires_at_s


def test_a_hint_and_an_error_hide_the_middle_of_a_key() -> None:
    text = key_text(bytes(range(32)))

    assert key_hint(text) == f"{text[:7]}…{text[-4:]}"
    assert text[7:-4] not in str(no_such_key(text))
    assert text[7:-5] not in str(no_such_key(text[:-1]))
    assert "'key_7'" in str(no_such_key("key_7"))

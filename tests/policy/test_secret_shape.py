import json
import random
import re
from itertools import pairwise
from pathlib import Path

import pytest
from hypothesis import given
from hypothesis import strategies as st

from seawall.policy.secret_shape import (
    FORMATS,
    Format,
    assignments,
    entropy_bits,
    masked,
    names_secret,
    secret_kind,
    sightings,
)


def _made(format_: Format, length: int, seed: int) -> str:
    letters = [chr(code) for code in range(33, 127) if re.fullmatch(f"[{format_.alphabet}]", chr(code))]
    return format_.prefix + "".join(random.Random(seed).choices(letters, k=length))  # noqa: S311 - no secret is made


@pytest.mark.parametrize("format_", FORMATS, ids=lambda f: f.prefix)
@given(seed=st.integers(0, 1_000_000))
def test_every_format_is_recognised_wherever_it_stands(format_: Format, seed: int) -> None:
    secret = _made(format_, format_.length, seed)

    for text in (secret, f'key = "{secret}"', f"https://x.example/?k={secret}&y"):
        assert secret_kind(text), text
        assert secret not in masked(text)


def test_the_shared_formats_are_all_in_the_table(shared_data: Path) -> None:
    shared = json.loads((shared_data / "security" / "secret_formats.json").read_text("utf-8"))["formats"]
    ours = {(f.prefix, f.alphabet, f.length) for f in FORMATS}

    named = [(f["prefix"], f["alphabet"], f["length"]) for f in shared if f["prefix"]]

    assert [format_ for format_ in named if format_ not in ours] == []


@pytest.mark.parametrize(
    "text",
    [
        pytest.param("eyJhbGciOiJI.eyJzdWIiOiIx.c2lnbmF0dXJl", id="JSON Web Token"),
        pytest.param("-----BEGIN RSA " + "PRIVATE KEY-----", id="private key"),
        pytest.param("https://me:" + "hunter2@host.example/x", id="URL with a password"),
        pytest.param("Authorization: Bearer " + "abcdef123456789", id="header"),
        pytest.param("AccountKey=" + "a1B2" * 10, id="Azure"),
        pytest.param("Cookie: session=" + "0123456789ab", id="cookie"),
    ],
)
def test_structures_are_recognised(text: str) -> None:
    assert secret_kind(text)


@pytest.mark.parametrize(
    "text",
    [
        "claude-3-5-sonnet-20241022",
        "us.anthropic.claude-sonnet-4-5-20250929-v1:0",
        "gpt-5.4-mini-2026-03-17",
        "https://api.anthropic.com",
        "http://127.0.0.1:8080/ai/chat",
        "env:ANTHROPIC_API_KEY",
        "file:/run/secrets/anthropic",
        "sk-short",
        "task-management",
        "",
    ],
)
def test_what_a_policy_says_is_no_secret(text: str) -> None:
    assert secret_kind(text) == ""
    assert masked(text) == text


def test_a_random_value_given_to_a_key_is_found_though_its_format_is_nobodys() -> None:
    (found,) = assignments("# my_api_key = 'q8Zr2LmX0vTyB7eW'")

    assert (found.start, found.end) == (16, 32)


@pytest.mark.parametrize(
    "text", ["max_tokens: 20000", "token: aaaaaaaaaaaaaaaaaaaa", "api_key: env:A_KEY_OF_OURS_1234567"]
)
def test_words_and_references_given_to_a_key_are_let_be(text: str) -> None:
    assert list(assignments(text)) == []


@pytest.mark.parametrize(
    ("key", "expected"), [("api_key", True), ("Password", True), ("access_token", True), ("max_tokens", False)]
)
def test_some_keys_say_that_they_hold_a_secret(key: str, expected: bool) -> None:
    assert names_secret(key) is expected


def test_entropy_is_measured_in_bits_a_character() -> None:
    assert entropy_bits("") == 0
    assert entropy_bits("aaaa") == 0
    assert entropy_bits("abcd") == 2


@given(st.text(max_size=200))
def test_sightings_are_in_order_and_apart(text: str) -> None:
    found = list(sightings(text))

    assert all(0 <= each.start < each.end <= len(text) for each in found)
    assert all(a.end <= b.start for a, b in pairwise(found))

import base64
import html
import json
from collections.abc import Callable
from urllib.parse import quote

import pytest
from hypothesis import given
from hypothesis import strategies as st

from seawall.core.secret import Secret
from seawall.telemetry.scrub import Scrubber

CANARY = "c4n4ry+of/the=house%20&co-7f3a"
header_safe = st.text(st.characters(min_codepoint=33, max_codepoint=126), min_size=8, max_size=60)


@pytest.mark.parametrize(
    "text",
    [
        pytest.param(CANARY, id="as it is"),
        pytest.param(f"?k={quote(CANARY, safe='')}&x=1", id="percent-encoded"),
        pytest.param("?k=c4n4ry%2bof%2fthe%3dhouse%2520%26co-7f3a", id="lower case"),
        pytest.param("?k=c4n4ry%2Bof/the%3Dhouse%2520%26co-7f3a", id="percent-encoded but for its slash"),
        pytest.param("?k=c4n4ry%2bof/the%3dhouse%2520%26co-7f3a", id="the same in lower case"),
        pytest.param(html.escape(f"<p>{CANARY}</p>"), id="in HTML"),
        pytest.param(base64.b64encode(CANARY.encode()).decode(), id="base64"),
        pytest.param(base64.urlsafe_b64encode(CANARY.encode()).decode().rstrip("="), id="base64 for URLs"),
        pytest.param(base64.b64encode(f"user:{CANARY}".encode()).decode(), id="inside base64, shifted by five"),
        pytest.param(base64.b64encode(f"me:{CANARY}:x".encode()).decode(), id="inside base64, shifted by three"),
        pytest.param(base64.b64encode(f"u{CANARY}".encode()).decode(), id="inside base64, shifted by one"),
        pytest.param(json.dumps({"k": f'a"{CANARY}"'}), id="in JSON"),
    ],
)
def test_a_known_value_is_found_in_every_form(text: str) -> None:
    scrubbed = Scrubber([Secret(CANARY)]).scrub(f"before {text} after")

    assert "[secret]" in scrubbed
    assert scrubbed.startswith("before ")
    assert scrubbed.endswith(" after")
    assert "c4n4ry" not in scrubbed
    assert base64.b64encode(CANARY.encode()).decode()[4:-4] not in scrubbed


@pytest.mark.parametrize("offset", range(3))
@pytest.mark.parametrize(
    "wrap",
    [
        pytest.param(lambda text: text, id="as it is"),
        pytest.param(lambda text: text.replace("\n", "\r\n "), id="in a folded header"),
        pytest.param(json.dumps, id="in JSON"),
        pytest.param(repr, id="in a repr"),
        pytest.param(lambda text: repr(text.encode()), id="in a repr of bytes"),
        pytest.param(" ".join, id="spaced"),
    ],
)
def test_a_known_value_is_found_where_the_text_is_wrapped_in_it(wrap: Callable[[str], str], offset: int) -> None:
    value = CANARY * 3
    cut = f"{value[:40]}\n{value[40:]}"
    encoded = base64.encodebytes(b"." * offset + value.encode()).decode()
    assert encoded.count("\n") > 1

    for text in (cut, encoded):
        scrubbed = Scrubber([Secret(value)]).scrub(wrap(text))

        assert "[secret]" in scrubbed
        assert len(scrubbed) < 30


def test_words_that_make_up_a_short_value_are_left_alone() -> None:
    assert Scrubber([Secret("heartoken")]).scrub("hear token by token") == "hear token by token"


@given(value=header_safe, before=st.binary(max_size=9), after=st.binary(max_size=9))
def test_no_base64_around_a_known_value_gives_it_away(value: str, before: bytes, after: bytes) -> None:
    encoded = base64.b64encode(before + value.encode() + after).decode()

    scrubbed = Scrubber([Secret(value)]).scrub(encoded)

    assert "[secret]" in scrubbed
    # What is left beside the mark decodes to at most the two characters that share a group with a neighbour.
    assert len(scrubbed.replace("[secret]", "")) <= len(encoded) - (len(value) * 8 // 6 - 2)


@given(value=header_safe, text=st.text())
def test_a_known_value_never_passes(value: str, text: str) -> None:
    assert value not in Scrubber([Secret(value)]).scrub(f"{text}{value}{text}").replace("[secret]", "\n")


def test_the_longest_of_nested_values_goes_first() -> None:
    scrubber = Scrubber([Secret("abcdefgh"), Secret("abcdefgh-ijklmnop")])

    assert scrubber.scrub("x abcdefgh-ijklmnop y") == "x [secret] y"


def test_values_too_short_to_be_credentials_are_left_alone() -> None:
    assert Scrubber([Secret("chat")]).scrub("POST /ai/chat") == "POST /ai/chat"


def test_what_is_learned_later_counts_and_nothing_is_forgotten() -> None:
    scrubber = Scrubber([Secret("first-value")])
    assert not scrubber.is_dirty("second-value")

    scrubber.learn([Secret("second-value")])

    assert scrubber.is_dirty("second-value")
    assert scrubber.scrub("first-value second-value") == "[secret] [secret]"
    assert scrubber.names_one("a second-value b")
    assert not scrubber.names_one("a third-value b")


def test_unknown_credentials_go_by_their_form() -> None:
    scrubber = Scrubber()

    assert scrubber.scrub("key sk-ant-api03-" + "x1" * 40) == "key [secret]"
    assert scrubber.is_dirty("ghp_" + "x1" * 18)
    assert not scrubber.is_dirty("drafts")

import base64

import pytest

from seawall.core.target import Target
from seawall.dialects.bound import openai
from seawall.dialects.bound.tally import Tally

PAGES = base64.b64encode(b"%PDF-1.7 /Type /Page /Type /Page").decode()


@pytest.mark.parametrize(
    ("data", "tokens"),
    [
        pytest.param(f"data:application/pdf;base64,{PAGES}", 23_680, id="pdf"),
        pytest.param(PAGES, 23_680, id="pdf without an address"),
        pytest.param(f"data:text/plain;base64,{base64.b64encode(b'abc').decode()}", 3, id="text"),
        pytest.param("data:text/plain;base64,a", 28, id="text that is none"),
    ],
)
def test_a_file_that_is_sent_counts_by_what_it_is(target: Target, data: str, tokens: int) -> None:
    tally = Tally(target, 0)

    openai.document(tally, data)

    assert (tally.tokens, tally.stored) == (tokens, "")


@pytest.mark.parametrize("data", [None, "data:application/pdf;base64,JVBERi0=", "data:application/zip;base64,aa", "x"])
def test_a_file_that_cannot_be_measured_is_the_context(target: Target, data: object) -> None:
    tally = Tally(target, 0)

    openai.document(tally, data, "a.pdf")

    assert tally.tokens == 5
    assert tally.stored != ""


def test_the_highest_ceiling_counts_up_to_the_models(target: Target) -> None:
    names = ("max_completion_tokens", "max_tokens")

    assert openai.ceiling({"max_tokens": 5, "max_completion_tokens": 7}, names, target) == 7
    assert openai.ceiling({"max_tokens": 5_000}, names, target) == 1_000
    assert openai.ceiling({"max_tokens": -1}, names, target) == 1_000
    assert openai.ceiling({"max_tokens": True}, names, target) == 1_000
    assert openai.ceiling({"max_tokens": 5, "max_completion_tokens": None}, names, target) == 5


@pytest.mark.parametrize("odd", ["900", 900.0, -1, [900], True])
def test_a_ceiling_beside_one_that_nobody_can_read_is_no_ceiling(target: Target, odd: object) -> None:
    names = ("max_completion_tokens", "max_tokens")

    assert openai.ceiling({"max_tokens": 5, "max_completion_tokens": odd}, names, target) == 1_000


def test_no_mark_asks_for_nothing(target: Target) -> None:
    tally = Tally(target, 0)

    openai.mark(tally, "prompt_cache_options", None)
    openai.mark(tally, "prompt_cache_options", {"mode": "implicit", "ttl": "30m"})

    assert not tally.is_long

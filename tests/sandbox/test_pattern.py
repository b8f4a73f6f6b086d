import re

import pytest
from hypothesis import given
from hypothesis import strategies as st

from seawall.sandbox.draw import Draw
from seawall.sandbox.pattern import sample

SEEDS = [b"%d" % number for number in range(25)]


@pytest.mark.parametrize(
    "pattern",
    [
        "abc",
        "^[A-Z]{3}-[0-9]{4}$",
        r"^\d{3}[- ]\d{2,4}$",
        r"\w+@\w+\.(com|org)",
        "(?:red|green|blue)+",
        "^[^a-z]*$",
        r"[\w.-]{2,}",
        r"^\+?[1-9]\d{1,14}$",
        "x?y*z+",
        r"^\S+\s\D\W$",
        "a{0}b",
        "[]a]",
        "[a-]",
        "(|x)",
        r"\t\n\.",
        ".{5}",
        "a*?b+?",
        "",
    ],
)
def test_a_sample_matches_its_pattern(pattern: str) -> None:
    for seed in SEEDS:
        text = sample(pattern, Draw(seed))

        assert text is not None
        assert re.search(pattern, text)


@pytest.mark.parametrize(
    "pattern",
    [
        pytest.param("(?=a)b", id="look-ahead"),
        pytest.param(r"(a)\1", id="back-reference"),
        pytest.param(r"\bword", id="word boundary"),
        pytest.param("(a", id="open group"),
        pytest.param("a)", id="closed twice"),
        pytest.param("[a", id="open class"),
        pytest.param("*a", id="nothing to repeat"),
        pytest.param("a**", id="repeated twice"),
        pytest.param("a{2", id="open bounds"),
        pytest.param("a{3,2}", id="bounds the wrong way round"),
        pytest.param("a{x}", id="bounds that are no numbers"),
        pytest.param("[z-a]", id="range the wrong way round"),
        pytest.param("[^ -~]", id="nothing is left"),
        pytest.param("a{9999}", id="too often"),
        pytest.param("((a{100}){100}){100}", id="too long"),
        pytest.param("(" * 400 + ")" * 400, id="too long a pattern"),
        pytest.param("(" * 240 + "a" + ")" * 240, id="deep"),
        pytest.param("\\", id="nothing escaped"),
    ],
)
def test_what_is_not_simple_gives_none(pattern: str) -> None:
    text = sample(pattern, Draw(b"seed"))

    assert text is None or re.search(pattern, text)


@given(pattern=st.text(alphabet="ab[](){}|*+?^$\\dws.-,0129:", max_size=40))
def test_any_pattern_is_answered_without_running_it(pattern: str) -> None:
    text = sample(pattern, Draw(b"seed"))

    assert text is None or len(text) <= 1_000

import pytest
from hypothesis import given
from hypothesis import strategies as st

from seawall.sandbox.token import count, slices, split

LETTERS = st.integers(1, 12)


@given(text=st.text(), letters=LETTERS)
def test_tokens_joined_are_the_text_again(text: str, letters: int) -> None:
    assert "".join(split(text, letters)) == text


@given(text=st.text(), letters=LETTERS)
def test_there_are_never_more_tokens_than_bytes(text: str, letters: int) -> None:
    assert count(text, letters) <= len(text.encode())


@given(text=st.text(min_size=1), letters=LETTERS)
def test_a_text_has_at_least_one_token(text: str, letters: int) -> None:
    assert count(text, letters) >= 1


@pytest.mark.parametrize(
    ("text", "expected"),
    [
        pytest.param("", [], id="nothing"),
        pytest.param("Hello, world", ["Hello", ",", " world"], id="words take the space before them"),
        pytest.param("antidisestablish", ["antidise", "stablish"], id="long words fall apart"),
        pytest.param("12345", ["123", "45"], id="digits by threes"),
        pytest.param('{"a":1}', ['{"', "a", '":', "1", "}"], id="signs by twos"),
        pytest.param("a  \n b", ["a", "  \n ", "b"], id="a run of white space"),
        pytest.param("海é", ["海", "é"], id="other scripts one by one"),
    ],
)
def test_a_text_is_cut_like_this(text: str, expected: list[str]) -> None:
    assert split(text, 8) == expected


def test_fewer_letters_make_more_tokens() -> None:
    assert count("reliable harbour lights", 4) > count("reliable harbour lights", 8)


def test_prose_has_the_bytes_a_token_that_the_module_says() -> None:
    prose = "The gateway stands between an application and the language models it calls, under one policy file. " * 10

    assert 3 < len(prose) / count(prose, 4) < 4
    assert 4.5 < len(prose) / count(prose, 8) < 5.5


def test_a_huge_text_is_counted_part_by_part() -> None:
    text = "word " * 100_000

    assert count(text, 8) == sum(len(split(part, 8)) for part in slices(text))

from hypothesis import given
from hypothesis import strategies as st

from seawall.sandbox.draw import Draw
from seawall.sandbox.token import count, split
from seawall.sandbox.words import WORDS, phrase, prose


def test_every_word_is_one_token_for_every_model() -> None:
    assert [word for word in WORDS if len(split(" " + word, 4)) != 1 or len(split(word, 8)) != 1] == []


@given(tokens=st.integers(0, 400), seed=st.binary(max_size=8))
def test_prose_has_exactly_the_tokens_asked_for(tokens: int, seed: bytes) -> None:
    pieces = prose(Draw(seed), tokens)

    assert len(pieces) == tokens
    assert count("".join(pieces), 4) == tokens
    assert count("".join(pieces), 8) == tokens


def test_prose_ends_with_a_full_stop() -> None:
    assert [seed for seed in range(50) if prose(Draw(b"%d" % seed), 40)[-1] != "."] == []


def test_a_phrase_has_so_many_words() -> None:
    assert len(phrase(Draw(b""), 5).split(" ")) == 5

import json
import time
import unicodedata
from typing import Any

import orjson
import pytest
from hypothesis import given
from hypothesis import strategies as st

from seawall.dialects.bound.text import json_bound, text_bound

TEXTS = st.text(max_size=400) | st.text(st.sampled_from("aà\u0301\u0323\u0327ﷺ가각ᄀ\u1161ｶﾞ\u0f73 "), max_size=400)
VALUES = st.recursive(
    st.none() | st.booleans() | st.integers(-(2**60), 2**60) | st.floats(allow_nan=False, allow_infinity=False) | TEXTS,
    lambda inner: st.lists(inner, max_size=3) | st.dictionaries(st.text(max_size=5), inner, max_size=3),
    max_leaves=10,
)


@given(TEXTS)
def test_a_text_has_no_more_tokens_than_bytes_in_either_form(text: str) -> None:
    normal = unicodedata.normalize("NFKC", text)

    assert text_bound(text) >= max(len(text.encode()), len(normal.encode()))


@given(VALUES)
def test_json_has_no_more_tokens_than_bytes_however_it_is_spaced(value: Any) -> None:
    spaced = orjson.dumps(value)

    assert json_bound(value) >= len(spaced) + spaced.count(b'":')
    assert json_bound(value) >= len(unicodedata.normalize("NFKC", spaced.decode()).encode())
    assert json_bound(value) >= len(json.dumps(value))
    assert json_bound(value) >= len(json.dumps(value, ensure_ascii=False).encode())


@pytest.mark.parametrize("number", ["1" * 300, "-" + "9" * 300, "1" + "0" * 21, "0.0000000001"])
def test_a_number_counts_every_digit_that_was_sent(number: str) -> None:
    # Whoever reads it as a whole number writes it out again; the parser here makes it a float.
    assert json_bound(orjson.loads(f'{{"n":[{number},{number}]}}')) >= len(json.dumps({"n": [int(float(number))] * 2}))
    assert json_bound(orjson.loads(f'{{"n":[{number},{number}]}}')) >= len(f'{{"n": [{number}, {number}]}}')


def test_a_schema_that_is_ascii_counts_its_bytes_and_spaces() -> None:
    assert json_bound({"type": "e-mail", "of": ["a", "b"]}) == len(json.dumps({"type": "e-mail", "of": ["a", "b"]}))


def test_plain_text_counts_its_bytes() -> None:
    assert (text_bound("abc"), text_bound("äöü"), text_bound("漢字"), text_bound("")) == (3, 6, 6, 0)


def test_one_sign_that_becomes_eighteen_counts_for_all_of_them() -> None:
    assert text_bound("\ufdfa") == 33


@pytest.mark.parametrize("text", ["a" + "\u0301\u0327" * 100_000, "\u0344" * 100_000, "ﷺ" * 100_000])
def test_a_hostile_text_takes_no_longer_than_its_length(text: str) -> None:
    started = time.process_time()

    text_bound(text)

    assert time.process_time() - started < 1.0  # the square of its length would be a minute


def test_a_long_text_that_changes_counts_its_rest_as_the_worst() -> None:
    text = "ﷺ" * 150_000

    assert text_bound(text) == len(unicodedata.normalize("NFKC", text).encode())
    assert text_bound("a" * 150_000 + "½") > 150_000


def test_half_a_surrogate_pair_is_counted() -> None:
    assert text_bound("a\ud800b") == 5
    assert json_bound({"\ud800": 1}) > 3


def test_what_is_no_json_is_counted_too() -> None:
    nested: Any = "end"
    for _ in range(5_000):
        nested = [nested]

    assert json_bound(nested) > 5_000
    assert json_bound({"a": (1, 10**5_000, 2.5, object())}) > 1_000

import base64
import json
import math
import struct
from collections.abc import Callable
from typing import Any

import pytest
from hypothesis import given
from hypothesis import strategies as st

from seawall.core.usage import Usage
from seawall.sandbox.call import Call
from seawall.sandbox.fault import parse
from seawall.sandbox.openai.embedding import embeddings, vector
from seawall.sandbox.problem import Problem
from seawall.sandbox.setting import Settings

SMALL = "text-embedding-3-small"


def _told(call: Call) -> dict[str, Any]:
    found: dict[str, Any] = json.loads(embeddings(call).events[0].data)
    return found


def _near(one: str, two: str) -> float:
    return sum(a * b for a, b in zip(vector(SMALL, one, 512), vector(SMALL, two, 512), strict=True))


@given(text=st.text(min_size=1, max_size=50), dimensions=st.integers(1, 300))
def test_a_vector_is_a_unit_vector_and_always_the_same(text: str, dimensions: int) -> None:
    found = vector(SMALL, text, dimensions)

    assert len(found) == dimensions
    assert math.hypot(*found) == pytest.approx(1.0, abs=1e-5)
    assert found == vector(SMALL, text, dimensions)


def test_texts_that_share_words_are_near_each_other() -> None:
    assert _near("the boat is in the harbour", "the boat left the harbour") > 0.5
    assert abs(_near("the boat is in the harbour", "quarterly tax return")) < 0.3


def test_no_two_texts_and_no_two_models_have_the_same_vector() -> None:
    assert vector(SMALL, "a b", 64) != vector(SMALL, "b a", 64)
    assert vector(SMALL, "a b", 64) != vector("text-embedding-ada-002", "a b", 64)


def test_base64_holds_the_same_numbers(make_call: Callable[..., Call]) -> None:
    plain = _told(make_call({"model": SMALL, "input": "hi"}))["data"][0]["embedding"]
    packed = _told(make_call({"model": SMALL, "input": "hi", "encoding_format": "base64"}))["data"][0]["embedding"]

    assert list(struct.unpack("<1536f", base64.b64decode(packed))) == plain


@pytest.mark.parametrize(
    ("asked", "count", "tokens"),
    [
        pytest.param("one two", 1, 2, id="a text"),
        pytest.param(["one two", "three"], 2, 3, id="texts"),
        pytest.param([5, 6, 7], 1, 3, id="tokens"),
        pytest.param([[5, 6], [7]], 2, 3, id="lists of tokens"),
    ],
)
def test_every_kind_of_input_is_taken(make_call: Callable[..., Call], asked: Any, count: int, tokens: int) -> None:
    call = make_call({"model": SMALL, "input": asked, "dimensions": 8})
    told = _told(call)

    assert [len(entry["embedding"]) for entry in told["data"]] == [8] * count
    assert told["usage"] == {"prompt_tokens": tokens, "total_tokens": tokens}
    charge = embeddings(call).charge
    assert charge
    assert charge.usage == Usage(input=tokens)


@pytest.mark.parametrize(
    ("body", "says"),
    [
        pytest.param({"input": ""}, "Invalid 'input'", id="an empty text"),
        pytest.param({"input": []}, "Invalid", id="no texts"),
        pytest.param({"input": [[]]}, "Invalid 'input'", id="no tokens"),
        pytest.param({"input": 5}, "Invalid type for 'input'", id="a number"),
        pytest.param({"input": "a " * 9_000}, "expected from 1 to 8192 tokens", id="too long"),
        pytest.param({"input": ["a " * 8_000] * 40}, "300000 in all", id="too much"),
        pytest.param({"input": "a", "dimensions": 9_999}, "specifying dimensions", id="too many dimensions"),
        pytest.param(
            {"input": "a", "dimensions": 5, "model": "text-embedding-ada-002"},
            "specifying dimensions",
            id="never fewer",
        ),
        pytest.param({"input": "a", "model": "gpt-5.5"}, "does not exist", id="no embedding model"),
        pytest.param({"input": "a", "encoding": "x"}, "Unknown parameter: 'encoding'", id="misspelt"),
    ],
)
def test_a_mistake_is_refused(make_call: Callable[..., Call], body: dict[str, Any], says: str) -> None:
    with pytest.raises(Problem, match=says):
        embeddings(make_call({"model": SMALL} | body))


def test_missing_usage_is_nowhere(make_call: Callable[..., Call]) -> None:
    assert "usage" not in _told(make_call({"model": SMALL, "input": "a"}, faults=parse("usage=missing")))


def test_unknown_fields_pass_where_the_settings_say_so(make_call: Callable[..., Call]) -> None:
    settings = Settings(accept_unknown_fields=True)

    assert _told(make_call({"model": SMALL, "input": "a", "odd": 1}, settings=settings))["model"] == SMALL

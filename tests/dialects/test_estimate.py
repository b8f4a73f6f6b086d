from typing import Any

import pytest
from hypothesis import given
from hypothesis import strategies as st

from seawall.dialects.estimate import IMAGE_TOKENS, estimate_tokens

LONG = "QUJD" * 1000
TEXT = "word " * 1000
BODIES = st.recursive(
    st.none() | st.booleans() | st.integers(0, 9) | st.text(max_size=30),
    lambda inner: st.lists(inner, max_size=4) | st.dictionaries(st.text(max_size=5), inner, max_size=4),
    max_leaves=20,
)


@pytest.mark.parametrize(
    ("fields", "tokens"),
    [
        pytest.param({}, 0, id="nothing"),
        pytest.param({"a": "bcdef"}, 2, id="six letters, the name too"),
        pytest.param({"a": "bcdefg"}, 3, id="seven are three, rounded up"),
        pytest.param({"": "漢字"}, 2, id="bytes count, not characters"),
        pytest.param({"": [1, 2.5, None, True]}, 4, id="each number is a token"),
        pytest.param({"": {"": [{"": "abc"}]}}, 1, id="however deep"),
        pytest.param({"": {"type": "base64", "data": LONG}}, IMAGE_TOKENS + 5, id="an image of Anthropic's"),
        pytest.param({"": {"data": LONG, "format": "wav"}}, IMAGE_TOKENS + 5, id="a sound of OpenAI's"),
        pytest.param({"": {"url": "data:image/png;base64," + LONG}}, IMAGE_TOKENS + 1, id="an image of OpenAI's"),
        pytest.param({"file_data": "data:application/pdf;base64," + LONG}, IMAGE_TOKENS + 3, id="a file of OpenAI's"),
        pytest.param({"": {"data": "QUJD", "type": "base64"}}, 6, id="a short one is text"),
        pytest.param({"": {"type": "text", "data": TEXT}}, 1671, id="a plain text document is text"),
        pytest.param({"": {"data": TEXT}}, 1668, id="data that nobody calls base64 is text"),
        pytest.param({"": "data:;base64," + TEXT}, 1671, id="a text that begins like a data URL is text"),
        pytest.param({"url": "data:" + TEXT}, 1670, id="a data URL without base64 is text"),
    ],
)
def test_a_prompt_is_estimated(fields: dict[str, Any], tokens: int) -> None:
    assert estimate_tokens(fields) == tokens


@given(st.dictionaries(st.text(max_size=5), BODIES, max_size=4), st.text(max_size=50))
def test_more_text_is_never_fewer_tokens(fields: dict[str, Any], more: str) -> None:
    assert estimate_tokens({**fields, "more than before": more}) >= estimate_tokens(fields)

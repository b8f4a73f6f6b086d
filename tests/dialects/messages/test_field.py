from collections.abc import Callable
from typing import Any

import pytest

from seawall.core.error import BadRequest
from seawall.dialects.messages import field


@pytest.mark.parametrize(
    ("read", "value"),
    [
        pytest.param(field.as_text, "", id="a text"),
        pytest.param(field.as_filled, "a", id="a filled text"),
        pytest.param(field.as_object, {}, id="an object"),
        pytest.param(field.as_list, [], id="a list"),
        pytest.param(field.as_flag, False, id="a flag"),
        pytest.param(field.as_flag, None, id="no flag"),
        pytest.param(field.as_count, 0, id="a count"),
        pytest.param(field.as_number, 1.5, id="a number"),
        pytest.param(field.as_number, None, id="no number"),
    ],
)
def test_a_good_value_is_taken(read: Callable[[Any, str], Any], value: object) -> None:
    assert read(value, "a.b") == value


@pytest.mark.parametrize(
    ("read", "value"),
    [
        pytest.param(field.as_text, None, id="no text"),
        pytest.param(field.as_filled, "", id="an empty text"),
        pytest.param(field.as_object, [], id="a list as object"),
        pytest.param(field.as_list, "secret", id="a text as list"),
        pytest.param(field.as_flag, 1, id="a number as flag"),
        pytest.param(field.as_count, True, id="a flag as count"),
        pytest.param(field.as_count, -1, id="a count below its least"),
        pytest.param(field.as_number, False, id="a flag as number"),
    ],
)
def test_a_bad_value_is_named_by_its_place_and_not_repeated(read: Callable[[Any, str], Any], value: object) -> None:
    with pytest.raises(BadRequest, match=r"^a\.b: expected ") as refusal:
        read(value, "a.b")

    assert refusal.value.param == "a.b"
    assert "secret" not in str(refusal.value)


def test_a_choice_lists_what_could_be_chosen() -> None:
    with pytest.raises(BadRequest, match="one of x, y"):
        field.as_choice("z", ("x", "y"), "a")

from collections.abc import Callable
from typing import Any

import pytest

from seawall.core.error import BadRequest
from seawall.dialects.field import (
    as_ceiling,
    as_choice,
    as_count,
    as_flag,
    as_list,
    as_name,
    as_number,
    as_object,
    as_text,
)


def _role(value: Any, path: str) -> str:
    return as_choice(value, ("user", "tool"), path)


@pytest.mark.parametrize(
    ("take", "value"),
    [
        pytest.param(as_text, "", id="a text"),
        pytest.param(as_name, "x", id="a name"),
        pytest.param(as_object, {}, id="an object"),
        pytest.param(as_list, [], id="a list"),
        pytest.param(_role, "tool", id="a choice"),
        pytest.param(as_flag, None, id="no flag"),
        pytest.param(as_flag, False, id="a flag"),
        pytest.param(as_ceiling, None, id="no ceiling"),
        pytest.param(as_count, 0, id="a count"),
        pytest.param(as_ceiling, 1, id="a ceiling"),
        pytest.param(as_number, None, id="no number"),
        pytest.param(as_number, 1, id="a whole number"),
        pytest.param(as_number, 0.5, id="a number"),
    ],
)
def test_what_is_as_it_has_to_be_is_taken(take: Callable[[Any, str], Any], value: Any) -> None:  # any JSON value
    assert take(value, "x") == value


@pytest.mark.parametrize(
    ("take", "value", "expected"),
    [
        pytest.param(as_text, 1, "a string", id="a text"),
        pytest.param(as_name, "", "a string that is not empty", id="an empty name"),
        pytest.param(as_name, None, "a string", id="no name"),
        pytest.param(as_object, [], "an object", id="an object"),
        pytest.param(as_list, "secret", "a list", id="a list"),
        pytest.param(_role, "secret", "one of user, tool", id="another choice"),
        pytest.param(_role, ["user"], "one of user, tool", id="a choice in a list"),
        pytest.param(as_flag, 1, "true or false", id="a flag"),
        pytest.param(as_ceiling, 0, "a whole number from 1", id="a ceiling of nothing"),
        pytest.param(as_count, True, "a whole number from 0", id="a count that is a flag"),
        pytest.param(as_count, None, "a whole number from 0", id="no count"),
        pytest.param(as_count, -1, "a whole number from 0", id="a count below its least"),
        pytest.param(as_number, True, "a number", id="a number that is a flag"),
        pytest.param(as_number, "1", "a number", id="a number in a text"),
    ],
)
def test_what_is_not_is_named_by_its_path_and_never_repeated(
    take: Callable[[Any, str], Any],
    value: Any,  # any JSON value
    expected: str,
) -> None:
    with pytest.raises(BadRequest) as caught:
        take(value, "messages.3.role")

    assert (str(caught.value), caught.value.param) == (f"messages.3.role: expected {expected}", "messages.3.role")

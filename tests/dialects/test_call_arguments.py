import pytest

from seawall.dialects.call_arguments import is_object


@pytest.mark.parametrize(
    ("text", "expected"),
    [
        pytest.param("{}", True, id="empty"),
        pytest.param(' {"a": [1]} ', True, id="with space around"),
        pytest.param("", False, id="nothing"),
        pytest.param("[]", False, id="a list"),
        pytest.param('{"a": 1', False, id="cut off"),
        pytest.param('{"a": NaN}', False, id="no JSON"),
        pytest.param('{"a": "\ud800"}', False, id="half a surrogate pair"),
    ],
)
def test_only_the_json_of_an_object_is_one(text: str, expected: bool) -> None:
    assert is_object(text) is expected

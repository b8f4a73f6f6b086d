import pytest
from hypothesis import given
from hypothesis import strategies as st

from seawall.upstreams.request_line import checked_line


@given(method=st.text(max_size=8), path=st.text(max_size=20))
def test_line_has_exactly_two_words_or_is_refused(method: str, path: str) -> None:
    try:
        line = checked_line(method, path)
    except ValueError:
        return

    assert line.split() == [method.encode(), path.encode()]
    assert line.isascii()


def test_query_may_be_there() -> None:
    assert checked_line("GET", "/v1/models?limit=5") == b"GET /v1/models?limit=5"


@pytest.mark.parametrize("path", ["/a b", "/a\r\nx: y", "/\x00", "v1", "", "/ä", "/a\x7f"])
def test_dangerous_paths_are_refused(path: str) -> None:
    with pytest.raises(ValueError, match="request line"):
        checked_line("GET", path)

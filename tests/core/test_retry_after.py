import math
from datetime import UTC, datetime
from email.utils import format_datetime

import pytest
from hypothesis import given
from hypothesis import strategies as st

from seawall.core.retry_after import retry_after_s
from seawall.testing.clock import START_WALL_S

NOW = START_WALL_S


def _date(after_s: float) -> bytes:
    return format_datetime(datetime.fromtimestamp(NOW + after_s, UTC), usegmt=True).encode()


@pytest.mark.parametrize(
    ("headers", "expected"),
    [
        pytest.param({}, None, id="nothing said"),
        pytest.param({b"retry-after": b"7"}, 7.0, id="seconds"),
        pytest.param({b"retry-after": b" 7 "}, 7.0, id="spaces around"),
        pytest.param({b"retry-after": b"0.25"}, 0.25, id="a fraction"),
        pytest.param({b"retry-after": b".5"}, 0.5, id="a fraction without its zero"),
        pytest.param({b"retry-after": b"0"}, None, id="zero"),
        pytest.param({b"retry-after": b"-3"}, None, id="negative"),
        pytest.param({b"retry-after": b"1000000000"}, 1e9, id="a billion"),
        pytest.param({b"retry-after": b"9" * 400}, None, id="beyond every number"),
        pytest.param({b"retry-after": b"1e3"}, None, id="an exponent"),
        pytest.param({b"retry-after": b"inf"}, None, id="infinite"),
        pytest.param({b"retry-after": b"nan"}, None, id="not a number"),
        pytest.param({b"retry-after": b"1_0"}, None, id="Python's own spelling"),
        pytest.param({b"retry-after": b"soon"}, None, id="garbage"),
        pytest.param({b"retry-after": b"\xff\x00"}, None, id="bytes of nobody"),
        pytest.param({b"retry-after": b"Sat, 21 Nov 2026 00:00:0" * 9}, None, id="too long for a date"),
        pytest.param({b"retry-after": b"Sat, 99 Nov 2026 00:00:00 GMT"}, None, id="a day that is none"),
        pytest.param({b"retry-after": _date(30)}, 30.0, id="a date"),
        pytest.param({b"retry-after": b"Sat, 21 Nov 2026 00:00:30 -0000"}, 30.0, id="a date without a zone"),
        pytest.param({b"retry-after": b"Sat, 21 Nov 2026 01:00:30 +0100"}, 30.0, id="a date elsewhere"),
        pytest.param({b"retry-after": _date(0)}, None, id="a date that is now"),
        pytest.param({b"retry-after": _date(-30)}, None, id="a date that is past"),
        pytest.param({b"retry-after-ms": b"1500"}, 1.5, id="milliseconds"),
        pytest.param({b"retry-after-ms": b"250", b"retry-after": b"1"}, 0.25, id="milliseconds are more exact"),
        pytest.param({b"retry-after-ms": b"-1", b"retry-after": b"1"}, 1.0, id="milliseconds that say nothing"),
    ],
)
def test_a_demand_is_read(headers: dict[bytes, bytes], expected: float | None) -> None:
    assert retry_after_s(headers.items(), NOW) == expected


@given(value=st.binary(max_size=80) | st.text(max_size=40).map(str.encode), name=st.sampled_from(["", "-ms"]))
def test_whatever_comes_is_a_finite_wait_or_nothing(value: bytes, name: str) -> None:
    found = retry_after_s([(b"retry-after" + name.encode(), value)], NOW)

    assert found is None or 0 < found < math.inf

import pytest
from hypothesis import given
from hypothesis import strategies as st

from seawall.upstreams.reply_head import PASSED, PASSED_PREFIXES, passed_on


@pytest.mark.parametrize(
    "name",
    [
        *sorted(PASSED),
        b"anthropic-ratelimit-requests-remaining",
        b"anthropic-fast-output-tokens-limit",
        b"x-ratelimit-reset-tokens",
    ],
)
def test_client_sees_what_it_acts_on(name: bytes) -> None:
    assert passed_on([(name, b"12")]) == [(name, b"12")]


@pytest.mark.parametrize(
    "name",
    [
        b"set-cookie",
        b"content-type",
        b"content-length",
        b"transfer-encoding",
        b"connection",
        b"server",
        b"openai-organization",
        b"anthropic-organization-id",
        b"x-seawall-cost-usd",
        b"anthropic-ratelimit",
    ],
)
def test_everything_else_stays_here(name: bytes) -> None:
    assert passed_on([(name, b"x")]) == []


def test_order_and_repeats_are_kept() -> None:
    fields = [(b"x-request-id", b"1"), (b"retry-after", b"2"), (b"x-request-id", b"3")]

    assert passed_on([*fields, (b"via", b"x")]) == fields


@pytest.mark.parametrize(
    "field",
    [
        (b"request-id", b"a\r\nset-cookie: x"),
        (b"request-id", b"caf\xc3\xa9"),
        (b"request-id", b"x" * 9000),
        (b"x-ratelimit-a b", b"1"),
        (b"x-ratelimit-\r\n", b"1"),
        (b"x-ratelimit-Upper", b"1"),
    ],
)
def test_unfit_field_is_left_out_and_the_others_stay(field: tuple[bytes, bytes]) -> None:
    good = (b"retry-after", b"2")

    assert passed_on([good, field, good]) == [good, good]


@given(
    fields=st.lists(
        st.tuples(st.one_of(st.sampled_from([b"x-request-id", *PASSED_PREFIXES]), st.binary()), st.binary()), max_size=6
    )
)
def test_nothing_unfit_ever_passes(fields: list[tuple[bytes, bytes]]) -> None:
    for name, value in passed_on(fields):
        assert b"\n" not in name + value
        assert name.isascii()
        assert value.isascii()

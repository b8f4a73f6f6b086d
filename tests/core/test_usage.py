import pytest
from hypothesis import given
from hypothesis import strategies as st
from msgspec.structs import replace

from seawall.core.usage import NO_USAGE, Usage

COUNTS = st.integers(0, 10**9)
USAGES = st.builds(Usage, *[COUNTS] * len(Usage.__struct_fields__))


@given(usage=USAGES)
def test_every_token_is_in_exactly_one_bucket(usage: Usage) -> None:
    tokens = [getattr(usage, name) for name in Usage.__struct_fields__ if name != "web_searches"]

    assert usage.prompt + usage.billed_output == sum(tokens)


@given(usage=USAGES)
def test_buckets_that_add_up_to_the_providers_totals_are_sound(usage: Usage) -> None:
    assert usage.is_sound()
    assert usage.is_sound(prompt_total=usage.prompt, output_total=usage.billed_output)


@given(usage=USAGES, off_by=st.integers(1, 100))
def test_buckets_that_do_not_add_up_are_unsound(usage: Usage, off_by: int) -> None:
    assert not usage.is_sound(prompt_total=usage.prompt + off_by)
    assert not usage.is_sound(output_total=usage.billed_output - off_by)


@pytest.mark.parametrize("bucket", Usage.__struct_fields__)
def test_a_negative_count_is_unsound(bucket: str) -> None:
    assert not replace(NO_USAGE, **{bucket: -1}).is_sound()


def test_nothing_used_is_sound_and_empty() -> None:
    assert Usage() == NO_USAGE
    assert NO_USAGE.is_sound(prompt_total=0, output_total=0)

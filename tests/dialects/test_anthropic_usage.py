import msgspec
from hypothesis import given
from hypothesis import strategies as st

from seawall.core.usage import Usage
from seawall.dialects.anthropic_usage import UsageObject, sorted_usage, usage_fields


@given(usage=st.builds(Usage, *[st.integers(0, 2**28)] * 7))
def test_buckets_come_back_as_they_were_written(usage: Usage) -> None:
    written = msgspec.convert(usage_fields(usage), UsageObject)

    assert sorted_usage(written) == (usage, "reported")


def test_a_newer_count_overwrites_only_what_it_tells() -> None:
    usage = UsageObject(input_tokens=3, output_tokens=1)

    usage.overlay(UsageObject(output_tokens=5))

    assert (usage.input_tokens, usage.output_tokens) == (3, 5)

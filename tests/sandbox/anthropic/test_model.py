import pytest

from seawall.sandbox.anthropic.model import CLAUDE, RETIRED, find


def test_a_model_is_found_by_its_name_and_its_dated_name() -> None:
    assert find("claude-opus-4-5") is find("claude-opus-4-5-20251101")
    assert find("claude-opus-9") is None


def test_a_retired_model_is_found_by_its_dated_name_and_listed_nowhere() -> None:
    found = find("claude-3-haiku-20240307")

    assert found is RETIRED["claude-3-haiku"]
    assert found.name == "Claude Haiku 3"
    assert find("claude-3-haiku") is None
    assert not CLAUDE.keys() & RETIRED.keys()


@pytest.mark.parametrize(
    ("name", "shown"),
    [
        ("claude-opus-5-5", "Claude Opus 5.5"),
        ("claude-fable-5", "Claude Fable 5"),
        ("claude-haiku-4-5", "Claude Haiku 4.5"),
    ],
)
def test_a_model_has_a_name_for_people(name: str, shown: str) -> None:
    assert CLAUDE[name].name == shown


def test_the_minimum_of_the_prompt_cache_is_one_of_four() -> None:
    by_least = {
        least: {m.id for m in CLAUDE.values() if m.least_cached == least} for least in (512, 1_024, 2_048, 4_096)
    }

    assert by_least[2_048] == {"claude-opus-4-7"}
    assert by_least[4_096] == {"claude-opus-4-6", "claude-opus-4-5", "claude-haiku-4-5"}
    assert by_least[1_024] == {"claude-opus-4-8", "claude-sonnet-5", "claude-sonnet-4-6", "claude-sonnet-4-5"}
    assert sum(map(len, by_least.values())) == len(CLAUDE)


def test_only_the_4_5_family_can_be_prefilled_and_no_model_of_4_7_or_later_takes_sampling() -> None:
    assert {m.id for m in CLAUDE.values() if m.can_prefill} == {
        "claude-opus-4-5",
        "claude-sonnet-4-5",
        "claude-haiku-4-5",
    }
    assert {m.id for m in CLAUDE.values() if m.can_sample and not m.can_prefill} == {
        "claude-opus-4-6",
        "claude-sonnet-4-6",
    }

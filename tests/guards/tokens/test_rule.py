from typing import Any

import pytest
from hypothesis import given
from hypothesis import strategies as st

from seawall.core.verdict import ALLOW, Degrade, Refuse
from seawall.dialects.estimate import estimate_tokens
from seawall.guards.tokens.rule import decide_input, decide_output, fitted_thinking
from seawall.guards.tokens.settings import TokenSettings

CLAMP = TokenSettings(max_tokens=1000)
REFUSE = TokenSettings(max_tokens=1000, refuse_above=True)
BODIES = st.recursive(
    st.none() | st.booleans() | st.integers(0, 9) | st.text(max_size=30),
    lambda inner: st.lists(inner, max_size=4) | st.dictionaries(st.text(max_size=5), inner, max_size=4),
    max_leaves=20,
)


@pytest.mark.parametrize(
    ("asked", "clamped", "refused"),
    [
        pytest.param(None, "tokens.filled", "tokens.filled", id="nothing"),
        pytest.param(0, None, None, id="zero warms a cache"),
        pytest.param(1, None, None, id="one"),
        pytest.param(1000, None, None, id="the ceiling"),
        pytest.param(1001, "tokens.clamped", "tokens.above_ceiling", id="above"),
        pytest.param(10**30, "tokens.clamped", "tokens.above_ceiling", id="far above"),
        pytest.param(-1, "request.invalid", "request.invalid", id="negative"),
        pytest.param(True, "request.invalid", "request.invalid", id="yes is no number"),
        pytest.param(10.0, "request.invalid", "request.invalid", id="a float"),
        pytest.param("10", "request.invalid", "request.invalid", id="a text"),
        pytest.param([10], "request.invalid", "request.invalid", id="a list"),
    ],
)
def test_what_becomes_of_a_ceiling(asked: object, clamped: str | None, refused: str | None) -> None:
    verdicts = [decide_output(settings, asked) for settings in (CLAMP, REFUSE)]

    assert [None if verdict == ALLOW else getattr(verdict, "code", "") for verdict in verdicts] == [clamped, refused]


@pytest.mark.parametrize(
    ("ceiling", "asked", "fitted"),
    [
        pytest.param(2000, {"type": "enabled", "budget_tokens": 1999}, None, id="room for a word"),
        pytest.param(
            2000,
            {"type": "enabled", "budget_tokens": 2000, "display": "omitted"},
            {"type": "enabled", "budget_tokens": 1999, "display": "omitted"},
            id="no room",
        ),
        pytest.param(
            1025, {"type": "enabled", "budget_tokens": 9000}, {"type": "enabled", "budget_tokens": 1024}, id="the least"
        ),
        pytest.param(1024, {"type": "enabled", "budget_tokens": 9000}, {"type": "disabled"}, id="less than the least"),
        pytest.param(1000, {"type": "adaptive"}, None, id="no budget"),
        pytest.param(1000, {"type": "enabled", "budget_tokens": "2000"}, None, id="an odd budget"),
        pytest.param(1000, "enabled", None, id="odd thinking"),
        pytest.param(1000, None, None, id="none"),
    ],
)
def test_thinking_leaves_room_for_an_answer_under_the_ceiling(
    ceiling: int, asked: object, fitted: dict[str, Any] | None
) -> None:
    assert fitted_thinking(TokenSettings(ceiling), asked) == fitted


@given(st.integers(1, 10**6), st.booleans(), st.one_of(st.none(), st.integers(-5, 10**7), st.text(max_size=3)))
def test_no_call_goes_on_above_the_ceiling(ceiling: int, refuse_above: bool, asked: object) -> None:
    verdict = decide_output(TokenSettings(ceiling, refuse_above=refuse_above), asked)

    if isinstance(verdict, Degrade):
        assert asked is None or (isinstance(asked, int) and asked > ceiling and not refuse_above)
    elif not isinstance(verdict, Refuse):
        assert isinstance(asked, int)
        assert 0 <= asked <= ceiling


def test_the_refusal_names_what_was_found_and_the_ceiling() -> None:
    verdict = decide_output(REFUSE, 5000)

    assert isinstance(verdict, Refuse)
    assert "5000" in verdict.note
    assert "1000" in verdict.note


@given(st.dictionaries(st.text(max_size=5), BODIES, max_size=4), st.integers(1, 200))
def test_a_prompt_fits_or_is_refused_with_both_numbers(fields: dict[str, Any], ceiling: int) -> None:
    verdict = decide_input(TokenSettings(1, max_input_tokens=ceiling), fields)
    estimate = estimate_tokens(fields)

    if estimate <= ceiling:
        assert verdict == ALLOW
    else:
        assert isinstance(verdict, Refuse)
        assert verdict.code == "tokens.input_above_ceiling"
        assert f"about {estimate} " in verdict.note
        assert verdict.note.endswith(f"{ceiling}")


def test_without_a_cap_every_prompt_fits() -> None:
    assert decide_input(TokenSettings(1), {"a": "x" * 10**6}) == ALLOW

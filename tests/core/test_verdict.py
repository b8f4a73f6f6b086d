from typing import assert_never

import pytest

from seawall.core.verdict import ALLOW, Allow, Degrade, Refuse, Verdict


def _word(verdict: Verdict) -> str:
    match verdict:
        case Allow():
            return "allowed"
        case Degrade(code=code) | Refuse(code=code):
            return code
        case _:
            assert_never(verdict)


@pytest.mark.parametrize(
    ("verdict", "word"),
    [
        pytest.param(ALLOW, "allowed", id="go on"),
        pytest.param(Degrade("budget.pressure"), "budget.pressure", id="go on with less"),
        pytest.param(Refuse("budget.exhausted", "no money left"), "budget.exhausted", id="stop here"),
    ],
)
def test_the_three_verdicts_are_all_there_are(verdict: Verdict, word: str) -> None:
    assert _word(verdict) == word


def test_verdicts_are_values() -> None:
    assert Refuse("a", "b") == Refuse("a", "b")
    assert Allow() == ALLOW
    assert Degrade("a").note == ""

from collections.abc import Sequence

import pytest
from hypothesis import given
from hypothesis import strategies as st

from seawall.telemetry.spending.rule.episode import Phase, Signal, next_phase

ON = Signal(is_on=True, is_calm=False, is_over=False)
BETWEEN = Signal(is_on=False, is_calm=False, is_over=False)
CALM = Signal(is_on=False, is_calm=True, is_over=False)
OVER = Signal(is_on=False, is_calm=True, is_over=True)
LONG_LOW = Signal(is_on=False, is_calm=False, is_over=True)


@pytest.mark.parametrize(
    ("phase", "signal", "expected"),
    [
        pytest.param(Phase.QUIET, ON, Phase.FIRING, id="goes on"),
        pytest.param(Phase.QUIET, CALM, Phase.QUIET, id="nothing wrong"),
        pytest.param(Phase.FIRING, BETWEEN, Phase.FIRING, id="a little less is not calm"),
        pytest.param(Phase.FIRING, LONG_LOW, Phase.FIRING, id="the short lookback puts it out"),
        pytest.param(Phase.FIRING, CALM, Phase.CALM, id="goes out"),
        pytest.param(Phase.FIRING, OVER, Phase.QUIET, id="is over at once"),
        pytest.param(Phase.CALM, BETWEEN, Phase.CALM, id="still in sight"),
        pytest.param(Phase.CALM, ON, Phase.FIRING, id="comes back"),
        pytest.param(Phase.CALM, OVER, Phase.QUIET, id="is over"),
    ],
)
def test_an_alarm_moves_on(phase: Phase, signal: Signal, expected: Phase) -> None:
    assert next_phase(phase, signal) is expected


@given(st.lists(st.sampled_from([ON, BETWEEN, CALM])))
def test_there_is_one_episode_until_it_is_over(signals: Sequence[Signal]) -> None:
    phase, begun = Phase.QUIET, 0
    for signal in signals:
        after = next_phase(phase, signal)
        begun += phase is Phase.QUIET and after is Phase.FIRING
        phase = after

    assert begun <= 1

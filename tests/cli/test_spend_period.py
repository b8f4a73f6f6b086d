import json
from collections.abc import Callable
from datetime import UTC
from pathlib import Path

import pytest

from seawall.cli.spend_period import print_period
from seawall.core.record import CallRecord
from seawall.telemetry.period import Period

AT_S = 1_790_899_200.0
Capsys = pytest.CaptureFixture[str]


def test_the_dearest_name_comes_first_and_the_sum_last(
    state_dir: Path, journal: Callable[..., None], capsys: Capsys
) -> None:
    journal(
        CallRecord("req_1", AT_S, team="a", cost_nusd=5),
        CallRecord("req_2", AT_S, team="b", cost_nusd=7),
        CallRecord("req_3", AT_S + 60, team="b", cost_nusd=90),
    )

    print_period(state_dir, "team", Period(AT_S, AT_S + 60), UTC, as_json=False)

    head, *table = capsys.readouterr().out.splitlines()
    assert head == "from 2026-10-02 00:00:00 until 2026-10-02 00:01:00 (UTC)"
    assert [(line.split()[0], line.split()[-1]) for line in table] == [
        ("TEAM", "COST"),
        ("b", "$0.000000007"),
        ("a", "$0.000000005"),
        ("total", "$0.000000012"),
    ]


def test_json_is_one_object_a_name(state_dir: Path, journal: Callable[..., None], capsys: Capsys) -> None:
    journal(CallRecord("req_1", AT_S, team="a", cost_nusd=5))

    print_period(state_dir, "team", Period(AT_S), UTC, as_json=True)

    said = json.loads(capsys.readouterr().out)
    assert (said["team"], said["cost_nusd"]) == ("a", 5)

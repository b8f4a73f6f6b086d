import json
from pathlib import Path
from typing import Any

import pytest

from tests.architecture.coverage_gate import gaps, is_gated, main
from tests.architecture.layout import SOURCE, python_files, shown


def _report(**changes: dict[str, Any]) -> dict[str, Any]:
    whole: dict[str, Any] = {"missing_lines": [], "missing_branches": []}
    files: dict[str, Any] = {shown(path): whole for path in python_files(SOURCE)}
    return {"files": files | changes, "totals": {"percent_covered": 87.5}}


@pytest.mark.parametrize(
    ("name", "expected"),
    [
        pytest.param("core/money.py", True, id="a word"),
        pytest.param("guards/tokens/rule.py", True, id="a rule"),
        pytest.param("guards/tokens/rule/image.py", True, id="a part of a large rule"),
        pytest.param("guards/tokens/guard.py", False, id="a guard"),
        pytest.param("policy/load.py", False, id="anything else"),
    ],
)
def test_core_and_rules_are_gated(name: str, expected: bool) -> None:
    assert is_gated(SOURCE / name) is expected


def test_a_whole_report_has_no_gap() -> None:
    assert gaps(_report()) == []


def test_a_line_that_never_ran_is_named() -> None:
    report = _report(**{"src/seawall/core/money.py": {"missing_lines": [7], "missing_branches": [[7, 9]]}})

    assert gaps(report) == ["src/seawall/core/money.py:7: line never ran"]


def test_a_branch_that_was_never_taken_is_named() -> None:
    missing = {"missing_lines": [], "missing_branches": [[5, 9], [6, -4]]}

    assert gaps(_report(**{"src/seawall/core/money.py": missing})) == [
        "src/seawall/core/money.py:5: never went on to line 9",
        "src/seawall/core/money.py:6: never went on to the end",
    ]


def test_gaps_elsewhere_are_let_through() -> None:
    assert gaps(_report(**{"src/seawall/cli/main.py": {"missing_lines": [1], "missing_branches": []}})) == []


def test_a_gated_file_that_was_not_measured_is_a_gap() -> None:
    report = _report()
    del report["files"]["src/seawall/core/money.py"]

    assert gaps(report) == ["src/seawall/core/money.py: not measured"]


def test_the_gate_says_yes_or_no_by_its_exit_code(tmp_path: Path, capsys: pytest.CaptureFixture[str]) -> None:
    file = tmp_path / "report.json"

    file.write_text(json.dumps(_report()))
    assert main([str(file)]) == 0
    file.write_text(
        json.dumps(_report(**{"src/seawall/core/usage.py": {"missing_lines": [3], "missing_branches": []}}))
    )
    assert main([str(file)]) == 1
    assert main([]) == 2
    assert "1 gaps; 87.5 % of everything" in capsys.readouterr().out

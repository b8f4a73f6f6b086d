from pathlib import Path

import click
import pytest

from seawall.cli.policy_file import judge


def test_a_good_policy_is_compiled_and_linted(tmp_path: Path) -> None:
    path = tmp_path / "p.yaml"
    path.write_text("routes: {/a: {model: claude-opus-5}}")

    judgement = judge(path)

    assert judgement.compiled.policy is not None
    assert judgement.findings


def test_a_policy_with_errors_is_not_linted(tmp_path: Path) -> None:
    path = tmp_path / "p.yaml"
    path.write_text("routes: {/a: {modle: claude-opus-5}}")

    judgement = judge(path)

    assert judgement.compiled.policy is None
    assert judgement.compiled.faults
    assert judgement.findings == ()


def test_a_file_that_is_not_there_is_wrong_use(tmp_path: Path) -> None:
    with pytest.raises(click.UsageError, match="there is no file"):
        judge(tmp_path / "none.yaml")


def test_a_folder_is_no_policy(tmp_path: Path) -> None:
    with pytest.raises(click.UsageError, match="there is no file"):
        judge(tmp_path)

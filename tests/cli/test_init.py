from pathlib import Path

from click.testing import CliRunner, Result

from seawall.cli.main import main
from seawall.policy.starter import STARTER


def _run(*words: str) -> Result:
    return CliRunner().invoke(main, list(words))


def test_a_starter_is_written_that_passes_the_check(tmp_path: Path) -> None:
    path = tmp_path / "seawall.yaml"

    written, checked = _run("init", str(path)), _run("check", str(path))

    assert written.exit_code == 0
    assert f"seawall check {path}" in written.output
    assert checked.exit_code == 0
    assert ": error" not in checked.output


def test_a_file_that_is_there_is_kept(tmp_path: Path) -> None:
    path = tmp_path / "seawall.yaml"
    path.write_text("mine")

    result = _run("init", str(path))

    assert result.exit_code == 2
    assert "--force" in result.output
    assert path.read_text() == "mine"


def test_force_replaces_it(tmp_path: Path) -> None:
    path = tmp_path / "seawall.yaml"
    path.write_text("mine" * 1000)

    assert _run("init", str(path), "--force").exit_code == 0
    assert path.read_text() == STARTER


def test_a_place_that_cannot_be_written_exits_2(tmp_path: Path) -> None:
    result = _run("init", str(tmp_path / "none" / "seawall.yaml"))

    assert result.exit_code == 2
    assert "cannot be written" in result.output


def test_a_disk_that_is_full_is_said(tmp_path: Path) -> None:
    path = tmp_path / "seawall.yaml"
    path.symlink_to("/dev/full")

    result = _run("init", str(path), "--force")

    assert result.exit_code == 2
    assert f"{path} cannot be written: No space left on device" in result.output

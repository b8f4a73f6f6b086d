import re
import shutil
import subprocess
from collections.abc import Mapping
from pathlib import Path
from typing import Final

import pytest

from tests.architecture.layout import ROOT, project_files, shown

SCRIPTS: Final = [path for path in project_files() if path.suffix == ".sh" or path == ROOT / ".ci" / "run"]
TOOLS: Final = ("sh", "cat", "cut", "dirname", "env", "grep", "head", "rm", "sha256sum", "printf", "chmod")


@pytest.fixture
def bare(tmp_path: Path) -> Path:
    """Give a machine with a shell and little else: a PATH of its own, and a copy of what the scripts read."""
    tools = tmp_path / "bin"
    tools.mkdir()
    for name in TOOLS:
        (tools / name).symlink_to(shutil.which(name) or f"/bin/{name}")
    shutil.copytree(ROOT / "requirements", tmp_path / "requirements")
    shutil.copy(ROOT / "pyproject.toml", tmp_path)
    return tmp_path


def _tool(bare: Path, name: str, body: str) -> None:
    path = bare / "bin" / name
    path.write_text(f"#!/bin/sh\n{body}\n")
    path.chmod(0o755)


def _run(bare: Path, *words: str, env: Mapping[str, str] | None = None) -> subprocess.CompletedProcess[str]:
    shell = str(bare / "bin" / "sh")
    return subprocess.run(
        [shell, *words],
        cwd=bare,
        env={"PATH": str(bare / "bin"), **(env or {})},
        capture_output=True,
        text=True,
        timeout=30,
        check=False,
    )


@pytest.mark.parametrize("script", SCRIPTS, ids=shown)
def test_a_script_is_one_that_the_shell_can_read(script: Path) -> None:
    shell = script.read_text("utf-8").splitlines()[0].removeprefix("#!").split()[-1]

    subprocess.run([shutil.which(Path(shell).name) or shell, "-n", str(script)], check=True, timeout=30)


def test_every_target_says_what_it_does() -> None:
    makefile = (ROOT / "Makefile").read_text("utf-8")
    public = set(re.findall(r"^([a-z]+):.*?##", makefile, re.MULTILINE))
    done = subprocess.run(["make", "help"], cwd=ROOT, capture_output=True, text=True, check=True, timeout=30)

    assert {line.split()[1] for line in done.stdout.splitlines()} == public
    assert {"serve", "test", "check", "fmt", "bench", "lock", "clean", "help"} <= public


def test_the_build_runs_what_a_developer_runs() -> None:
    assert (ROOT / ".ci" / "run").read_text("utf-8").splitlines()[-1] == "exec make test"


def test_a_machine_without_python_is_told_what_to_install(bare: Path) -> None:
    done = _run(bare, "requirements/environment.sh", "core")

    assert done.returncode == 2
    assert "no Python 3.11 or newer found" in done.stderr
    assert "apt-get install python3" in done.stderr


def test_an_old_python_is_not_taken(bare: Path) -> None:
    _tool(bare, "python3", "exit 1")  # what an old one answers to the question for its version

    done = _run(bare, "requirements/environment.sh", "core")

    assert "no Python 3.11 or newer found" in done.stderr


def test_a_python_without_venv_is_told_which_package_has_it(bare: Path) -> None:
    questions = {
        r"*version_info\ \<*": "exit 0",
        "*%d.%d*": "echo 3.12",
        "--version": "echo Python 3.12.1",
        "*": "exit 1",
    }
    _tool(bare, "python3", "\n".join(['case "$*" in', *(f"{q}) {a} ;;" for q, a in questions.items()), "esac"]))
    _tool(bare, "id", "echo 1000")

    done = _run(bare, "requirements/environment.sh", "core")

    assert done.returncode == 2
    assert "as root: apt-get install python3.12-venv" in done.stderr
    assert not (bare / ".venv").exists()


def test_a_lock_that_is_not_there_is_named(bare: Path) -> None:
    done = _run(bare, "requirements/environment.sh", "production")

    assert done.returncode == 2
    assert "requirements/production.lock is missing" in done.stderr


def test_missing_packages_are_named_to_who_may_not_install_them(bare: Path) -> None:
    _tool(bare, "id", "echo 1000")
    _tool(bare, "apt-get", "echo must not run; exit 3")

    done = _run(bare, "requirements/system.sh", "--package", "one", "two")

    assert done.returncode == 2
    assert done.stderr.splitlines()[-1] == "system: expected them to be installed; as root: apt-get install one two"


def test_what_is_there_is_not_installed_again(bare: Path) -> None:
    _tool(bare, "apt-get", "echo must not run; exit 3")

    assert _run(bare, "requirements/system.sh", "test").returncode == 0


def test_an_unknown_wish_is_wrong_use(bare: Path) -> None:
    done = _run(bare, "requirements/system.sh", "everything")

    assert done.returncode == 2
    assert done.stderr.startswith("usage: system.sh")

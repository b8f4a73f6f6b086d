import configparser
import os
import subprocess
import sys
import tomllib
from email import message_from_string
from pathlib import Path
from typing import Final
from zipfile import ZipFile

import pytest
from packaging.requirements import Requirement
from packaging.utils import canonicalize_name

import seawall
from tests.architecture.layout import ROOT, SOURCE

# What a wheel may carry beside Python: the marker of typed packages, and data that the code reads.
DATA: Final = frozenset({".typed", ".sql", ".toml", ".yaml", ".json", ".html", ".css", ".js"})


@pytest.fixture(scope="module")
def wheel(tmp_path_factory: pytest.TempPathFactory) -> Path:
    folder = tmp_path_factory.mktemp("wheel")
    build = [sys.executable, "-m", "hatchling", "build", "-t", "wheel", "-d", str(folder)]
    subprocess.run(build, cwd=ROOT, check=True, capture_output=True, timeout=50)
    (built,) = folder.glob("*.whl")
    return built


def _names(wheel: Path) -> list[str]:
    with ZipFile(wheel) as archive:
        return archive.namelist()


def _read(wheel: Path, name: str) -> str:
    info = f"seawall-{seawall.__version__}.dist-info"
    with ZipFile(wheel) as archive:
        return archive.read(f"{info}/{name}").decode()


def test_the_wheel_holds_the_package_and_nothing_else(wheel: Path) -> None:
    source = {
        path.relative_to(SOURCE.parent).as_posix()
        for path in SOURCE.rglob("*")
        if path.is_file() and path.parent.name != "__pycache__"
    }
    info = f"seawall-{seawall.__version__}.dist-info/"
    names = set(_names(wheel))

    assert {name for name in names if not name.startswith(info)} == source
    assert {name.removeprefix(info) for name in names if name.startswith(info)} == {
        "METADATA",
        "RECORD",
        "WHEEL",
        "entry_points.txt",
        "licenses/LICENSE",
    }


def test_the_wheel_holds_no_file_that_runs_by_itself(wheel: Path) -> None:
    strange = [name for name in _names(wheel) if "dist-info" not in name and Path(name).suffix not in {".py", *DATA}]

    assert [name for name in strange if not name.endswith("py.typed")] == []
    assert [name for name in _names(wheel) if name.endswith((".pth", ".so", ".pyc")) or ".data/" in name] == []


def test_the_wheel_is_for_every_platform_and_typed(wheel: Path) -> None:
    assert wheel.name == f"seawall-{seawall.__version__}-py3-none-any.whl"
    assert "seawall/py.typed" in _names(wheel)


def test_the_metadata_is_the_projects(wheel: Path) -> None:
    project = tomllib.loads((ROOT / "pyproject.toml").read_text("utf-8"))["project"]
    metadata = message_from_string(_read(wheel, "METADATA"))
    required = [Requirement(line) for line in metadata.get_all("Requires-Dist", [])]

    assert metadata["Name"] == "seawall"
    assert metadata["Version"] == project["version"] == seawall.__version__
    assert metadata["License-Expression"] == "Apache-2.0"
    assert {canonicalize_name(r.name) for r in required if "extra" not in str(r.marker)} == {
        canonicalize_name(Requirement(line).name) for line in project["dependencies"]
    }


def test_the_wheel_brings_one_command(wheel: Path) -> None:
    parser = configparser.ConfigParser()
    parser.read_string(_read(wheel, "entry_points.txt"))

    assert {name: dict(parser[name]) for name in parser.sections()} == {
        "console_scripts": {"seawall": "seawall.__main__:main"}
    }


@pytest.mark.slow
def test_the_installed_command_runs(wheel: Path, tmp_path: Path) -> None:
    pip = [sys.executable, "-m", "pip", "install", "--quiet", "--no-deps", "--no-index", "--no-compile"]
    subprocess.run([*pip, "--target", str(tmp_path), str(wheel)], check=True, capture_output=True, timeout=50)

    path = {**os.environ, "PYTHONPATH": str(tmp_path)}  # noqa: TID251 - a child process gets its parent's
    command = [str(tmp_path / "bin" / "seawall"), "--version"]
    done = subprocess.run(command, env=path, capture_output=True, text=True, check=True, timeout=30)

    assert done.stdout == f"seawall, version {seawall.__version__}\n"

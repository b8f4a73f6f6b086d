import json
import re
import tomllib
from pathlib import Path
from typing import Any, Final

import pytest
from packaging.requirements import Requirement
from packaging.utils import canonicalize_name

from tests.architecture.layout import ROOT, TESTS
from tests.architecture.sizes import CEILING_MB, core_sizes

LOCKS: Final = sorted((ROOT / "requirements").glob("*.lock"))
PIN: Final = re.compile(r"(?P<name>[A-Za-z0-9._-]+)==(?P<version>[A-Za-z0-9.!+_-]+)(?: ; [^\\]+)?")
HASH: Final = re.compile(r"--hash=sha256:[0-9a-f]{64}")


def _project() -> dict[str, Any]:  # TOML has no closer type
    return tomllib.loads((ROOT / "pyproject.toml").read_text("utf-8"))


def _entries(lock: Path) -> list[str]:
    return [entry for entry in lock.read_text("utf-8").replace("\\\n", " ").splitlines() if entry.strip()]


def _pins(name: str) -> dict[str, str]:
    found = (PIN.match(entry) for entry in _entries(ROOT / "requirements" / f"{name}.lock"))
    return {canonicalize_name(pin["name"]): pin["version"] for pin in found if pin}


def _unmet(requirements: list[str], pins: dict[str, str]) -> list[str]:
    asked = [Requirement(line) for line in requirements]
    return [
        str(requirement)
        for requirement in asked
        if not requirement.specifier.contains(pins.get(canonicalize_name(requirement.name), "0"), prereleases=True)
    ]


@pytest.mark.parametrize("lock", LOCKS, ids=lambda lock: lock.name)
def test_a_lock_holds_no_address(lock: Path) -> None:
    text = lock.read_text("utf-8")

    assert "://" not in text
    assert "index-url" not in text


@pytest.mark.parametrize("lock", LOCKS, ids=lambda lock: lock.name)
def test_every_pin_is_exact_and_has_its_hashes(lock: Path) -> None:
    loose = [e.split()[0] for e in _entries(lock) if not PIN.match(e) or not HASH.search(e)]

    assert loose == []
    assert _entries(lock)


def test_everything_that_the_package_needs_is_locked() -> None:
    assert _unmet(_project()["project"]["dependencies"], _pins("core")) == []


def test_everything_that_a_developer_needs_is_locked() -> None:
    project = _project()
    groups = project["dependency-groups"]
    asked = [line for name in ("build", "dev") for line in groups[name] if isinstance(line, str)]
    extras = [line for lines in project["project"]["optional-dependencies"].values() for line in lines]

    assert _unmet(asked + extras, _pins("dev")) == []
    assert _unmet(groups["build"], _pins("build")) == []
    assert _unmet(project["build-system"]["requires"], _pins("build")) == []


def test_what_is_tested_is_what_is_installed() -> None:
    core, build, dev = _pins("core"), _pins("build"), _pins("dev")

    assert {name: dev.get(name) for name in core} == core
    assert {name: dev.get(name) for name in build} == build


def test_the_core_stays_small() -> None:
    assert sum(core_sizes().values()) < CEILING_MB


def test_every_core_dependency_has_its_reasons() -> None:
    page = (ROOT / "docs" / "decisions" / "0002-core-dependencies.md").read_text("utf-8")
    names = [Requirement(line).name for line in _project()["project"]["dependencies"]]

    assert [name for name in names if f"| {name} |" not in page] == []


def test_the_lock_of_the_npm_clients_has_hashes_and_no_address() -> None:
    text = (TESTS / "e2e" / "node" / "package-lock.json").read_text("utf-8")
    packages = json.loads(text)["packages"]

    assert "://" not in text
    assert [name for name, entry in packages.items() if name and not entry["integrity"].startswith("sha512-")] == []

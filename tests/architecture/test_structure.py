from collections.abc import Iterable
from importlib import import_module
from itertools import chain
from pathlib import Path
from typing import Final

from tests.architecture.layout import DOCS, ROOT, SOURCE, TESTS, functions, has_logic, python_files, shown

MAX_FILE: Final = 400
MAX_FUNCTION: Final = 60
NAMELESS: Final = frozenset(
    {"util", "utils", "helper", "helpers", "common", "misc", "base", "manager", "managers", "stuff", "shared"}
)

# Source files with logic and without a test file of their own name, each with the reason.
TESTED_ELSEWHERE: Final = {
    "src/seawall/__init__.py": "tests/test_front_door.py watches what it shows",
    "src/seawall/__main__.py": "two lines that every end-to-end test runs",
    "src/seawall/gateway/supervisor.py": "processes and signals: tests/e2e/process runs it for real",
    "src/seawall/gateway/worker.py": "what it puts together is a whole process: tests/e2e/process runs it for real",
    "src/seawall/testing/keys.py": "the suite itself; tests/stores runs it on every backend",
    "src/seawall/testing/ledger.py": "the suite itself; tests/stores runs it on every backend",
}

# Test folders that mirror no package.
CROSS_CUTTING: Final = frozenset({"architecture", "laws", "e2e", "bench", "typing", "hostile", "canary", "torture"})


def _guard_rooms() -> list[str]:
    entries = (SOURCE / "guards").iterdir()
    return sorted(entry.stem for entry in entries if entry.name not in {"__init__.py", "__pycache__"})


def _test_places(source: Path) -> Iterable[Path]:
    """Give the tests of a source file: in a file or folder of its name, or in those of the package it is a part of.

    Only a package within a room may be tested as a whole; a room's own files have tests of their own names.
    """
    below = source.relative_to(SOURCE)
    whole = below.parents[:-2] if len(below.parts) > 2 else ()
    named = [below.with_suffix(""), *whole]
    return chain.from_iterable(
        chain(
            (TESTS / name.parent).glob(f"test_{name.name}.py"),
            (TESTS / name.parent).glob(f"test_{name.name}_*.py"),
            (TESTS / name).glob("test_*.py") if name == named[0] else (),
        )
        for name in named
    )


def test_no_file_is_longer_than_400_lines() -> None:
    sizes = {path: len(path.read_text("utf-8").splitlines()) for path in python_files(*_all_code())}

    assert [f"{shown(path)}: {lines}" for path, lines in sizes.items() if lines > MAX_FILE] == []


def test_no_function_is_longer_than_60_lines() -> None:
    too_long = [
        f"{shown(path)}:{function.lineno} {function.name}: {length}"
        for path in python_files(*_all_code())
        for function in functions(path)
        if (length := (function.end_lineno or 0) - function.lineno + 1) > MAX_FUNCTION
    ]

    assert too_long == []


def test_every_module_has_a_name_that_says_what_it_is() -> None:
    nameless = [
        shown(path)
        for path in python_files(*_all_code())
        if NAMELESS & {path.stem.removeprefix("test_"), *path.relative_to(ROOT).parts[:-1]}
    ]

    assert nameless == []


def test_every_source_file_with_logic_has_its_test_file() -> None:
    untested = [
        shown(source)
        for source in python_files(SOURCE)
        if shown(source) not in TESTED_ELSEWHERE and has_logic(source) and not any(_test_places(source))
    ]

    assert untested == []


def test_every_exception_names_a_file_that_exists() -> None:
    assert [name for name in TESTED_ELSEWHERE if not (ROOT / name).is_file()] == []


def test_every_test_file_mirrors_a_source_file() -> None:
    mirrored = {test for source in python_files(SOURCE) for test in _test_places(source)}
    orphans = [
        shown(test)
        for test in python_files(TESTS)
        if test.name.startswith("test_")
        and test.parent != TESTS
        and test.relative_to(TESTS).parts[0] not in CROSS_CUTTING
        and test not in mirrored
    ]

    assert orphans == []


def test_every_package_says_what_it_holds() -> None:
    folders = {path.parent for path in python_files(SOURCE)}

    assert [shown(folder) for folder in folders if not (folder / "__init__.py").read_text("utf-8").strip()] == []


def test_every_guard_room_has_its_tests() -> None:
    guards = TESTS / "guards"

    assert [r for r in _guard_rooms() if not (guards / r).is_dir() and not (guards / f"test_{r}.py").is_file()] == []


def test_every_guard_room_has_its_page() -> None:
    assert [room for room in _guard_rooms() if not (DOCS / "rooms" / f"{room}.md").is_file()] == []


def test_every_guard_room_has_its_place_in_the_order() -> None:
    order = import_module("seawall.assembly.order").ORDER

    assert [room for room in _guard_rooms() if room not in order] == []


def test_no_place_in_the_order_is_given_twice() -> None:
    order = import_module("seawall.assembly.order").ORDER

    assert len(set(order)) == len(order)


def _all_code() -> tuple[Path, ...]:
    return SOURCE, TESTS, ROOT / "bench", ROOT / "torture", DOCS

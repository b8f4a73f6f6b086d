"""What the checkout holds, for the tests that watch its shape."""

import ast
from collections.abc import Iterator
from pathlib import Path
from typing import Final

ROOT: Final = Path(__file__).resolve().parents[2]
SOURCE: Final = ROOT / "src" / "seawall"
TESTS: Final = ROOT / "tests"
DOCS: Final = ROOT / "docs"

_KEPT_HIDDEN: Final = frozenset({".ci"})
_MADE: Final = frozenset({"node_modules", "__pycache__", "results", "dist", "build", "htmlcov"})
_SECTIONS: Final = ("src", "tests", "docs", "bench", "torture", "requirements", ".ci")

Function = ast.FunctionDef | ast.AsyncFunctionDef


def _walk(folder: Path) -> Iterator[Path]:
    for path in sorted(folder.iterdir()):
        if path.is_dir():
            if path.name not in _MADE and (not path.name.startswith(".") or path.name in _KEPT_HIDDEN):
                yield from _walk(path)
        elif path.is_file():
            yield path


def project_files() -> list[Path]:
    """Give every file that belongs to the project, found without git, which a downloaded archive has not."""
    top = [path for path in ROOT.iterdir() if path.is_file() and not path.name.startswith(".coverage")]
    nested = [path for name in _SECTIONS if (ROOT / name).is_dir() for path in _walk(ROOT / name)]
    return sorted(top + nested)


def python_files(*folders: Path) -> list[Path]:
    """Give every Python file below these folders."""
    return [path for folder in folders if folder.is_dir() for path in _walk(folder) if path.suffix == ".py"]


def functions(path: Path) -> list[Function]:
    """Give every function and method of a file, nested ones too."""
    tree = ast.parse(path.read_text("utf-8"))
    return [node for node in ast.walk(tree) if isinstance(node, ast.FunctionDef | ast.AsyncFunctionDef)]


def has_logic(path: Path) -> bool:
    """Say whether a file does anything: a record or a Protocol, whose methods are only described, does not."""
    return any(not _is_description(function) for function in functions(path))


def _is_description(function: Function) -> bool:
    return all(
        isinstance(statement, ast.Expr)
        and isinstance(statement.value, ast.Constant)
        and (statement.value.value is Ellipsis or isinstance(statement.value.value, str))
        for statement in function.body
    )


def shown(path: Path) -> str:
    """Write a path as people name it: from the root of the checkout."""
    return path.relative_to(ROOT).as_posix()

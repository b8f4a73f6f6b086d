import json
import re
import subprocess
import sys
import tomllib
from importlib import import_module
from itertools import groupby
from pathlib import Path
from typing import Final

import click
import pytest
from ruamel.yaml import YAML

from docs.generate import PAGE
from seawall.cli.main import COMMANDS
from seawall.policy.load import read_policy
from tests.architecture.layout import ROOT, shown
from tests.architecture.snippet import FREE, SHELLS, Snippet, snippets

ALL: Final = snippets()
TARGETS: Final = frozenset(re.findall(r"^([a-z]+):", (ROOT / "Makefile").read_text("utf-8"), re.MULTILINE))


def _of(*languages: str) -> list[Snippet]:
    return [snippet for snippet in ALL if snippet.language in languages]


def _pages_of_python() -> list[list[Snippet]]:
    plain = [snippet for snippet in _of("python") if "gateway" not in snippet.words]
    return [list(group) for _, group in groupby(plain, key=lambda snippet: snippet.page)]


def test_every_code_block_names_its_language() -> None:
    known = FREE | SHELLS | {"python", "yaml", "json", "toml", "javascript"}

    assert [snippet.place for snippet in ALL if snippet.language not in known] == []


def test_the_python_of_every_page_runs_from_top_to_bottom(tmp_path: Path) -> None:
    for number, page in enumerate(_pages_of_python()):
        script = tmp_path / f"page{number}.py"
        script.write_text("\n".join(f"# {snippet.place}\n{snippet.text}" for snippet in page), "utf-8")

        words = [sys.executable, "-W", "error", str(script)]
        done = subprocess.run(words, cwd=tmp_path, capture_output=True, text=True, timeout=50, check=False)

        assert done.returncode == 0, f"{shown(page[0].page)}\n{done.stderr}"


def test_python_compiles_also_where_it_needs_a_gateway() -> None:
    for snippet in _of("python"):
        compile(snippet.text, snippet.place, "exec")


def test_data_can_be_read() -> None:
    for snippet in _of("json", "toml"):
        read = json.loads if snippet.language == "json" else tomllib.loads

        assert read(snippet.text) is not None, snippet.place


@pytest.mark.parametrize("snippet", _of("yaml"), ids=lambda snippet: snippet.place)
def test_a_policy_that_is_shown_is_a_good_one(snippet: Snippet) -> None:
    if "fragment" in snippet.words:
        assert YAML(typ="safe").load(snippet.text) is not None
    else:
        assert read_policy(snippet.text.encode(), snippet.place).faults == ()


@pytest.mark.parametrize("snippet", _of(*SHELLS), ids=lambda snippet: snippet.place)
def test_every_command_that_is_shown_exists(snippet: Snippet) -> None:
    wrong = [" ".join(words) for words in snippet.commands() if not _exists(words)]

    assert wrong == []


def _exists(words: list[str]) -> bool:
    while words and re.fullmatch(r"[A-Z_]+=.*", words[0]):
        words = words[1:]
    match words:
        case ["make", *targets]:
            return all(target in TARGETS for target in targets if "=" not in target)
        case ["seawall", name, *rest] if name in COMMANDS:
            return _takes(import_module(COMMANDS[name][0]).command, rest)
        case ["seawall", *options]:
            return set(options) <= {"--help", "-h", "--version"}
        case _:
            return True  # the system's own: curl, export, git


def _takes(command: click.Command, words: list[str]) -> bool:
    if isinstance(command, click.Group) and words and words[0] in command.commands:
        return _takes(command.commands[words[0]], words[1:])
    options = {name for parameter in command.params for name in (*parameter.opts, *parameter.secondary_opts)}
    asked = [word.partition("=")[0] for word in words if word.startswith("-") and word != "-"]
    runs_alone = not isinstance(command, click.Group) or command.invoke_without_command
    return runs_alone and set(asked) <= options | {"--help", "-h"}


def test_the_page_of_commands_is_what_the_commands_say() -> None:
    words = [sys.executable, "-m", "docs.generate", "--show"]
    shown_now = subprocess.run(words, cwd=ROOT, capture_output=True, text=True, timeout=50, check=True).stdout

    assert PAGE.read_text("utf-8") == shown_now, "run `make docs`"

import errno
import subprocess
import sys
from importlib import import_module
from importlib.util import find_spec
from typing import Final

import click
import pytest
from click.testing import CliRunner

import seawall
from seawall.cli.main import COMMANDS, LazyGroup, main
from seawall.core.error import NotFound, PolicyError, SeawallError

# Each costs tens of milliseconds to import; the command that needs one imports it.
HEAVY: Final = ("pydantic", "ruamel.yaml", "genai_prices", "httpx2", "uvicorn", "starlette", "apsw")


class _Failing(LazyGroup):
    """The real group with one made-up command that raises."""

    def __init__(self, error: Exception) -> None:
        super().__init__("seawall")
        self._error = error

    def get_command(self, ctx: click.Context, cmd_name: str) -> click.Command:
        del ctx

        def fail() -> None:
            raise self._error

        return click.Command(cmd_name, callback=fail)


def test_help_names_every_command_and_what_it_is_for() -> None:
    result = CliRunner().invoke(main, ["--help"])

    assert result.exit_code == 0
    for name, (_, line) in COMMANDS.items():
        assert f"  {name} " in result.output
        assert " ".join(line.split()[:4]) in result.output


def test_help_imports_nothing_heavy() -> None:
    code = f"""
import sys
from click.testing import CliRunner
from seawall.cli.main import main
assert CliRunner().invoke(main, ["--help"]).exit_code == 0
print(*[name for name in {HEAVY!r} if name in sys.modules], sep=",")
"""
    done = subprocess.run([sys.executable, "-c", code], capture_output=True, text=True, check=True, timeout=30)

    assert done.stdout.strip() == ""


def test_the_version_is_the_packages() -> None:
    result = CliRunner().invoke(main, ["--version"])

    assert result.output == f"seawall, version {seawall.__version__}\n"


@pytest.mark.parametrize("name", COMMANDS)
def test_every_command_has_its_module_and_its_help(name: str) -> None:
    module, line = COMMANDS[name]

    assert find_spec(module) is not None
    command = import_module(module).command
    assert isinstance(command, click.Command)
    assert CliRunner().invoke(main, [name, "--help"]).exit_code == 0
    assert line.endswith(".")


@pytest.mark.parametrize(
    ("word", "said"),
    [("serv", "No such command 'serv'. Did you mean 'serve'?"), ("banana", "No such command 'banana'.\n")],
)
def test_a_misspelt_command_is_wrong_use_and_told_with_the_nearest(word: str, said: str) -> None:
    result = CliRunner().invoke(main, [word])

    assert result.exit_code == 2
    assert said in result.stderr


@pytest.mark.parametrize(
    ("error", "said"),
    [
        (OSError(errno.ENOSPC, "No space left on device"), "seawall: No space left on device\n"),
        (OSError(errno.EROFS, "Read-only file system", "a/b"), "seawall: Read-only file system: a/b\n"),
        (OSError("made up"), "seawall: made up\n"),
    ],
)
def test_what_the_system_refuses_exits_2_with_its_reason(error: OSError, said: str) -> None:
    result = CliRunner().invoke(_Failing(error), ["any"])

    assert (result.exit_code, result.stderr) == (2, said)


def test_a_reader_that_has_seen_enough_is_told_nothing() -> None:
    result = CliRunner().invoke(_Failing(BrokenPipeError(errno.EPIPE, "Broken pipe")), ["any"])

    assert (result.exit_code, result.output) == (1, "")


def test_commands_are_listed_in_the_order_in_which_they_are_met() -> None:
    group = LazyGroup("seawall")

    assert group.list_commands(click.Context(group)) == list(COMMANDS)


def test_a_bad_policy_ends_with_1_and_its_faults() -> None:
    result = CliRunner().invoke(_Failing(PolicyError("policy.yaml:3:5 routes: found a list")), ["fail"])

    assert (result.exit_code, result.stdout) == (1, "")
    assert result.stderr == "policy.yaml:3:5 routes: found a list\n"


def test_any_other_error_of_ours_ends_with_2_and_one_line() -> None:
    result = CliRunner().invoke(_Failing(NotFound("no call 01J")), ["fail"])

    assert (result.exit_code, result.stdout) == (2, "")
    assert result.stderr == "seawall: no call 01J\n"


def test_an_error_that_is_not_ours_is_not_hidden() -> None:
    result = CliRunner().invoke(_Failing(ZeroDivisionError("a fault in the code")), ["fail"])

    assert isinstance(result.exception, ZeroDivisionError)
    assert not isinstance(result.exception, SeawallError)

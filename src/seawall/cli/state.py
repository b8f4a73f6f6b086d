"""The state directory, which every command that keeps or reads state takes in the same way."""

from collections.abc import Callable
from pathlib import Path
from typing import Final, TypeVar

import click

VARIABLE: Final = "SEAWALL_STATE_DIR"
DEFAULT: Final = Path(".seawall")

_Command = TypeVar("_Command", bound=Callable[..., object])


def state_dir_option(command: _Command) -> _Command:
    """Give a command the option `--state-dir`, passed on as `state_dir`."""
    option = click.option(
        "--state-dir",
        type=click.Path(path_type=Path, file_okay=False),
        default=DEFAULT,
        envvar=VARIABLE,
        show_default=True,
        show_envvar=True,
        help="Where keys and records are kept.",
    )
    return option(command)

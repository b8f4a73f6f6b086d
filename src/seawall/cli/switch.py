"""What `seawall kill` and `seawall revive` have in common; nothing here needs more than the state directory."""

import getpass
import logging
import os
from datetime import UTC, datetime
from pathlib import Path

import click

from seawall.cli.output import clean
from seawall.core.switch import Level, parse_level
from seawall.stores.files.switches import SwitchFile

THROUGH = "cli"


class _Errors(logging.Handler):
    """Tell a person at a terminal what went wrong; what a command has changed it tells by itself."""

    def emit(self, record: logging.LogRecord) -> None:
        """Print one line."""
        fields: dict[str, str] = getattr(record, "fields", {})
        click.echo(clean(": ".join([f"seawall: {record.getMessage()}", *fields.values()])), err=True)


def now_s() -> float:
    """Give the wall time in seconds since 1970."""
    return datetime.now(UTC).timestamp()


def open_switches(state_dir: Path) -> SwitchFile:
    """Open the kill switch of a state directory that is there: in a new one it would stop nobody.

    Raises:
        click.UsageError: there is no such directory.
    """
    if not state_dir.is_dir():
        raise click.UsageError(
            f"there is no state directory {state_dir}; name the gateway's own with --state-dir or SEAWALL_STATE_DIR"
        )
    log = logging.getLogger("seawall.killswitch")
    if not log.handlers:
        log.addHandler(_Errors(logging.ERROR))
    return SwitchFile(state_dir, now_s)


def asked_level(text: str) -> Level:
    """Read the level that a command was given.

    Raises:
        click.UsageError: it is none.
    """
    try:
        return parse_level(text)
    except ValueError as error:
        raise click.UsageError(str(error)) from None


def who(by: str) -> str:
    """Give the name for the record: the one that was said, or the user of the operating system."""
    if by:
        return by
    try:
        return getpass.getuser()
    except (KeyError, OSError):  # a container's user without a name
        return f"uid {os.getuid()}"

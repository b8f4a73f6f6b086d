"""How commands read the journal."""

import re
from pathlib import Path
from typing import Final

import click

from seawall.cli.output import clean
from seawall.telemetry.journal import JOURNAL_DIR
from seawall.telemetry.journal.pepper import FILE_NAME, UserHasher, read_pepper
from seawall.telemetry.journal.query import Archive

_HASH: Final = re.compile(r"[0-9a-f]{32}")
NOBODY: Final = "nobody"  # no hash, so that it fits no record


def open_archive(state_dir: Path) -> Archive:
    """Open the journal of a state directory; one that is not there is an empty one."""
    return Archive(state_dir / JOURNAL_DIR)


def print_troubles(archive: Archive) -> None:
    """Say on standard error which files could not be read, so that nobody takes a part for the whole."""
    for name, trouble in archive.troubles.items():
        click.echo(clean(f"seawall: {name} {trouble}"), err=True)


def user_hash(state_dir: Path, user: str) -> str:
    """Give the keyed hash under which a user's calls are recorded; a hash stays as it is.

    Raises:
        Unavailable: the pepper cannot be read.
    """
    if not user or _HASH.fullmatch(user):
        return user
    # Reading makes no pepper: where there is none, nobody's calls were ever recorded.
    return UserHasher(read_pepper(state_dir)).hash(user) if (state_dir / FILE_NAME).exists() else NOBODY

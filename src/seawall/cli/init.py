"""`seawall init`."""

import os
from pathlib import Path

import click

from seawall.cli.policy_file import DEFAULT
from seawall.policy.starter import STARTER


@click.command("init")
@click.argument("file", default=DEFAULT, type=click.Path(path_type=Path))
@click.option("--force", is_flag=True, help="Replace a file that is there.")
def command(file: Path, force: bool) -> None:
    """Write a commented starter policy to FILE.

    Exit codes: 0 written, 2 the file is there already or cannot be written.
    """
    flags = os.O_WRONLY | os.O_CREAT | (os.O_TRUNC if force else os.O_EXCL)
    try:
        descriptor = os.open(file, flags, 0o644)
    except FileExistsError as error:
        raise click.UsageError(f"{file} is there already; --force replaces it") from error
    except OSError as error:
        raise click.UsageError(f"{file} cannot be written: {error.strerror}") from error
    try:
        with os.fdopen(descriptor, "w", encoding="utf-8") as opened:
            opened.write(STARTER)
    except OSError as error:
        raise click.UsageError(f"{file} cannot be written: {error.strerror}") from error
    click.echo(f"Wrote {file}. Next: seawall check {file}")

"""What the commands that judge a policy have in common: reading it, compiling it, and finding what is unsafe."""

import os
from dataclasses import dataclass
from datetime import UTC, datetime
from pathlib import Path
from typing import Final

import click

from seawall.policy.compile import Compiled, Surroundings, compile_policy
from seawall.policy.lint.judged import Finding
from seawall.policy.lint.run import lint
from seawall.policy.load import Reading, read_policy_file
from seawall.policy.reference import PretendedReferences

DEFAULT: Final = "seawall.yaml"
WRONG_USE: Final = 2


@dataclass(frozen=True, slots=True)
class Judgement:
    """A policy file: what was read, what it compiles to, and what is legal but unsafe in it."""

    reading: Reading
    compiled: Compiled
    findings: tuple[Finding, ...]


def judge(path: Path, pins: bytes | None = None) -> Judgement:
    """Judge a policy file and its pins on this machine, whether or not its secrets are here.

    `pins` are judged in the place of the pins file.

    Raises:
        click.UsageError: there is no such file.
    """
    if not path.is_file():
        raise click.UsageError(f"there is no file {path}; `seawall init` writes a policy to start from")
    environment, today = os.environ, datetime.now(UTC).date()  # noqa: TID251 - the command line reads the environment
    reading = read_policy_file(path, pins)
    compiled = compile_policy(reading, Surroundings(PretendedReferences(environment), today))
    if compiled.policy is None or compiled.roster is None:
        return Judgement(reading, compiled, ())
    return Judgement(reading, compiled, lint(reading, compiled.roster, environment, today))

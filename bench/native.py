"""Compile the upstream and the load generator; both are C so that they cost less than what they measure."""

import shutil
import subprocess
from dataclasses import dataclass
from pathlib import Path
from typing import Final

HERE: Final = Path(__file__).parent
BUILD: Final = HERE / ".bench"
FLAGS: Final = ("-O2", "-std=c11", "-Wall", "-Wextra", "-Wshadow", "-Wconversion", "-Werror")
PROGRAMS: Final = {"upstream": ("upstream.c",), "load": ("load.c", "answer.c")}


class BuildError(Exception):
    """The C programs could not be compiled; the message says why."""


@dataclass(frozen=True, slots=True)
class Native:
    """Where the compiled programs are."""

    upstream: Path
    load: Path


def build(into: Path = BUILD) -> Native:
    """Compile both programs into a folder; takes about a second.

    Raises:
        BuildError: there is no C compiler, or it refused.
    """
    compiler = shutil.which("cc") or shutil.which("gcc")
    if compiler is None:
        raise BuildError("no C compiler found; expected `cc` (Debian, Ubuntu: apt-get install gcc libc6-dev)")
    into.mkdir(parents=True, exist_ok=True)
    for program, sources in PROGRAMS.items():
        command = [compiler, *FLAGS, "-o", str(into / program), *(str(HERE / source) for source in sources), "-lm"]
        done = subprocess.run(command, capture_output=True, text=True, timeout=120, check=False)
        if done.returncode != 0:
            raise BuildError(f"{program} does not compile:\n{done.stderr}")
    return Native(upstream=into / "upstream", load=into / "load")

"""The file that names the running gateway's process, for signals."""

import contextlib
import os
from collections.abc import Iterator
from pathlib import Path
from typing import Final

PID_FILE: Final = "serve.pid"


@contextlib.contextmanager
def pid_file(state_dir: Path) -> Iterator[Path]:
    """Keep this process's id in the state directory's `serve.pid` for as long as the block runs.

    The file appears whole or not at all. Of several gateways in one directory it names the last that started; each
    removes only its own. One that was killed leaves it behind.

    Raises:
        OSError: the directory cannot be written.
    """
    path, own = state_dir / PID_FILE, f"{os.getpid()}\n"
    fresh = path.with_name(f"{PID_FILE}.{os.getpid()}")
    with os.fdopen(os.open(fresh, os.O_CREAT | os.O_TRUNC | os.O_WRONLY, 0o600), "w") as file:
        file.write(own)
    fresh.replace(path)
    try:
        yield path
    finally:
        with contextlib.suppress(OSError):
            if path.read_text("ascii") == own:
                path.unlink()

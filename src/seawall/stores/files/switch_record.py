"""The record of who threw which switch, when and why: `killswitch.log`, one JSON object a line."""

import json
import os
from pathlib import Path
from typing import Final

from seawall.core.switch import MAX_BY, MAX_NAME, MAX_WHY, Switch
from seawall.stores.files.switch_text import moment_text

FILE_NAME: Final = "killswitch.log"
MAX_BYTES: Final = 1024 * 1024
_DEL: Final = chr(0x7F)


class SwitchRecord:
    """Append to the record; a full one (1 MB) becomes `killswitch.log.1`, in the place of the one before it."""

    def __init__(self, state_dir: Path) -> None:
        self._path = state_dir / FILE_NAME

    def append(self, did: str, switch: Switch, now_s: float, through: str) -> None:
        """Add one line, in one write; what a terminal would obey is escaped, and each text has its limit.

        Raises:
            OSError: it cannot be written.
        """
        said = {
            "at": moment_text(now_s),
            "did": did,
            "level": switch.level.text[: MAX_NAME + 16],
            "by": switch.by[:MAX_BY],
            "why": switch.why[:MAX_WHY],
            "until": None if switch.until_s is None else moment_text(switch.until_s),
            "through": through,
        }
        if switch.trouble:
            said["trouble"] = switch.trouble[:MAX_WHY]
        # The standard library's JSON, because it escapes everything that is not ASCII.
        line = json.dumps(said).replace(_DEL, "\\u007f") + "\n"
        self._make_room()
        file = os.open(self._path, os.O_WRONLY | os.O_APPEND | os.O_CREAT, 0o600)
        try:
            os.write(file, line.encode("ascii"))
        finally:
            os.close(file)

    def _make_room(self) -> None:
        try:
            is_full = self._path.stat().st_size >= MAX_BYTES
        except FileNotFoundError:
            return
        if is_full:
            self._path.replace(self._path.with_name(f"{FILE_NAME}.1"))

"""The one line of a request in which a stray byte would be dangerous."""

import re
from typing import Final

_PATH: Final = re.compile(r"/[\x21-\x7e]*")  # nothing that could end the line, or start a second request
_METHOD: Final = re.compile(r"[A-Z]+")


def checked_line(method: str, path: str) -> bytes:
    """Give method and request target as they stand in a request line.

    Raises:
        ValueError: either could be read as something else on the wire.
    """
    if not _METHOD.fullmatch(method) or not _PATH.fullmatch(path):
        raise ValueError(f"{method[:20]!r} {path[:200]!r} cannot stand in a request line")
    return f"{method} {path}".encode("ascii")

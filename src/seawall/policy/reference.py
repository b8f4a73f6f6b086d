"""Secrets by reference: `env:NAME` and `file:/path`, never the value itself."""

import os
import re
import stat
from collections.abc import Mapping
from dataclasses import dataclass
from pathlib import Path
from typing import Final, TypeAlias

from seawall.core.secret import Secret

EXPECTED: Final = "a reference: env:NAME or file:/path"
MAX_SECRET_BYTES: Final = 64 * 1024

_NAME: Final = re.compile(r"[A-Za-z_][A-Za-z0-9_]{0,127}")
# Large and small letters and digits in one long word: nobody calls a variable so, and most credentials look like it.
_CHANCE: Final = re.compile(r"(?=[^a-z]*[a-z])(?=[^A-Z]*[A-Z])(?=[^0-9]*[0-9])[A-Za-z0-9_]{20,}")
_TRUE: Final = frozenset({"1", "true", "yes", "on"})
_FALSE: Final = frozenset({"", "0", "false", "no", "off"})


@dataclass(frozen=True, slots=True)
class EnvReference:
    """A secret in an environment variable."""

    name: str

    @property
    def shown(self) -> str:
        """The name, unless somebody seems to have put the secret itself in its place."""
        return "[credential]" if _CHANCE.fullmatch(self.name) else self.name

    def __str__(self) -> str:
        return f"env:{self.shown}"


@dataclass(frozen=True, slots=True)
class FileReference:
    """A secret in a file, whose path is absolute."""

    path: str

    def __str__(self) -> str:
        return f"file:{self.path}"


Reference: TypeAlias = EnvReference | FileReference


class SecretMissingError(ValueError):
    """The reference leads nowhere, or to nothing."""


class SecretUnsafeError(ValueError):
    """The reference leads to something that must not be used as it is."""


def parse_reference(text: str) -> Reference:
    """Read a reference.

    Raises:
        ValueError: the text is no reference; the message does not repeat it, because it may be the secret itself.
    """
    kind, _, rest = text.partition(":")
    if kind == "env" and _NAME.fullmatch(rest):
        return EnvReference(rest)
    if kind == "file" and rest.startswith("/") and rest.isprintable():
        return FileReference(rest)
    raise ValueError(f"a text of {len(text)} characters that is no reference")


@dataclass(frozen=True, slots=True)
class References:
    """Resolve references against an environment, which is given and never looked up."""

    environment: Mapping[str, str]

    def secret(self, reference: Reference) -> Secret:
        """Fetch a secret.

        Raises:
            SecretMissingError: the variable or file is not there, or is empty.
            SecretUnsafeError: other users may read the file, or the value cannot travel in a header.
        """
        if isinstance(reference, FileReference):
            value = _file_secret(Path(reference.path), reference)
        else:
            value = self.environment.get(reference.name, "")
            if not value:
                raise SecretMissingError(f"{reference}, which is not set")
        try:
            return Secret(value)
        except ValueError as error:
            raise SecretUnsafeError(
                f"{reference}, whose value has a space, a line break or a non-ASCII character"
            ) from error

    def flag(self, name: str) -> bool:
        """Read an on/off switch; a variable that is not set is off.

        Raises:
            ValueError: the value is neither on nor off; the message does not repeat it.
        """
        value = self.environment.get(name, "").strip().lower()
        if value in _TRUE:
            return True
        if value in _FALSE:
            return False
        raise ValueError(f"{EnvReference(name)}, whose value is neither on nor off")


@dataclass(frozen=True, slots=True)
class PretendedReferences:
    """Stand in for every secret, so that a policy can be judged on a machine that has none of them."""

    environment: Mapping[str, str]

    def secret(self, reference: Reference) -> Secret:
        """Give a placeholder that opens nothing."""
        return Secret(f"placeholder:{type(reference).__name__}")

    def flag(self, name: str) -> bool:
        """Read an on/off switch as `References.flag` does."""
        return References(self.environment).flag(name)


def _file_secret(path: Path, reference: Reference) -> str:
    try:
        # Not blocking: opening a named pipe would otherwise wait for its writer.
        descriptor = os.open(path, os.O_RDONLY | os.O_NONBLOCK | os.O_CLOEXEC)
    except OSError as error:
        raise SecretMissingError(f"{reference}, which cannot be opened ({error.strerror})") from error
    with os.fdopen(descriptor, "rb") as file:
        status = os.fstat(descriptor)
        if not stat.S_ISREG(status.st_mode):
            raise SecretUnsafeError(f"{reference}, which is no regular file")
        if status.st_mode & stat.S_IROTH:
            raise SecretUnsafeError(f"{reference}, which every user of the machine can read (chmod 600 mends it)")
        if status.st_size > MAX_SECRET_BYTES:
            raise SecretUnsafeError(f"{reference}, which is larger than {MAX_SECRET_BYTES} bytes")
        content = file.read(MAX_SECRET_BYTES)
    try:
        value = content.decode().removesuffix("\n").removesuffix("\r")
    except UnicodeDecodeError as error:
        raise SecretUnsafeError(f"{reference}, which is no text in UTF-8") from error
    if not value:
        raise SecretMissingError(f"{reference}, which is empty")
    return value

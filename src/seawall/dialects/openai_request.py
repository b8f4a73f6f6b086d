"""Fields of a request as both of OpenAI's endpoints have them."""

import re
from collections.abc import Collection, Mapping
from dataclasses import dataclass
from hashlib import sha256
from typing import Any, Final

from seawall.core.traits import Traits
from seawall.dialects.field import as_text
from seawall.dialects.neutral.conversation import Conversation
from seawall.dialects.neutral.loss import Losses, refused

_MAX_USER: Final = 128
_FIELD_NAME: Final = re.compile(r"[a-z][a-z0-9_]{0,39}")


@dataclass(frozen=True, slots=True)
class Others:
    """What becomes of the fields that have no place in a conversation.

    `read` are those that have one, `refused` go with why, `dropped` without a word; both with the values that ask for
    nothing.
    """

    read: Collection[str]
    refused: Mapping[str, tuple[tuple[Any, ...], str]]
    dropped: Mapping[str, tuple[Any, ...]]

    def check(self, fields: Mapping[str, Any], losses: Losses) -> None:
        """Refuse what must not be lost, and note what is.

        Raises:
            Unsupported: a field asks for what no other dialect has.
        """
        for name, value in fields.items():
            if name in self.read:
                continue
            if name in self.refused:
                harmless, why = self.refused[name]
                if value not in harmless:
                    raise refused(name, why)
            elif value not in self.dropped.get(name, (None,)):
                losses.drop(field_word(name))


def field_word(name: str) -> str:
    """Give a client's name for a field as a code may have it, which ends in a header: no invention goes there."""
    return name if _FIELD_NAME.fullmatch(name) else "unknown_field"


def read_user(fields: Mapping[str, Any]) -> str:
    """Read who the end user is.

    Raises:
        BadRequest: it is no text.
    """
    for name in ("safety_identifier", "user"):
        if value := fields.get(name):
            return as_text(value, name)
    return ""


def write_user(user: str) -> str:
    """Give an identifier of at most 128 characters: a longer one by its hash."""
    return user if len(user) <= _MAX_USER else sha256(user.encode()).hexdigest()


def put_ceiling(body: dict[str, Any], name: str, asked: Conversation, traits: Traits, losses: Losses) -> None:
    """Put the bound of the answer, as far as the model can go, into a request's body under its name.

    Raises:
        Unsupported: it is an answer of no tokens.
    """
    ceiling, most = asked.max_tokens, traits.output_tokens
    if ceiling is None:
        return
    if ceiling < 1:
        raise refused("max_tokens", "an answer of no tokens cannot be asked for; expected at least 1")
    if most is not None and ceiling > most:
        losses.change("max_tokens")
        ceiling = most
    body[name] = ceiling

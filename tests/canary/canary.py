"""Credentials made for one run, and the search for them in every form that they could leak in."""

import base64
import json
import secrets
import string
from collections.abc import Iterable, Iterator, Mapping
from dataclasses import dataclass
from typing import Final
from urllib.parse import quote

_LETTERS: Final = string.ascii_letters + string.digits
_WINDOW: Final = 12  # characters; a piece as long as this of a random text is there by no chance


def token(length: int = 48) -> str:
    """Draw a text that looks like nothing: it is known only by being known."""
    return "".join(secrets.choice(_LETTERS) for _ in range(length))


@dataclass(frozen=True, slots=True)
class Canary:
    """A credential by the name of its kind; `core` is its random part, without what every such credential has."""

    name: str
    value: str
    core: str

    def forms(self) -> Iterator[bytes]:
        """Give what would betray it: any piece of it, and its usual encodings, wherever in a text they begin."""
        for text in (self.core, self.core.lower(), self.core[::-1]):
            yield from (text[start : start + _WINDOW].encode() for start in range(len(text) - _WINDOW + 1))
        yield from (quote(self.value, safe="").encode(), json.dumps(self.value)[1:-1].encode())
        yield self.core.encode().hex().encode()
        for offset in range(3):
            first, last = (offset * 8 + 5) // 6, (offset + len(self.core)) * 8 // 6
            for encode in (base64.b64encode, base64.urlsafe_b64encode):
                yield encode(bytes(offset) + self.core.encode())[first:last]


def provider_key(kind: str) -> Canary:
    """Make a credential as a provider gives them out; `plain` has no form by which one could tell."""
    core = token()
    prefix = {"anthropic": "sk-ant-api03-", "openai": "sk-proj-", "plain": ""}[kind]
    return Canary(f"{kind} key", prefix + core, core)


def client_key(name: str, value: str) -> Canary:
    """Take one of our own keys; what a hint shows of it is not its core."""
    return Canary(name, value, value[8:-6])


def hits(places: Mapping[str, bytes], canaries: Iterable[Canary]) -> list[str]:
    """Name every place that holds a form of a canary, and what stands around it, without the canary itself."""
    found = []
    for canary in canaries:
        forms = tuple(canary.forms())
        for place, data in places.items():
            at = next((at for form in forms if (at := data.find(form)) >= 0), -1)
            if at >= 0:
                found.append(f"{canary.name} in {place}: …{data[max(at - 160, 0) : at]!r}<here>")
    return found

"""The last step before anything is written: no credential passes."""

import base64
import html
import json
import re
import threading
from collections.abc import Iterable, Iterator
from functools import lru_cache
from typing import Final
from urllib.parse import quote

from seawall.core.secret import MASK, Secret
from seawall.telemetry.secret_format import looks_like_secret, mask_secrets

SHORTEST_VALUE: Final = 6
SHORTEST_WRAPPED: Final = 16  # a shorter one may be made of the words of a sentence
_PERCENT: Final = re.compile("%[0-9A-F]{2}")
_BREAKS: Final = r"(?:\s|\\[nr])*"  # where a text was wrapped, as base64 is in mail; in JSON and in a repr, too
_break: Final = re.compile(r"\s+|\\[nr]")


class Scrubber:
    """Remove known credentials, whatever they look like, and unknown ones by their form.

    A known value is found as it is, percent-encoded, escaped as in JSON or HTML, and inside any base64 (an
    `Authorization: Basic` header for one), also where the text is wrapped in the middle of it. Values shorter than six
    characters are left alone: to remove them would tear holes into every text, and they are no credentials. Safe from
    any thread.
    """

    def __init__(self, secrets: Iterable[Secret] = ()) -> None:
        self._lock = threading.Lock()
        self._values: tuple[str, ...] = ()
        self._forms: tuple[str, ...] = ()
        self.version = 0  # changes whenever something is learned, for those who remember answers
        self.is_dirty = lru_cache(maxsize=4096)(self._is_dirty)
        self.learn(secrets)

    def learn(self, secrets: Iterable[Secret]) -> None:
        """Know more credentials from now on; what was known stays known, as a reload may come back to it."""
        values = {secret.reveal() for secret in secrets}
        with self._lock:
            known = sorted(values.union(self._values), key=len, reverse=True)
            self._values = tuple(value for value in known if len(value) >= SHORTEST_VALUE)
            # Longest first, so that no form is broken by the removal of a shorter one inside it.
            forms = {form for value in self._values for form in _forms(value)}
            self._forms = tuple(sorted(forms, key=len, reverse=True))
            self.version += 1
        self.is_dirty.cache_clear()

    def scrub(self, text: str) -> str:
        """Give the text with every credential replaced by `[secret]`; linear in its length."""
        for form in self._forms:
            if form in text:
                text = text.replace(form, MASK)
        unwrapped = _break.sub("", text)
        if len(unwrapped) < len(text):
            text = self._scrub_wrapped(text, unwrapped)
        return mask_secrets(text)

    def _scrub_wrapped(self, text: str, unwrapped: str) -> str:
        """Replace what stands in a text only once its line breaks and spaces are taken away."""
        for form in self._forms:
            if len(form) >= SHORTEST_WRAPPED and form in unwrapped:
                text = re.sub(_BREAKS.join(map(re.escape, form)), MASK, text)
        return text

    def names_one(self, text: str) -> bool:
        """Say quickly whether a short text holds a known credential as it is; encodings are not looked for."""
        for value in self._values:  # noqa: SIM110  # half the time of any() with a generator
            if value in text:
                return True
        return False

    def _is_dirty(self, text: str) -> bool:
        """Say whether a label holds a credential; `is_dirty` remembers the last few thousand answers."""
        return any(form in text for form in self._forms) or looks_like_secret(text)


def _forms(value: str) -> Iterator[str]:
    """Give the ways in which a value can stand in a text."""
    yield value
    for safe in ("", "/"):
        yield quote(value, safe=safe)
        yield _PERCENT.sub(lambda found: found[0].lower(), quote(value, safe=safe))
    yield json.dumps(value)[1:-1]
    yield html.escape(value)
    yield from _base64_forms(value.encode())


def _base64_forms(data: bytes) -> Iterator[str]:
    """Give the base64 of some bytes wherever they begin: each of three alignments, without what neighbours share."""
    for offset in range(3):
        first = (offset * 8 + 5) // 6
        last = (offset + len(data)) * 8 // 6
        for encode in (base64.b64encode, base64.urlsafe_b64encode):
            form = encode(bytes(offset) + data).decode()[first:last]
            if len(form) >= SHORTEST_VALUE:
                yield form

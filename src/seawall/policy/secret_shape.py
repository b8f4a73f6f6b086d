"""Recognise a credential by its shape, so that none is kept in a policy and none is printed back.

Prefixes, alphabets and lengths are public facts about each issuer's format, collected for this project and given away
under CC0. A text has to have only the beginning of a format: a credential that was cut short is still one.
"""

import re
from collections import Counter
from collections.abc import Iterator
from dataclasses import dataclass
from math import log2
from typing import Final, NamedTuple

MIN_ENTROPY_BITS: Final = 3.5
_ENOUGH: Final = 20  # characters after the prefix: nobody types that many by chance


class Format(NamedTuple):
    """How one issuer's credentials look: prefix, characters allowed after it, and how many of them."""

    kind: str
    prefix: str
    alphabet: str
    length: int


FORMATS: Final = (
    Format("Anthropic key", "sk-ant-api03-", "A-Za-z0-9_-", 95),
    Format("Anthropic admin key", "sk-ant-admin01-", "A-Za-z0-9_-", 95),
    Format("Anthropic key", "sk-ant-", "A-Za-z0-9_-", 95),
    Format("OpenAI project key", "sk-proj-", "A-Za-z0-9_-", 120),
    Format("OpenAI key", "sk-", "A-Za-z0-9", 48),
    Format("Seawall client key", "sw_", "A-Za-z0-9_-", 43),
    Format("AWS access key id", "AKIA", "A-Z2-7", 16),
    Format("AWS access key id", "ASIA", "A-Z2-7", 16),
    Format("GitHub token", "ghp_", "A-Za-z0-9", 36),
    Format("GitHub token", "github_pat_", "A-Za-z0-9_", 82),
    Format("GitLab token", "glpat-", "A-Za-z0-9_-", 20),
    Format("Slack token", "xoxb-", "0-9A-Za-z-", 50),
    Format("Google key", "AIza", "A-Za-z0-9_-", 35),
    Format("Stripe key", "sk_live_", "A-Za-z0-9", 24),
    Format("npm token", "npm_", "A-Za-z0-9", 36),
    Format("PyPI token", "pypi-AgEIcHlwaS5vcmc", "A-Za-z0-9_-", 70),
    Format("Hugging Face token", "hf_", "A-Za-z", 34),
    Format("SendGrid key", "SG.", "A-Za-z0-9_.-", 66),
    Format("Vault token", "hvs.", "A-Za-z0-9_-", 90),
)

# Every repetition is bounded and every start is at the edge of a word, so that no text makes the search slow.
_STRUCTURES: Final = (
    ("JSON Web Token", r"eyJ[A-Za-z0-9_-]{8,4000}\.[A-Za-z0-9_-]{8,4000}\.[A-Za-z0-9_-]{8,4000}"),
    ("private key", r"-----BEGIN [A-Z ]{0,40}PRIVATE KEY"),
    ("URL with a password", r"[A-Za-z][A-Za-z0-9+.-]{0,20}://[^\s/@:]{0,200}:[^\s/@]{1,200}@"),
    ("authorization header", r"(?i:authorization\s{0,5}:\s{0,5}(?:bearer|basic)\s{1,5}[A-Za-z0-9._~+/=-]{12,})"),
    ("Azure connection string", r"AccountKey=[A-Za-z0-9+/=]{20,}"),
    ("cookie header", r"(?i:(?:set-)?cookie\s{0,5}:\s{0,5}[^\s=;]{1,80}=[^\s;]{12,})"),
)
_ASSIGNMENT: Final = re.compile(
    r"(?i:\b(?:[a-z]{1,20}[_-])?(?:password|passwd|secret|token|api[_-]?key|credential)s?)[\"']?"
    r"\s{0,5}[:=]\s{0,5}[\"']?(?P<value>[^\s\"'#,{}\[\]]{16,500})"
)
_REFERENCE: Final = re.compile(r"(?:env|file):")
_SECRET_NAME: Final = re.compile(r"(?i)(?:password|passwd|secret|api[_-]?key|credential|authorization|(?:^|_)token$)")


def _pattern() -> tuple[re.Pattern[str], tuple[str, ...]]:
    parts = [(f.kind, f"{re.escape(f.prefix)}[{f.alphabet}]{{{min(f.length, _ENOUGH)},}}") for f in FORMATS]
    parts.extend(_STRUCTURES)
    body = "|".join(f"({pattern})" for _, pattern in parts)
    return re.compile(rf"(?<![A-Za-z0-9_])(?:{body})"), tuple(kind for kind, _ in parts)


_ANY, _KINDS = _pattern()


@dataclass(frozen=True, slots=True)
class Sighting:
    """Where in a text a credential stands, and of which kind it seems to be."""

    start: int
    end: int
    kind: str


def sightings(text: str) -> Iterator[Sighting]:
    """Find what looks like a credential, in order, without overlaps."""
    for match in _ANY.finditer(text):
        yield Sighting(match.start(), match.end(), _KINDS[(match.lastindex or 1) - 1])


def assignments(text: str) -> Iterator[Sighting]:
    """Find values that are given to a password, secret, token or key and are too random to be words."""
    for match in _ASSIGNMENT.finditer(text):
        value = match["value"]
        if not _REFERENCE.match(value) and entropy_bits(value) > MIN_ENTROPY_BITS:
            yield Sighting(match.start("value"), match.end("value"), "credential")


def secret_kind(text: str) -> str:
    """Name the kind of credential that a text holds; empty when it seems to hold none."""
    return next((sighting.kind for sighting in sightings(text)), "")


def names_secret(key: str) -> bool:
    """Say whether a value under this key is a credential by its name, whatever it looks like."""
    return _SECRET_NAME.search(key) is not None


def masked(text: str) -> str:
    """Replace whatever looks like a credential by a note of its kind."""
    pieces, end = [], 0
    for found in sightings(text):
        pieces += [text[end : found.start], f"[{found.kind}]"]
        end = found.end
    return "".join([*pieces, text[end:]])


def entropy_bits(text: str) -> float:
    """Measure how random a text is, in bits a character (Shannon, over its own letters)."""
    counts = Counter(text).values()
    return -sum(n / len(text) * log2(n / len(text)) for n in counts) if text else 0.0

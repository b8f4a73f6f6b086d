"""What credentials look like: one table, from which come the pattern that clears texts and the check of labels.

Every pattern is linear on any input (a test doubles hostile texts and measures growth): a match begins only where a
run of its own characters begins, each repetition is over one class of characters that what follows does not share, or
it has an upper bound.
"""

import math
import re
from collections import Counter
from typing import Final

from seawall.core.secret import MASK

SHORTEST: Final = 16

_EDGE: Final = r"(?<![A-Za-z0-9])"
_TOKENS: Final = (
    r"sk-[A-Za-z0-9_-]{20,}",  # Anthropic, OpenAI and those who copied them
    r"sw_[A-Za-z0-9]{40,}",  # our own
    r"(?:AKIA|ASIA)[A-Z0-9]{16}",  # AWS, lasting and temporary
    r"AIza[A-Za-z0-9_-]{30,}",  # Google
    r"gh[opusr]_[A-Za-z0-9]{30,}",  # GitHub
    r"github_pat_[A-Za-z0-9_]{30,}",
    r"gl[a-z]{2,4}-[A-Za-z0-9_-]{20,}",  # GitLab
    r"xox[abeoprs]-[A-Za-z0-9-]{20,}",  # Slack
    r"[rs]k_(?:live|test)_[A-Za-z0-9]{16,}",  # Stripe
    r"npm_[A-Za-z0-9]{30,}",
    r"pypi-[A-Za-z0-9_-]{40,}",
    r"hf_[A-Za-z0-9]{30,}",  # Hugging Face
    r"SG\.[A-Za-z0-9_.-]{40,}",  # SendGrid
    r"hv[bsr]\.[A-Za-z0-9_-]{24,}",  # Vault
    r"eyJ[A-Za-z0-9_-]{8,512}\.[A-Za-z0-9_-]{8,}(?:\.[A-Za-z0-9_-]*)?",  # JSON Web Token
)
_PEM: Final = (
    r"-----BEGIN [A-Z0-9 ]{0,40}PRIVATE KEY-----"
    r'[^"-]*(?:-(?!----)[^"-]*)*(?:-----END [A-Z0-9 ]{0,40}PRIVATE KEY-----)?'
)
_USERINFO: Final = r"""(?<=://)[^\s/?#@"'\\<>]{1,256}(?=@)"""
_BEARER: Final = r"(?i:(?<=\bbearer )|(?<=\bbasic ))[A-Za-z0-9_.~+/=-]{16,}"
_ANY: Final = "|".join((f"{_EDGE}(?:{'|'.join(_TOKENS)})", _PEM, _USERINFO, _BEARER))

# A value in a place that names it: a header as text, as JSON or as a pair of bytes, an assignment, a query.
_BETWEEN: Final = r"""\\{0,2}["']?\s{0,4}[:=,]\s{0,4}b?\\{0,2}["']?"""
_HEADER: Final = (
    r"(?i:\b(?:proxy-)?authorization|\bx-api-key|\bapi-key|\bx-goog-api-key)"
    + _BETWEEN
    + r"""(?i:(?:bearer|basic|digest|negotiate|token)\s{1,4})?([^\s"'\\,;&]+)"""
)
_COOKIE: Final = r"(?i:\b(?:set-)?cookie)" + _BETWEEN + r"""([^\r\n"'\\]+)"""
_NAMED: Final = (
    r"(?i:passw(?:or)?d|pwd|secret|token|api[_-]?key|access[_-]?key|account[_-]?key|private[_-]?key|pepper)"
    + _BETWEEN
    + r"""([^\s"'\\,;&]{16,})"""
)
_BITS_OF_CHANCE: Final = 3.0  # Shannon entropy per character; words and numbers have less

_any: Final = re.compile(_ANY)
_placed: Final = re.compile(f"{_HEADER}|{_COOKIE}")
_named: Final = re.compile(_NAMED)


def looks_like_secret(text: str) -> bool:
    """Say whether a label holds something of a known credential's form; under a microsecond for usual labels."""
    return len(text) >= SHORTEST and _any.search(text) is not None


def mask_secrets(text: str) -> str:
    """Replace everything of a credential's form, and every value in a place for credentials, by a mark."""
    text = _any.sub(MASK, text)
    text = _placed.sub(_masked_value, text)
    return _named.sub(_masked_chance, text)


def _masked_value(found: re.Match[str]) -> str:
    group = found.lastindex or 0
    return found[0][: found.start(group) - found.start()] + MASK


def _masked_chance(found: re.Match[str]) -> str:
    value = found[1]
    counts = Counter(value).values()
    bits = -sum(n / len(value) * math.log2(n / len(value)) for n in counts)
    return _masked_value(found) if bits > _BITS_OF_CHANCE else found[0]

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

# No letter or digit stands before a credential, unless it ends an escape: `\n` in a repr, `\u00e4` in JSON, `%3D` in a
# URL, `[31m` for a terminal. What stands there is kept.
_EDGE: Final = (
    r"(\\(?:[nrtbf]|x[0-9a-f]{2}|u[0-9a-f]{4})|%[0-9A-Fa-f]{2}|(?:\[|%5[Bb])(?:[0-9;]|%3[Bb]){0,16}m|(?<![A-Za-z0-9]))"
)
_TOKENS: Final = (
    r"sk-[A-Za-z0-9_-]{20,}",  # Anthropic, OpenAI and those who copied them
    r"sw_[A-Za-z0-9]{40,}",  # our own
    r"(?:AKIA|ASIA)[A-Z0-9]{16}",  # AWS, lasting and temporary
    r"AIza[A-Za-z0-9_-]{30,}",  # Google
    r"GOCSPX-[A-Za-z0-9_-]{20,}",
    r"ya29\.[A-Za-z0-9_-]{20,}",
    r"gh[opusr]_[A-Za-z0-9]{30,}",  # GitHub
    r"github_pat_[A-Za-z0-9_]{30,}",
    r"gl(?:pat|dt|rtr?|cbt|ptt|ft|imt|agent|wt|soat|ffct|oas)-[A-Za-z0-9_.-]{20,}",  # GitLab
    r"xox[abeoprs]-[A-Za-z0-9-]{20,}",  # Slack
    r"xapp-[A-Za-z0-9-]{20,}",
    r"[rs]k_(?:live|test)_[A-Za-z0-9]{16,}",  # Stripe
    r"whsec_[A-Za-z0-9+/=]{20,}",
    r"npm_[A-Za-z0-9]{30,}",
    r"pypi-[A-Za-z0-9_-]{40,}",
    r"hf_[A-Za-z0-9]{30,}",  # Hugging Face
    r"SG\.[A-Za-z0-9_.-]{40,}",  # SendGrid
    r"hv[bsr]\.[A-Za-z0-9_-]{24,}",  # Vault
    r"(?:gsk|r8|pcsk|lsv2_pt|lsv2_sk)_[A-Za-z0-9_]{30,}",  # Groq, Replicate, Pinecone, LangSmith
    r"(?:xai|pplx|nvapi)-[A-Za-z0-9_-]{30,}",  # xAI, Perplexity, NVIDIA
    r"eyJ[A-Za-z0-9_-]{8,512}\.\.?[A-Za-z0-9_-]{8,}(?:\.[A-Za-z0-9_-]*){0,3}",  # JSON Web Token, signed or encrypted
)
_PEM: Final = (
    r"-----BEGIN [A-Z0-9 ]{0,40}PRIVATE KEY(?: BLOCK)?-----"
    r'[^"-]*(?:-(?!----)[^"-]*)*(?:-----END [A-Z0-9 ]{0,40}PRIVATE KEY(?: BLOCK)?-----)?'
)
_USERINFO: Final = r"""(?<=://)[^\s/?#"'\\<>]+(?=@)"""  # up to the last @, as a password may have one
_ANY: Final = "|".join((f"{_EDGE}(?:{'|'.join(_TOKENS)})", _PEM, _USERINFO))

# A value in a place that names it: a header as text, as JSON or as a pair of bytes, an assignment, a query. What stands
# before the name does not matter (HTTP_COOKIE, the n of a line break in a repr). Between quotes the value goes to the
# closing one, in JSON within JSON to the next backslash, and without quotes to what ends a value.
_NAME_ENDS: Final = r"""\\{0,2}["']?\s{0,4}"""
_MARK: Final = r"(?:[:=,]|%3[ADad])"
_VALUE_BEGINS: Final = r"""\s{0,4}(?:[bru]{1,2}(?=["']))?"""
_BARE: Final = r"""[^\s"'\\,;&]"""


def _value(bare: str, *, before: str = "", quoted_excludes: str = r"\r\n", least: int = 1) -> str:
    """Give the pattern of a value with or without quotes; `before` is what of it stays readable."""
    quoted = [rf"""{q}{before}((?:[^{quoted_excludes}{q}\\]|\\.){{{least},}})""" for q in "\"'"]
    nested = rf"""\\{{1,2}}["']{before}([^{quoted_excludes}"'\\]{{{least},}})"""
    return f"(?:{nested}|{'|'.join(quoted)}|{before}({bare}))"


_HEADER_VALUE: Final = (
    # A scheme that nobody knows goes with what stands behind it; more values may follow, of parameters or of tokens.
    rf"""(?:[A-Za-z0-9_-]{{1,32}}\s{{1,4}}(?={_BARE}{{{SHORTEST},}}))?{_BARE}+(?:(?<==)"[^"\r\n\\]*")?"""
    rf"""(?:,\s{{0,4}}(?:(?i:bearer|basic|token)\s{{1,4}}{_BARE}+|[A-Za-z_-]{{1,32}}=(?:"[^"\r\n\\]*"|{_BARE}+)))*"""
)
_HEADER: Final = (
    r"(?i:authorization|api-key)"
    + _NAME_ENDS
    + _MARK
    + _VALUE_BEGINS
    + _value(_HEADER_VALUE, before=r"(?i:(?:bearer|basic|digest|negotiate|token)(?:\s{1,4}|%20|\+))?")
)
_COOKIE: Final = (
    r"(?i:cookie)"
    + _NAME_ENDS
    + _MARK
    + _VALUE_BEGINS
    + _value(r"""[^\r\n"'\\]+(?:(?<==)"[^"\r\n\\]*"[^\r\n"'\\]*)*""")
)
_CARRIED: Final = (
    r"""(?i:bearer(?:\s{1,4}|\s{0,4}[:=]\s{0,4}["']?|%20|\+)|basic(?:\s{1,4}|%20|\+))"""
    r"([A-Za-z0-9_.~+/=-]{16,})"
)
_NAMED: Final = (
    r"(?i:passw(?:or)?d|passphrase|pwd|secret|token|credentials?|(?:api|access|account|private|signing)[_-]?key|pepper)"
    r"(?i:[_-]?(?:key|value|[0-9]{1,3}))?"
    + _NAME_ENDS
    + r"(?:={1,3}>?|:=|[:,>]|->|%3[ADad])"
    + _VALUE_BEGINS
    + _value(rf"{_BARE}{{{SHORTEST},}}", quoted_excludes=r"\s", least=SHORTEST)
)
_BITS_OF_CHANCE: Final = 3.0  # Shannon entropy per character; words and numbers have less

_any: Final = re.compile(_ANY)
_placed: Final = re.compile(f"{_HEADER}|{_COOKIE}|{_CARRIED}")
_named: Final = re.compile(_NAMED)
_place: Final = re.compile(r"[\s:=,>%+]")  # without one of these, no text has a place for a credential
_reference: Final = re.compile(r"env:[A-Z_][A-Z0-9_]*")  # the name of a place for a credential is none


def looks_like_secret(text: str) -> bool:
    """Say whether a label holds what `mask_secrets` would mask; a few microseconds for usual labels."""
    if len(text) < SHORTEST:
        return False
    return _any.search(text) is not None or (_place.search(text) is not None and mask_secrets(text) != text)


def mask_secrets(text: str) -> str:
    """Replace everything of a credential's form, and every value in a place for credentials, by a mark."""
    text = _any.sub(_masked_token, text)
    text = _placed.sub(_masked_value, text)
    return _named.sub(_masked_chance, text)


def _masked_token(found: re.Match[str]) -> str:
    return (found[1] or "") + MASK


def _masked_value(found: re.Match[str]) -> str:
    group = found.lastindex or 0
    return found[0][: found.start(group) - found.start()] + MASK


def _masked_chance(found: re.Match[str]) -> str:
    value = found[found.lastindex or 0]
    counts = Counter(value).values()
    bits = -sum(n / len(value) * math.log2(n / len(value)) for n in counts)
    if bits <= _BITS_OF_CHANCE or _reference.fullmatch(value):
        return found[0]
    return _masked_value(found)

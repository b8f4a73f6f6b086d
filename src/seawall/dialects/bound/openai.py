"""What the bounds of OpenAI's two generating endpoints have in common."""

from base64 import b64decode
from binascii import Error
from collections.abc import Mapping
from typing import Any, Final

from seawall.core.target import Target
from seawall.dialects.bound.media import OPENAI_PAGE, inline, pdf_pages
from seawall.dialects.bound.tally import SCHEMA, Tally
from seawall.dialects.bound.text import text_bound

# Where a request names no tier, the provider's settings for the project decide.
_DEFAULT_TIER: Final = "auto"
_PDF_IN_BASE64: Final = "JVBERi"  # %PDF-
_SHORT_WRITE: Final = "30m"


def mode(fields: Mapping[str, Any]) -> tuple[str, str, str]:
    """Give tier, speed and region as a request asks for them."""
    tier = fields.get("service_tier")
    return tier if type(tier) is str else _DEFAULT_TIER, "", ""


def ceiling(fields: Mapping[str, Any], names: tuple[str, ...], target: Target) -> int | None:
    """Give the most tokens of one answer: the highest ceiling of all, since servers differ in which they read.

    One that is no whole number is none: what a lenient server makes of it is not known.
    """
    sent = [value for name in names if (value := fields.get(name)) is not None]
    found = [value for value in sent if type(value) is int and value >= 0]
    most = target.traits.output_tokens
    if not found or len(found) < len(sent):
        return most
    return max(found) if most is None else min(max(found), most)


def mark(tally: Tally, name: str, value: Any) -> None:
    """Note what a field of the prompt cache asks for: a breakpoint, options or the older word for a lifetime."""
    if value is None:
        return
    ttl = value.get("ttl") if type(value) is dict else value
    if name == "prompt_cache_retention" or ttl not in (None, _SHORT_WRITE):
        tally.is_long = True


def form(tally: Tally, _: str, value: Any) -> None:
    """Count the form that an answer shall have."""
    if type(value) is dict and value.get("type") in ("text", "json_object"):
        return
    tally.tokens += SCHEMA
    tally.json(value)


def document(tally: Tally, data: Any, name: Any = None) -> None:
    """Count a file that is sent: a PDF by its pages, a text by its own length, anything else as the whole context."""
    tally.text(name)
    if type(data) is not str:
        tally.store("a file that is not sent")
        return
    found = inline(data)
    if data.startswith(("data:application/pdf", _PDF_IN_BASE64)):
        pages = pdf_pages(data if found is None else found)
        if pages is not None:
            tally.tokens += pages * OPENAI_PAGE
            return
    elif data.startswith("data:text/") and found is not None:
        try:
            tally.tokens += text_bound(b64decode(found).decode(errors="replace"))
        except (Error, ValueError):
            tally.json(data)
        return
    tally.store("a file whose length as text cannot be told")

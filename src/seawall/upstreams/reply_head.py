"""What of a provider's head goes back to the client."""

from functools import lru_cache
from typing import Final

from seawall.upstreams.provider_head import VALUE_LIMIT

# The client's SDK acts on these or shows them. Cookies, hop-by-hop fields, the provider's organisation and everything
# about its servers stay here; `content-type` is the gateway's own business.
PASSED: Final = frozenset(
    (
        b"request-id",
        b"x-request-id",
        b"retry-after",
        b"retry-after-ms",
        b"x-should-retry",
        b"openai-processing-ms",
        b"openai-version",
    )
)
PASSED_PREFIXES: Final = (b"anthropic-ratelimit-", b"anthropic-fast-", b"x-ratelimit-")
_VALUE_BYTES: Final = b"\t" + bytes(range(0x20, 0x7F))
_NAME_BYTES: Final = b"!#$%&'*+-.^_`|~0123456789abcdefghijklmnopqrstuvwxyz"  # RFC 9110 §5.6.2, in lower case


def passed_on(headers: list[tuple[bytes, bytes]]) -> list[tuple[bytes, bytes]]:
    """Pick the fields that a client may see, in their order; ones with an unfit name or value are left out."""
    picked = [field for field in headers if _may_pass(field[0])]
    # As good as always every value is fit, which one look at all of them together tells.
    values = b"".join([value for _, value in picked])
    return picked if _is_fit(values) else [field for field in picked if _is_fit(field[1])]


@lru_cache(256)  # providers send the same names again and again
def _may_pass(name: bytes) -> bool:
    is_passed = name in PASSED or name.startswith(PASSED_PREFIXES)
    return is_passed and not name.translate(None, _NAME_BYTES)


def _is_fit(value: bytes) -> bool:
    return len(value) <= VALUE_LIMIT and not value.translate(None, _VALUE_BYTES)

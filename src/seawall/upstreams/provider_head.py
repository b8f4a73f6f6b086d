"""What goes out in the head of a request, and nothing else."""

from collections.abc import Mapping
from typing import Final

from seawall import __version__
from seawall.core.error import BadRequest
from seawall.core.target import Provider, Target

VALUE_LIMIT: Final = 8 * 1024

# The client's fields that travel on, by the provider's dialect. All else stays here: the client's key, cookies, what
# the SDKs tell about themselves (`x-stainless-*`), our own labels, and whatever somebody hopes to smuggle in.
_BOTH: Final = (b"accept", b"traceparent", b"tracestate")
FORWARDED: Final[Mapping[str, tuple[bytes, ...]]] = {
    "anthropic": (
        b"anthropic-version",
        b"anthropic-beta",
        b"anthropic-workspace-id",
        b"anthropic-user-profile-id",
        *_BOTH,
    ),
    "openai": (b"openai-organization", b"openai-project", b"openai-beta", *_BOTH),
}
_VALUE_BYTES: Final = b"\t" + bytes(range(0x20, 0x7F))  # RFC 9110 §5.5 without obs-text
_DEFAULT_VERSION: Final = b"anthropic-version: 2023-06-01\r\n"  # required; clients of another dialect send none


class ProviderHeads:
    """Render heads for one target after the other; what a provider always gets is rendered once."""

    __slots__ = ("_fixed",)

    def __init__(self) -> None:
        # By name, with the provider that it was rendered for: a reloaded policy may give the name another key.
        self._fixed: dict[str, tuple[Provider, bytes]] = {}

    def __call__(self, target: Target, headers: Mapping[bytes, bytes]) -> bytes:
        """Give the head for `UpstreamRequest.head`; `headers` are the client's, names in lower case.

        Raises:
            BadRequest: a field that would travel on has a value that no header may have.
        """
        provider = target.provider
        known = self._fixed.get(provider.name)
        if known is None or known[0] is not provider:
            known = self._fixed[provider.name] = (provider, fixed_head(provider))
        lines = [known[1]]
        for name in FORWARDED[provider.dialect]:
            value = headers.get(name)
            if value:  # an empty one says nothing: W3C allows an empty tracestate, SDKs send an unset organization so
                if len(value) > VALUE_LIMIT or value.translate(None, _VALUE_BYTES):
                    raise _bad(name, value)
                lines.append(b"%b: %b\r\n" % (name, value))
        if provider.dialect == "anthropic" and not headers.get(b"anthropic-version"):
            lines.append(_DEFAULT_VERSION)
        return b"".join(lines)


def fixed_head(provider: Provider) -> bytes:
    """Give the fields that every request to a provider carries, its credential among them.

    Raises:
        ValueError: nobody knows how the provider's dialect presents a credential.
    """
    lines = [
        "content-type: application/json",
        "accept-encoding: identity",  # a stream is read as it comes, and nobody has to unpack a bomb
        f"user-agent: seawall/{__version__}",
    ]
    if provider.dialect not in FORWARDED:
        raise ValueError(
            f"provider {provider.name!r} has the dialect {provider.dialect!r}, expected anthropic or openai"
        )
    if provider.api_key is not None:
        # Anthropic takes a bearer token as well, but where both came this one would win.
        name = "x-api-key: " if provider.dialect == "anthropic" else "authorization: Bearer "
        lines.append(name + provider.api_key.reveal())
    return "".join(f"{line}\r\n" for line in lines).encode("ascii")


def _bad(name: bytes, value: bytes) -> BadRequest:
    text = name.decode()
    if len(value) > VALUE_LIMIT:
        return BadRequest(f"header {text} has {len(value)} bytes: expected at most {VALUE_LIMIT}", param=text)
    return BadRequest(f"header {text} holds a character outside printable ASCII", param=text)

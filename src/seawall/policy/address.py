"""A provider's `base_url`: parsed once, strictly."""

import ipaddress
import re
from dataclasses import dataclass
from typing import Final
from urllib.parse import urlsplit

from seawall.core.target import Origin

OFFICIAL: Final = {"anthropic": "https://api.anthropic.com", "openai": "https://api.openai.com/v1"}

_PORTS: Final = {"http": 80, "https": 443}
_HOST: Final = re.compile(
    r"(?=.{1,253}$)[A-Za-z0-9_](?:[A-Za-z0-9_-]{0,62})(?:\.[A-Za-z0-9_](?:[A-Za-z0-9_-]{0,62}))*\.?"
)
_PATH: Final = re.compile(r"(?:/[A-Za-z0-9._~!$&'()*+,;=:@%-]+)*")


@dataclass(frozen=True, slots=True)
class Address:
    """Where a provider's server is, and what stands before `/messages` or `/chat/completions` on it."""

    origin: Origin
    path: str

    @property
    def url(self) -> str:
        """Write the address as one text."""
        return f"{self.origin.scheme}://{self.origin.authority}{self.path}"

    @property
    def is_loopback(self) -> bool:
        """Say whether the address never leaves this machine."""
        if self.origin.host == "localhost":
            return True
        try:
            return ipaddress.ip_address(self.origin.host).is_loopback
        except ValueError:
            return False


def parse_address(text: str, dialect: str) -> Address:
    """Read a `base_url` as the official SDKs have it: Anthropic's without `/v1`, OpenAI's with it.

    Raises:
        ValueError: the text is no such URL; the message says what was found without repeating it.
    """
    if not text.isascii() or not text.isprintable() or " " in text:
        raise ValueError("a URL with spaces or non-ASCII characters")
    try:
        parts = urlsplit(text)
        host, port = parts.hostname, parts.port
    except ValueError as error:
        raise ValueError("what is no URL") from error
    if parts.scheme not in _PORTS:
        raise ValueError("a URL without http:// or https://")
    if parts.username is not None or parts.password is not None:
        raise ValueError("a URL with a user or password in it")
    if parts.query or parts.fragment or text.endswith(("?", "#")):
        raise ValueError("a URL with a query or fragment")
    if not host or not _is_host(host) or port == 0:
        raise ValueError("a URL without a good host and port")
    path = parts.path.rstrip("/")
    if not _PATH.fullmatch(path):
        raise ValueError("a URL whose path has empty parts or characters that need quoting")
    if dialect == "anthropic" and not path.endswith("/v1"):
        path += "/v1"
    return Address(Origin(parts.scheme, host, port or _PORTS[parts.scheme]), path)


def _is_host(host: str) -> bool:
    if _HOST.fullmatch(host):
        return True
    try:
        ipaddress.IPv6Address(host)
    except ValueError:
        return False
    return "%" not in host

"""Which origins the environment wants to reach through a proxy."""

import contextlib
import ipaddress
from collections.abc import Mapping
from dataclasses import dataclass
from typing import Final
from urllib.parse import unquote, urlsplit

from seawall.core.error import PolicyError
from seawall.core.secret import Secret
from seawall.core.target import Origin

SCHEMES: Final = ("http", "https", "socks5", "socks5h")


@dataclass(frozen=True, slots=True)
class ProxyRules:
    """Proxy URLs by the origin's scheme, and the entries of NO_PROXY. The URLs may hold credentials: never print them.

    An entry is `*`, a domain (with all its subdomains, with or without a dot before it), an address or a network in
    CIDR form, each but the network with an optional port.
    """

    http: str | None = None
    https: str | None = None
    exempt: tuple[str, ...] = ()

    def __repr__(self) -> str:
        return f"ProxyRules(http={self.http is not None}, https={self.https is not None}, exempt={self.exempt})"

    def proxy_for(self, origin: Origin) -> str | None:
        """Give the proxy's URL for an origin, or None where the connection is direct.

        Loopback is always direct: no proxy could reach ours.
        """
        proxy = self.https if origin.scheme == "https" else self.http
        if proxy is None or _is_loopback(origin.host) or any(_covers(entry, origin) for entry in self.exempt):
            return None
        return proxy

    def credentials(self) -> list[Secret]:
        """Give what the URLs hold of credentials, for whoever keeps those out of all texts.

        That is the password, or the name where it stands alone, as it does where a token is given.
        """
        found = []
        for url in filter(None, (self.http, self.https)):
            parts = urlsplit(url)
            with contextlib.suppress(ValueError):  # one that is empty, or that no header could carry
                found.append(Secret(unquote(parts.password or parts.username or "")))
        return found


def proxy_rules(environ: Mapping[str, str]) -> ProxyRules:
    """Read HTTP_PROXY, HTTPS_PROXY, ALL_PROXY and NO_PROXY; the names in lower case win, as in curl.

    Raises:
        PolicyError: a proxy's URL cannot be used; the message names the variable and not its value.
    """
    http = ("http_proxy", "HTTP_PROXY")
    if "REQUEST_METHOD" in environ:
        http = ("http_proxy", "http_proxy")  # under CGI a client sets HTTP_PROXY by sending a header "Proxy"
    everything = ("all_proxy", "ALL_PROXY")
    no_proxy = _value(environ, ("no_proxy", "NO_PROXY"))[1]
    return ProxyRules(
        http=_url(*_first(environ, http, everything)),
        https=_url(*_first(environ, ("https_proxy", "HTTPS_PROXY"), everything)),
        exempt=tuple(entry.lower() for entry in no_proxy.replace(",", " ").split()),
    )


def _value(environ: Mapping[str, str], names: tuple[str, str]) -> tuple[str, str]:
    return next(((name, environ[name].strip()) for name in names if environ.get(name, "").strip()), ("", ""))


def _first(environ: Mapping[str, str], own: tuple[str, str], everything: tuple[str, str]) -> tuple[str, str]:
    found = _value(environ, own)
    return found if found[1] else _value(environ, everything)


def _url(name: str, text: str) -> str | None:
    if not text:
        return None
    url = text if "://" in text else f"http://{text}"
    try:
        parts = urlsplit(url)
        is_usable = parts.scheme in SCHEMES and bool(parts.hostname) and parts.port != 0
    except ValueError:
        is_usable = False
    if not is_usable:
        raise PolicyError(f"{name} does not hold a proxy's URL: expected {', '.join(SCHEMES)}, a host and a port")
    return url


def _is_loopback(host: str) -> bool:
    address = _address(host)
    return host.lower() == "localhost" if address is None else address.is_loopback


def _address(text: str) -> ipaddress.IPv4Address | ipaddress.IPv6Address | None:
    try:
        return ipaddress.ip_address(text.strip("[]"))
    except ValueError:
        return None


def _covers(entry: str, origin: Origin) -> bool:
    if entry == "*":
        return True
    host = origin.host.lower()
    address = _address(host)
    if "/" in entry:
        try:
            return address is not None and address in ipaddress.ip_network(entry, strict=False)
        except ValueError:
            return False  # nothing that a network could be; curl passes over it too
    if _address(entry) is None:
        name, colon, port = entry.rpartition(":")
        if colon and port.isdecimal():
            if int(port) != origin.port:
                return False
            entry = name
    if address is not None or _address(entry) is not None:
        return address == _address(entry)
    entry = entry.removeprefix("*").removeprefix(".")
    return bool(entry) and (host == entry or host.endswith(f".{entry}"))

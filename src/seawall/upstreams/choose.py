"""The one way to an upstream: our own pool, or the adapter where the pool cannot go."""

from collections.abc import Mapping
from typing import Final

from seawall.core.error import UpstreamUnreachable
from seawall.core.receipt import Receipt
from seawall.core.target import Origin
from seawall.ports.upstream import Upstream, UpstreamReply, UpstreamRequest
from seawall.upstreams.pool import Pool
from seawall.upstreams.proxy import ProxyRules, proxy_rules
from seawall.upstreams.settings import UpstreamSettings

_DIRECT: Final = ""


def open_upstream(settings: UpstreamSettings, environ: Mapping[str, str]) -> Upstream:
    """Give the way to every origin; `environ` is read once, for its proxy variables.

    Without a proxy and without HTTP/2 it is the pool itself. Certificate bundles named by SSL_CERT_FILE are OpenSSL's
    own business: it reads the process's environment.

    Raises:
        PolicyError: a proxy's URL or a file of the settings cannot be used, or an extra is not installed.
    """
    rules = proxy_rules(environ)
    if rules.http is None and rules.https is None and not settings.http2:
        return Pool(settings)
    return ChosenUpstream(settings, rules)


class ChosenUpstream:
    """Send each request by the way that its origin needs.

    Raises:
        PolicyError: as `open_upstream`; every way that may be needed is opened at once.
    """

    def __init__(self, settings: UpstreamSettings, rules: ProxyRules) -> None:
        # Imported here, because it costs 35 ms that only those pay who need it.
        from seawall.upstreams.httpx2_adapter import Httpx2Upstream  # noqa: PLC0415

        self._rules = rules
        self._http2 = settings.http2
        self._pool = Pool(settings)
        self._ways: dict[str, Upstream] = {
            proxy: Httpx2Upstream(settings, proxy) for proxy in {rules.http, rules.https} if proxy is not None
        }
        if settings.http2:
            self._ways[_DIRECT] = Httpx2Upstream(settings)
        self._is_closed = False

    def way(self, origin: Origin) -> Upstream:
        """Name the upstream that an origin's requests take."""
        proxy = self._rules.proxy_for(origin)
        if proxy is not None:
            return self._ways[proxy]
        if self._http2 and origin.scheme == "https":  # without TLS there is nothing to agree on HTTP/2
            return self._ways[_DIRECT]
        return self._pool

    async def send(self, receipt: Receipt, request: UpstreamRequest) -> UpstreamReply:
        """Send one request and wait for the answer's headers; see the port."""
        if self._is_closed:
            raise UpstreamUnreachable("the connections to providers are closed: no new requests are sent")
        return await self.way(request.origin).send(receipt, request)

    async def aclose(self) -> None:
        """Close every idle connection and refuse new requests; running answers go on."""
        self._is_closed = True
        for way in (self._pool, *self._ways.values()):
            await way.aclose()

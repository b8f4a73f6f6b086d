import subprocess
import sys

import pytest

from seawall.core.error import PolicyError, UpstreamUnreachable
from seawall.core.target import Origin
from seawall.testing.receipt import PAID
from seawall.upstreams.choose import ChosenUpstream, open_upstream
from seawall.upstreams.httpx2_adapter import Httpx2Upstream
from seawall.upstreams.pool import Pool
from seawall.upstreams.settings import UpstreamSettings
from tests.upstreams.conftest import Ask, Peer, Serve

PLAIN = Origin("http", "api.test", 80)
SECURE = Origin("https", "api.test", 443)


async def test_nothing_set_means_the_pool_itself() -> None:
    assert isinstance(open_upstream(UpstreamSettings(), {"NO_PROXY": "*"}), Pool)


async def test_each_origin_takes_its_own_way() -> None:
    way = open_upstream(
        UpstreamSettings(),
        {"HTTPS_PROXY": "http://secure.test", "HTTP_PROXY": "http://plain.test", "NO_PROXY": "in.test"},
    )
    assert isinstance(way, ChosenUpstream)

    plain, secure = way.way(PLAIN), way.way(SECURE)

    assert isinstance(plain, Httpx2Upstream)
    assert isinstance(secure, Httpx2Upstream)
    assert plain is not secure
    assert isinstance(way.way(Origin("https", "in.test", 443)), Pool)
    assert isinstance(way.way(Origin("http", "127.0.0.1", 8080)), Pool)
    await way.aclose()


async def test_one_proxy_for_both_is_opened_once() -> None:
    way = open_upstream(UpstreamSettings(), {"ALL_PROXY": "http://proxy.test"})
    assert isinstance(way, ChosenUpstream)

    assert way.way(PLAIN) is way.way(SECURE)
    await way.aclose()


async def test_http2_is_for_https_alone() -> None:
    way = open_upstream(UpstreamSettings(http2=True), {})
    assert isinstance(way, ChosenUpstream)

    assert isinstance(way.way(SECURE), Httpx2Upstream)
    assert isinstance(way.way(PLAIN), Pool)
    await way.aclose()


async def test_request_takes_the_proxy_that_the_environment_names(serve: Serve, ask: Ask) -> None:
    async def proxy(peer: Peer) -> None:
        while request := await peer.request():
            peer.answer(request.split(b"\r\n")[0])

    server = await serve(proxy)
    direct = await serve(proxy)
    way = open_upstream(UpstreamSettings(), {"http_proxy": f"http://127.0.0.1:{server.port}"})

    through = await way.send(PAID, ask(PLAIN))
    past = await way.send(PAID, ask(direct.origin))

    assert await through.read_all(100) == b"POST http://api.test/v1/messages HTTP/1.1"
    assert await past.read_all(100) == b"POST /v1/messages HTTP/1.1"
    await way.aclose()


async def test_closed_way_refuses(ask: Ask) -> None:
    way = open_upstream(UpstreamSettings(), {"ALL_PROXY": "http://proxy.test"})
    await way.aclose()

    with pytest.raises(UpstreamUnreachable, match="no new requests"):
        await way.send(PAID, ask(PLAIN))


def test_bad_proxy_is_told_at_the_start() -> None:
    with pytest.raises(PolicyError, match="ALL_PROXY"):
        open_upstream(UpstreamSettings(), {"ALL_PROXY": "gopher://proxy.test"})


def test_direct_ways_do_not_pay_for_the_library() -> None:
    script = (
        "import sys\n"
        "from seawall.upstreams.choose import open_upstream\n"
        "from seawall.upstreams.settings import UpstreamSettings\n"
        "open_upstream(UpstreamSettings(), {})\n"
        "sys.exit('httpx2' in sys.modules)\n"
    )

    assert subprocess.run([sys.executable, "-c", script], check=False, timeout=30).returncode == 0

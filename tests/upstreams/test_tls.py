import asyncio
import ssl
from pathlib import Path

import pytest
import trustme

from seawall.core.error import PolicyError, UpstreamUnreachable
from seawall.core.target import Origin
from seawall.testing.receipt import PAID
from seawall.upstreams.address import Address
from seawall.upstreams.pool import Pool
from seawall.upstreams.settings import ClientCertificate, UpstreamSettings
from seawall.upstreams.tls import tls_context
from tests.upstreams.conftest import Ask, OpenPool, Peer, Serve, ServerTls


async def _answer(peer: Peer) -> None:
    while await peer.request():
        peer.answer(b"over tls")


async def _loopback(host: str, port: int) -> list[Address]:
    del host
    return [Address(2, ("127.0.0.1", port))]


async def test_certificate_of_a_trusted_authority_is_taken(
    serve: Serve, open_pool: OpenPool, ask: Ask, server_tls: ServerTls, ca_file: Path
) -> None:
    server = await serve(_answer, tls=server_tls("api.provider.test"))
    pool = open_pool(UpstreamSettings(ca_file=ca_file), resolve=_loopback)

    for _ in range(3):
        reply = await pool.send(PAID, ask(Origin("https", "api.provider.test", server.port)))
        assert await reply.read_all(100) == b"over tls"

    assert len(server.peers) == 1
    assert server.peers[0].writer.get_extra_info("ssl_object").selected_alpn_protocol() == "http/1.1"


async def test_certificate_for_an_address_is_taken(
    serve: Serve, open_pool: OpenPool, ask: Ask, server_tls: ServerTls, ca_file: Path
) -> None:
    server = await serve(_answer, tls=server_tls("127.0.0.1"))

    reply = await open_pool(UpstreamSettings(ca_file=ca_file)).send(PAID, ask(server.origin))

    assert reply.status == 200


async def test_certificate_of_a_stranger_is_refused(
    serve: Serve, open_pool: OpenPool, ask: Ask, server_tls: ServerTls
) -> None:
    server = await serve(_answer, tls=server_tls("127.0.0.1"))
    pool = open_pool()

    with pytest.raises(UpstreamUnreachable, match="CERTIFICATE_VERIFY_FAILED") as caught:
        await pool.send(PAID, ask(server.origin))

    assert not caught.value.dispatched
    assert pool.stats().open == 0


async def test_certificate_for_another_host_is_refused(
    serve: Serve, open_pool: OpenPool, ask: Ask, server_tls: ServerTls, ca_file: Path
) -> None:
    server = await serve(_answer, tls=server_tls("other.test"))
    pool = open_pool(UpstreamSettings(ca_file=ca_file), resolve=_loopback)

    with pytest.raises(UpstreamUnreachable, match="Hostname mismatch"):
        await pool.send(PAID, ask(Origin("https", "api.provider.test", server.port)))


async def test_own_bundle_replaces_the_systems(
    serve: Serve, open_pool: OpenPool, ask: Ask, server_tls: ServerTls, tmp_path: Path
) -> None:
    other = tmp_path / "other.pem"
    trustme.CA().cert_pem.write_to_path(str(other))
    server = await serve(_answer, tls=server_tls("127.0.0.1"))

    with pytest.raises(UpstreamUnreachable, match="CERTIFICATE_VERIFY_FAILED"):
        await open_pool(UpstreamSettings(ca_file=other)).send(PAID, ask(server.origin))


async def test_environments_bundle_is_honoured(
    serve: Serve,
    open_pool: OpenPool,
    ask: Ask,
    server_tls: ServerTls,
    ca_file: Path,
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    monkeypatch.setenv("SSL_CERT_FILE", str(ca_file))
    server = await serve(_answer, tls=server_tls("127.0.0.1"))

    reply = await open_pool().send(PAID, ask(server.origin))

    assert reply.status == 200


async def test_client_certificate_is_shown(
    serve: Serve, open_pool: OpenPool, ask: Ask, server_tls: ServerTls, ca_file: Path, authority: trustme.CA
) -> None:
    own = ca_file.with_name("own.pem")
    authority.issue_cert("gateway.test").private_key_and_cert_chain_pem.write_to_path(str(own))
    context = server_tls("127.0.0.1")
    authority.configure_trust(context)
    context.verify_mode = ssl.CERT_REQUIRED
    server = await serve(_answer, tls=context)

    pool = open_pool(UpstreamSettings(ca_file=ca_file, client_certificate=ClientCertificate(own)))

    assert (await pool.send(PAID, ask(server.origin))).status == 200
    assert server.peers[0].writer.get_extra_info("peercert")["subjectAltName"] == (("DNS", "gateway.test"),)


async def test_plain_server_is_no_tls_server(serve: Serve, open_pool: OpenPool, ask: Ask) -> None:
    async def plain(peer: Peer) -> None:
        peer.send(b"HTTP/1.1 400 Bad Request\r\n\r\n")
        await peer.gone()

    server = await serve(plain)

    with pytest.raises(UpstreamUnreachable, match=r"(?i)ssl"):
        await open_pool().send(PAID, ask(Origin("https", "127.0.0.1", server.port)))


async def test_aborted_answer_closes_tls_at_once(
    serve: Serve, open_pool: OpenPool, ask: Ask, server_tls: ServerTls, ca_file: Path
) -> None:
    async def begin(peer: Peer) -> None:
        await peer.request()
        peer.send(b"HTTP/1.1 200 OK\r\ncontent-length: 100\r\n\r\n")
        await peer.gone()
        gone.set()

    gone = asyncio.Event()
    server = await serve(begin, tls=server_tls("127.0.0.1"))
    reply = await open_pool(UpstreamSettings(ca_file=ca_file)).send(PAID, ask(server.origin))

    reply.abort()

    await gone.wait()


@pytest.mark.parametrize("text", [None, "", "no certificate"])
def test_unusable_bundle_is_told_at_the_start(tmp_path: Path, text: str | None) -> None:
    path = tmp_path / "ca.pem"
    if text is not None:
        path.write_text(text, "utf-8")

    with pytest.raises(PolicyError, match=r"ca\.pem"):
        Pool(UpstreamSettings(ca_file=path))


def test_unusable_client_certificate_is_told_at_the_start(ca_file: Path) -> None:
    with pytest.raises(PolicyError, match="client certificate"):
        Pool(UpstreamSettings(client_certificate=ClientCertificate(ca_file)))


def test_verification_has_no_switch() -> None:
    context = tls_context(UpstreamSettings())

    assert context.verify_mode == ssl.CERT_REQUIRED
    assert context.check_hostname
    assert context.minimum_version >= ssl.TLSVersion.TLSv1_2

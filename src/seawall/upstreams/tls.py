"""Whom we trust over TLS."""

import ssl
from collections.abc import Sequence

from seawall.core.error import PolicyError
from seawall.upstreams.settings import UpstreamSettings


def tls_context(settings: UpstreamSettings, protocols: Sequence[str] = ("http/1.1",)) -> ssl.SSLContext:
    """Make a context that verifies chain and host name against the system's CAs or the settings' own bundle.

    OpenSSL honours SSL_CERT_FILE and SSL_CERT_DIR where no bundle is set. Reading the system's CAs takes some 20 ms,
    so call it off the event loop. `protocols` are offered by ALPN, best first.

    Raises:
        PolicyError: a file cannot be read or holds no usable certificate or key.
    """
    try:
        context = ssl.create_default_context(cafile=settings.ca_file)
    except OSError as error:
        raise PolicyError(f"CA file {str(settings.ca_file)!r} cannot be used: {error}") from error
    context.minimum_version = ssl.TLSVersion.TLSv1_2
    context.set_alpn_protocols(list(protocols))
    if (own := settings.client_certificate) is not None:
        try:
            # The empty password keeps OpenSSL from asking for one on the terminal.
            context.load_cert_chain(own.cert_file, own.key_file, password="")
        except OSError as error:
            raise PolicyError(f"client certificate {str(own.cert_file)!r} cannot be used: {error}") from error
    return context

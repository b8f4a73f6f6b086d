"""What the ways out need to know before the first call."""

from dataclasses import dataclass, field
from pathlib import Path


@dataclass(frozen=True, slots=True)
class ClientCertificate:
    """The certificate that a provider asks of us, PEM files both; `key_file` None means the key is in `cert_file`."""

    cert_file: Path
    key_file: Path | None = None


@dataclass(frozen=True, slots=True)
class UpstreamSettings:
    """Bounds and trust of the connections to providers.

    `max_connections` and `max_waiting` count for each origin: connections open at once, and calls that may wait for
    one of them. `idle_s` is how long an unused connection is kept; it must be shorter than the servers' own keep-alive
    (60 to 75 s is usual), or calls meet connections that are just closing. `ca_file` names a PEM bundle that is trusted
    **instead of** the system's; there is no way to switch verification off. `http2` needs the `http2` extra.

    Raises:
        ValueError: a bound is not positive.
    """

    max_connections: int = 256
    max_waiting: int = 1024
    idle_s: float = 30.0
    ca_file: Path | None = None
    client_certificate: ClientCertificate | None = field(default=None)
    http2: bool = False

    def __post_init__(self) -> None:
        if self.max_connections < 1 or self.max_waiting < 0 or self.idle_s <= 0:
            raise ValueError(f"bounds of the upstream connections must be positive, got {self}")

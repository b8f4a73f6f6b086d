"""The front door: httpx2 clients for the official SDKs, with the pipeline inside."""

import os
from collections.abc import Mapping
from pathlib import Path
from typing import TypedDict, Unpack

import httpx2

from seawall.assembly.clock import SystemClock
from seawall.client.async_transport import AsyncTransport
from seawall.client.embedded import Embedded, EmbeddedSettings
from seawall.client.transport import Transport
from seawall.core.key import KeyGrant
from seawall.core.principal import Principal
from seawall.telemetry.monitor import Monitor


class Labels(TypedDict, total=False):
    """What the records say of every call of a client: who it is for. `user` is recorded as a keyed hash only."""

    team: str
    project: str
    user: str
    feature: str


def http_client(
    policy: str | os.PathLike[str],
    *,
    route: str = "",
    state_dir: str | os.PathLike[str] | None = None,
    monitor: Monitor | None = None,
    **labels: Unpack[Labels],
) -> httpx2.Client:
    """Make a client for `Anthropic(http_client=…)` or `OpenAI(http_client=…)` that runs the policy in this process.

    A request's path names the endpoint and may name a route (`base_url="http://seawall/ai/chat"`); otherwise `route`
    counts, or the only one of the policy. Its host is never connected to: the policy says where calls go. With
    `state_dir` records go to the same journal as a gateway's, and `monitor` counts every call.

    The policy is read once; secrets and proxies come from the environment. Safe from any number of threads, and in a
    process that is forked later. Close it, or the SDK's client around it, when it is no longer needed.

    Raises:
        PolicyError: the policy cannot be used, a provider's key is missing, or the policy has no such route.
        Unavailable: the state directory cannot be used.
        ValueError: a label is too long or not printable.
    """
    embedded = _embedded(policy, route, state_dir, monitor, labels)
    # No timeout here: the route's own hold, and a caller may still set a shorter one for a call.
    return httpx2.Client(transport=Transport(embedded), timeout=None, trust_env=False)


def async_http_client(
    policy: str | os.PathLike[str],
    *,
    route: str = "",
    state_dir: str | os.PathLike[str] | None = None,
    monitor: Monitor | None = None,
    **labels: Unpack[Labels],
) -> httpx2.AsyncClient:
    """Make a client for `AsyncAnthropic(http_client=…)` or `AsyncOpenAI(http_client=…)`; see `http_client`.

    It runs on the caller's own event loop, which has to be one of asyncio's, and on several of them if need be, one
    after the other or at once.

    Raises:
        PolicyError, Unavailable, ValueError: as `http_client`.
    """
    embedded = _embedded(policy, route, state_dir, monitor, labels)
    return httpx2.AsyncClient(transport=AsyncTransport(embedded), timeout=None, trust_env=False)


def _embedded(
    policy: str | os.PathLike[str],
    route: str,
    state_dir: str | os.PathLike[str] | None,
    monitor: Monitor | None,
    labels: Labels,
) -> Embedded:
    settings = EmbeddedSettings(
        policy=Path(policy),
        guest=_guest(route, labels),
        environment=_environment(),
        state_dir=None if state_dir is None else Path(state_dir),
        monitor=monitor,
    )
    return Embedded(settings, SystemClock())


def _guest(route: str, labels: Labels) -> Principal:
    """Make who asks: nobody with a key, but held to what a key's labels are held to."""
    for name in labels.keys() - Labels.__annotations__.keys():
        raise TypeError(f"found the label {name!r}, expected one of {', '.join(Labels.__annotations__)}")
    grant = KeyGrant(default_route=route, **labels)
    return Principal(
        key_id="",
        team=grant.team,
        project=grant.project,
        user=grant.user,
        feature=grant.feature,
        default_route=grant.default_route,
    )


def _environment() -> Mapping[str, str]:
    return os.environ  # noqa: TID251  # the application's own front door: it has no command line to pass them on

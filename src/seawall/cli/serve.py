"""`seawall serve`."""

import errno
import ipaddress
import os
import socket
from collections.abc import Mapping
from contextlib import AsyncExitStack
from dataclasses import dataclass
from pathlib import Path
from typing import Final

import click
import msgspec
import uvloop

from seawall.assembly.source import PolicySource
from seawall.cli.number import FiniteRange
from seawall.cli.state import state_dir_option
from seawall.core.error import PolicyError
from seawall.gateway.banner import banner
from seawall.gateway.options import Ports, Seat, ServeOptions
from seawall.gateway.pid_file import pid_file
from seawall.gateway.supervisor import Supervisor, listen
from seawall.gateway.worker import run_worker
from seawall.policy.roster import OFFICIAL_KEYS

DEFAULT_POLICY: Final = Path("seawall.yaml")
ADMIN_HOST: Final = "127.0.0.1"


@dataclass(frozen=True, slots=True)
class _Start:
    """What is known before the first byte is served."""

    options: ServeOptions
    ports: Ports
    environment: Mapping[str, str]


@click.command(name="serve")
@click.option(
    "--policy",
    type=click.Path(path_type=Path, dir_okay=False, exists=True),
    help=f"Policy file.  [default: {DEFAULT_POLICY}, if it is there]",
)
@click.option("--host", default="127.0.0.1", show_default=True, help="Address of the data port.")
@click.option("--port", default=8080, show_default=True, type=click.IntRange(0, 65535), help="Data port; 0 picks one.")
@click.option(
    "--admin-port",
    default=8081,
    show_default=True,
    type=click.IntRange(0, 65535),
    help="Admin port, on loopback; 0 picks one.",
)
@state_dir_option
@click.option("--workers", default=1, show_default=True, type=click.IntRange(1, 64), help="Processes on the data port.")
@click.option(
    "--grace",
    "grace_s",
    default=30.0,
    show_default=True,
    type=FiniteRange(0, 3600),
    help="Seconds that running calls have to finish when the gateway, or a worker, stops.",
)
@click.option("--insecure-dev", is_flag=True, help="Check no keys, and let the sandbox stand in; only on loopback.")
def command(  # noqa: PLR0917  # click passes them by name
    policy: Path | None,
    host: str,
    port: int,
    admin_port: int,
    state_dir: Path,
    workers: int,
    grace_s: float,
    insecure_dev: bool,
) -> None:
    """Start the gateway.

    Without a policy it serves one route, /ai/chat, on which the client's own model decides; with no provider key in
    the environment either, the built-in sandbox answers, and the start says so.

    SIGHUP, or a change of the file, puts the new policy in force if it is good. SIGTERM or Ctrl-C finishes what is
    running; a second one ends at once. With several workers SIGUSR2 replaces them one by one, and no connection is
    refused. serve.pid in the state directory names the process to send them to.

    Exit codes: 0 ended in order, 1 the policy has errors or workers failed or were ended at once, 2 cannot start.
    """
    if insecure_dev and not _is_loopback(host):
        raise click.UsageError(f"--insecure-dev checks no keys, so it needs --host on loopback, not {host}")
    if policy is None and DEFAULT_POLICY.is_file():
        policy = DEFAULT_POLICY
    try:
        state_dir.mkdir(mode=0o700, parents=True, exist_ok=True)
    except OSError as error:
        raise click.UsageError(f"--state-dir: cannot make {state_dir}: {error.strerror or error}") from error
    with _listen("--port", host, port) as data, _listen("--admin-port", ADMIN_HOST, admin_port) as admin:
        options = ServeOptions(
            policy=policy,
            state_dir=state_dir,
            host=host,
            port=data.getsockname()[1],
            admin_port=admin.getsockname()[1],
            workers=workers,
            insecure_dev=insecure_dev,
            grace_s=grace_s,
        )
        start = _Start(options, Ports(data, admin), os.environ)  # noqa: TID251  # the command line reads the environment
        code = uvloop.run(_serve(start))
    if code:
        raise SystemExit(code)


async def _serve(start: _Start) -> int:
    """Start the sandbox if it is needed, then serve in this process or supervise several; give the exit code."""
    options = start.options
    async with AsyncExitStack() as stack:
        try:
            policy = PolicySource(options.policy, start.environment).load()
        except PolicyError as error:
            if not _may_stand_in(start):
                if options.policy is None:
                    raise
                hint = "--insecure-dev lets the sandbox stand in for providers without a key"
                raise PolicyError(f"{error}\n({hint})" if "env:" in str(error) else str(error)) from None
            from seawall.sandbox import Sandbox  # noqa: PLC0415  # only a start without keys pays for it

            sandbox = await stack.enter_async_context(Sandbox())
            options = msgspec.structs.replace(options, sandbox_url=sandbox.url)
            policy = PolicySource(options.policy, start.environment, options.sandbox_url).load()
        text = banner(options, sorted(policy.plans), f"{policy.source}, version {policy.version}")
        stack.enter_context(pid_file(options.state_dir))
        if options.workers > 1:
            return await Supervisor(options, start.ports).run(lambda: click.echo(text))
        await run_worker(options, Seat(start.ports), start.environment, lambda: click.echo(text), policy)
        return 0


def _may_stand_in(start: _Start) -> bool:
    """Say whether the sandbox may answer: never in place of a provider that an operator's policy names for real use."""
    if start.options.policy is not None:
        return start.options.insecure_dev
    return not any(start.environment.get(key.name) for key in OFFICIAL_KEYS.values())


def _is_loopback(host: str) -> bool:
    if host == "localhost":
        return True
    try:
        return ipaddress.ip_address(host).is_loopback
    except ValueError:
        return False


def _listen(option: str, host: str, port: int) -> socket.socket:
    try:
        return listen("127.0.0.1" if host == "localhost" else host, port)
    except OSError as error:
        is_name = option == "--port" and (isinstance(error, socket.gaierror) or error.errno == errno.EADDRNOTAVAIL)
        named = "--host" if is_name else option
        raise click.UsageError(f"{named}: cannot listen on {host}:{port}: {error.strerror or error}") from error

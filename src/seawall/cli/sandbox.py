"""`seawall sandbox`: the simulated provider in a terminal."""

import asyncio
import os
import signal

import click
import uvloop

from seawall.cli.number import FiniteRange
from seawall.core.error import Unavailable
from seawall.core.secret import Secret
from seawall.sandbox import Sandbox, Settings

_EXAMPLE = """\
Try it:
  curl {url}/v1/messages -H 'x-api-key: any' -H 'anthropic-version: 2023-06-01' \\
    -d '{{"model":"claude-haiku-5-5","max_tokens":100,"messages":[{{"role":"user","content":"Hello"}}]}}'"""


@click.command()
@click.option("--host", default="127.0.0.1", show_default=True, help="Address to listen on.")
@click.option(
    "--port", default=8090, show_default=True, type=click.IntRange(0, 65535), help="Port; 0 takes a free one."
)
@click.option("--key-env", metavar="NAME", help="Environment variable with the only API key that is good.")
@click.option("--first-token-ms", default=0.0, type=FiniteRange(0), help="Wait before the first content.")
@click.option("--tokens-per-second", default=0.0, type=FiniteRange(0), help="How quickly it writes; 0 is at once.")
def command(host: str, port: int, key_env: str | None, first_token_ms: float, tokens_per_second: float) -> None:
    """Run the simulated provider: both dialects, deterministic answers, faults on demand. Ctrl-C ends it."""
    expected_key = None if key_env is None else _key(key_env)
    settings = Settings(first_token_ms=first_token_ms, tokens_per_second=tokens_per_second)
    uvloop.run(_run(Sandbox(settings, expected_key=expected_key), host, port))


def _key(name: str) -> Secret:
    try:
        return Secret(os.environ[name])  # noqa: TID251  # the command line may read the environment
    except KeyError:
        raise click.UsageError(f"the environment variable {name} is not set") from None
    except ValueError as error:
        raise click.UsageError(f"the environment variable {name}: {error}") from None


async def _run(sandbox: Sandbox, host: str, port: int) -> None:
    loop, ended = asyncio.get_running_loop(), asyncio.Event()
    for number in (signal.SIGINT, signal.SIGTERM):
        loop.add_signal_handler(number, ended.set)
    try:
        await sandbox.start(host, port)
    except OSError as error:
        raise Unavailable(f"cannot listen on {host}:{port}: {error.strerror or error}") from None
    async with sandbox:
        click.echo(f"The sandbox provider listens on {sandbox.url} (OpenAI clients: {sandbox.url}/v1)")
        click.echo(_EXAMPLE.format(url=sandbox.url))
        await ended.wait()

"""The command tree; a command's module is imported only when that command runs, so that `--help` stays quick."""

import errno
from difflib import get_close_matches
from importlib import import_module
from typing import Final

import click

import seawall
from seawall.core.error import PolicyError, SeawallError

# name: (module, what `seawall --help` says); the module holds a click command named `command`.
COMMANDS: Final = {
    "init": ("seawall.cli.init", "Write a commented starter policy."),
    "serve": ("seawall.cli.serve", "Start the gateway."),
    "check": ("seawall.cli.check", "Check a policy: errors with their place, and what is legal but unsafe."),
    "explain": ("seawall.cli.explain", "Show every effective setting of a route and where it came from."),
    "keys": ("seawall.cli.keys", "Create, list, revoke and rotate client keys."),
    "kill": ("seawall.cli.kill", "Stop calls by level, in every worker, within a second; list what is off."),
    "revive": ("seawall.cli.revive", "Let calls go on that were stopped."),
    "models": ("seawall.cli.models", "See which model each route calls, pin one, and roll back."),
    "calls": ("seawall.cli.calls", "List recorded calls, follow them, or show one."),
    "spend": ("seawall.cli.spend", "See budgets against their caps, what a period cost, and what is unsettled."),
    "sandbox": ("seawall.cli.sandbox", "Run the simulated provider."),
    "config": ("seawall.cli.config", "Export the policy's JSON Schema."),
}


class LazyGroup(click.Group):
    """A group that knows its commands by name and imports one only to run it."""

    def list_commands(self, ctx: click.Context) -> list[str]:
        """Name the commands in the order in which a newcomer meets them."""
        del ctx
        return list(COMMANDS)

    def get_command(self, ctx: click.Context, cmd_name: str) -> click.Command | None:
        """Import the command that is about to run.

        Raises:
            click.UsageError: there is none of this name, and one that is near.
        """
        if cmd_name not in COMMANDS:
            near = get_close_matches(cmd_name, COMMANDS, n=1)
            if near and not ctx.resilient_parsing:
                ctx.fail(f"No such command {cmd_name!r}. Did you mean {near[0]!r}?")
            return None
        command: click.Command = import_module(COMMANDS[cmd_name][0]).command
        return command

    def format_commands(self, ctx: click.Context, formatter: click.HelpFormatter) -> None:
        """List the commands without importing any."""
        del ctx
        with formatter.section("Commands"):
            formatter.write_dl([(name, line) for name, (_, line) in COMMANDS.items()])

    def invoke(self, ctx: click.Context) -> object:
        """Turn errors into one clear message: exit 1 for a bad policy, 2 for what was wrongly asked or cannot be."""
        try:
            return super().invoke(ctx)
        except PolicyError as error:
            click.echo(str(error), err=True)
            ctx.exit(1)
        except SeawallError as error:
            click.echo(f"seawall: {error}", err=True)
            ctx.exit(2)
        except OSError as error:
            if error.errno == errno.EPIPE:
                raise  # whoever read the output has seen enough: click ends without a word
            click.echo(f"seawall: {error.strerror or error}{_where(error)}", err=True)
            ctx.exit(2)


def _where(error: OSError) -> str:
    return f": {error.filename}" if error.filename is not None else ""


@click.group(cls=LazyGroup, context_settings={"help_option_names": ["-h", "--help"], "max_content_width": 100})
@click.version_option(seawall.__version__, prog_name="seawall")
def main() -> None:
    """Stand between your application and its language models: caps that hold, streams that stay streams.

    Exit codes: 0 good, 1 the thing checked is not good, 2 wrong use, or it cannot be done.
    """

"""`seawall config`."""

import click
import orjson

from seawall.policy.schema import policy_schema


@click.group("config")
def command() -> None:
    """Export what editors and other tools want to know of a policy."""


@command.command("schema")
def schema() -> None:
    """Print the policy's JSON Schema (draft 2020-12), for editors.

    An editor with a YAML language server takes it by a first line in the policy:

        # yaml-language-server: $schema=seawall.schema.json
    """
    click.echo(orjson.dumps(policy_schema(), option=orjson.OPT_INDENT_2).decode())

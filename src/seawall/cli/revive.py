"""`seawall revive`."""

from pathlib import Path

import click

from seawall.cli.output import clean, print_json
from seawall.cli.state import state_dir_option
from seawall.cli.switch import THROUGH, asked_level, open_switches, who
from seawall.stores.files.switch_text import switch_json


@click.command("revive")
@click.argument("level")
@click.option("--why", default="", help="The reason, for the record.")
@click.option("--by", default="", help="Who revives it. None: the user of the operating system.")
@click.option("--only", is_flag=True, help="With all: lift only what stops everything, and leave other switches.")
@click.option("--json", "as_json", is_flag=True, help="Print one JSON object a line.")
@state_dir_option
def command(level: str, why: str, by: str, only: bool, as_json: bool, state_dir: Path) -> None:
    """Let calls go on that `seawall kill` has stopped, within a second.

    LEVEL is as it was given to `seawall kill`. `all` lifts every switch, whatever its level, and what cannot be read.
    """
    switches = open_switches(state_dir)
    gone = switches.revive(asked_level(level), who(by), why, THROUGH, only=only)
    switches.refresh()
    left = switches.in_force()
    if as_json:
        for switch in gone:
            print_json(switch_json(switch))
        return
    for switch in gone:
        told = switch.trouble or switch.why
        click.echo(clean(f"{switch.level.text} is on again" + (f" (it was off: {told})" if told else "")))
    if left:
        click.echo(clean("Still off: " + ", ".join(switch.level.text for switch in left)))

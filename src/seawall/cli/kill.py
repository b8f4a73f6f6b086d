"""`seawall kill`."""

from pathlib import Path

import click

from seawall.cli.output import clean, print_json, print_table
from seawall.cli.state import state_dir_option
from seawall.cli.switch import THROUGH, asked_level, now_s, open_switches, who
from seawall.core.switch import Level, Switch
from seawall.stores.files.switch_text import moment_text, switch_json
from seawall.stores.files.switches import SwitchFile
from seawall.telemetry.period import length_s


@click.command("kill")
@click.argument("level", default="")
@click.option("--why", default="", help="The reason, for the record and for whoever is refused.")
@click.option("--for", "length", default="", help="How long, such as 30m or 24h. None: until `seawall revive`.")
@click.option("--by", default="", help="Who throws it. None: the user of the operating system.")
@click.option("--list", "is_list", is_flag=True, help="List what is off instead.")
@click.option("--json", "as_json", is_flag=True, help="Print one JSON object a line.")
@click.option(
    "--policy",
    "file",
    default="seawall.yaml",
    show_default=True,
    type=click.Path(path_type=Path),
    help="Where names are looked up, if it is there, to find slips of the pen.",
)
@state_dir_option
def command(  # noqa: PLR0917  # click passes them by name
    level: str, why: str, length: str, by: str, is_list: bool, as_json: bool, file: Path, state_dir: Path
) -> None:
    """Stop calls, in every running worker, within a second.

    LEVEL is all, provider:NAME, model:ID, route:/PATH, feature:NAME, team:NAME, tool:NAME or key:ID. It is written to
    the file `killswitch` in the state directory and survives restarts. With everything else broken, an editor does as
    well: one level a line, and an empty file stops everything.
    """
    switches = open_switches(state_dir)
    if is_list:
        if level or why or length:
            raise click.UsageError("--list goes with no level, --why or --for")
        _list(switches, as_json=as_json)
        return
    if not level:
        raise click.UsageError("say what to stop, such as all or provider:openai, or use --list")
    reached = asked_level(level)
    if not why.strip():
        raise click.UsageError('say why with --why "…": it is recorded, and told to whoever is refused')
    at_s = now_s()
    try:
        until_s = at_s + length_s(length) if length else None
    except ValueError as error:
        raise click.UsageError(f"--for: {error}") from None
    if until_s == at_s:
        raise click.UsageError("--for: expected longer than no time at all")
    switch = Switch(reached, until_s, who(by), at_s, why.strip())
    switches.throw(switch, THROUGH)
    if as_json:
        print_json(switch_json(switch))
        return
    end = f"until {moment_text(until_s)}" if until_s is not None else f"until `seawall revive {reached.text}`"
    click.echo(clean(f"{reached.text} is off, {end}. Running workers stop within a second."))
    click.echo(clean(f"It stands in {switches.path.absolute()}."))
    if remark := _remark(reached, file):
        click.echo(clean(remark))


def _remark(level: Level, file: Path) -> str:
    """Ask the policy whether it knows the name; whatever is the matter with it, the switch has been thrown already."""
    if not file.is_file():
        return ""
    try:
        from seawall.cli.known_names import doubt  # noqa: PLC0415  # a kill must not need what a policy needs

        return doubt(level, file)
    except Exception:  # noqa: BLE001  # as above
        return ""


def _list(switches: SwitchFile, *, as_json: bool) -> None:
    in_force = switches.in_force()
    if as_json:
        for switch in in_force:
            print_json(switch_json(switch))
        return
    if not in_force:
        click.echo("Nothing is off.")
        return
    rows = [
        (
            switch.level.text,
            moment_text(switch.at_s) if switch.at_s is not None else "-",
            moment_text(switch.until_s) if switch.until_s is not None else "revived",
            switch.by or "-",
            switch.trouble or switch.why or "-",
        )
        for switch in in_force
    ]
    print_table(("OFF", "SINCE", "UNTIL", "BY", "WHY"), rows)

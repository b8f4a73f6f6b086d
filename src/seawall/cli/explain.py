"""`seawall explain`."""

from pathlib import Path

import click

from seawall.cli.output import clean, print_json, print_table
from seawall.cli.policy_file import DEFAULT, judge
from seawall.policy.explain import BandView, Explanation, TargetView, explain
from seawall.policy.fault import policy_error


@click.command("explain")
@click.argument("route")
@click.option("--policy", "file", default=DEFAULT, show_default=True, type=click.Path(path_type=Path), help="The file.")
@click.option("--json", "as_json", is_flag=True, help="Print one JSON object.")
def command(route: str, file: Path, as_json: bool) -> None:
    """Show every effective setting of ROUTE, where it came from, its prices, and what 1,000 calls cost.

    Exit codes: 0 good, 1 the policy has errors, 2 no such file or route.
    """
    judgement = judge(file)
    policy, roster = judgement.compiled.policy, judgement.compiled.roster
    if policy is None or roster is None:
        raise policy_error(judgement.reading.source, judgement.compiled.faults)
    explanation = explain(judgement.reading, policy, roster, route, judgement.compiled.off)
    if as_json:
        print_json(explanation)
    else:
        _print(explanation)


def _print(explanation: Explanation) -> None:
    click.echo(clean(f"{explanation.route}  ({explanation.place})"))
    click.echo()
    print_table(
        ["SETTING", "VALUE", "FROM"],
        [[setting.key, setting.value, setting.origin] for setting in explanation.settings],
    )
    if explanation.caps:
        click.echo()
        print_table(["CAP", "VALUE", "FROM"], [[cap.key, cap.value, cap.origin] for cap in explanation.caps])
    for target in explanation.targets:
        click.echo()
        _print_target(target)
    click.echo()
    if not explanation.estimates:
        click.echo("The client's own model decides: its price is known when it is called.")
        return
    print_table(
        ["ESTIMATE", "CALLS", "USD", "MODEL", "ASSUMING, FOR EACH CALL"],
        [
            [each.case, f"{each.calls:,}", each.usd or "unbounded", each.target, each.assumption]
            for each in explanation.estimates
        ],
        right=["CALLS", "USD"],
    )


def _print_target(target: TargetView) -> None:
    role = "" if target.role == "model" else f"  {target.role}"
    click.echo(clean(f"{target.name}  {target.url}  key {target.key}{role}"))
    if target.own:
        click.echo(clean(f"  of its own: {', '.join(target.own)}"))
    if target.note:
        click.echo(clean(f"  {target.note}"))
    click.echo(clean(f"  limit in the provider's console: {target.console_cap}"))
    click.echo(clean(f"  USD per million tokens, from {target.price_source}{_modes(target)}"))
    columns = ["PROMPT", "INPUT", "OUTPUT", "CACHE READ", "WRITE SHORT", "WRITE LONG"]
    print_table(["  " + columns[0], *columns[1:]], [_band(band) for band in target.bands], right=columns[1:])


def _modes(target: TargetView) -> str:
    if not target.modes:
        return ""
    return f"; {', '.join(target.modes)} {'has its' if len(target.modes) == 1 else 'have their'} own"


def _band(band: BandView) -> list[str]:
    return [
        f"  above {band.above_tokens:,}" if band.above_tokens else "  any",
        band.input,
        band.output,
        band.cache_read,
        band.cache_write_short,
        band.cache_write_long,
    ]

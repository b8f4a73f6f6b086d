"""`seawall models`."""

from collections.abc import Callable
from dataclasses import dataclass
from datetime import UTC, date, datetime
from pathlib import Path
from typing import TypeVar

import click

from seawall.cli.output import clean, print_json, print_table
from seawall.cli.policy_file import DEFAULT, Judgement, judge
from seawall.cli.switch import who
from seawall.core.error import NotFound, Unavailable
from seawall.policy.fault import Fault, policy_error
from seawall.policy.model_facts import ModelFacts
from seawall.policy.pin_change import alone, pinned, render, rolled_back, write
from seawall.policy.pins import MAX_TEXT, Pin, Pins, pins_path
from seawall.policy.roster import Found
from seawall.policy.validate import did_you_mean

_Command = TypeVar("_Command", bound=Callable[..., object])


def _policy_option(command: _Command) -> _Command:
    kind = click.Path(path_type=Path)
    return click.option("--policy", "file", default=DEFAULT, show_default=True, type=kind, help="The file.")(command)


@click.group("models")
def command() -> None:
    """See which model each route calls, pin one, and roll back.

    Pins stand in a file beside the policy (seawall.pins.yaml for seawall.yaml), go before the policy's own models, and
    count in every running worker within a second.
    """


@dataclass(frozen=True, slots=True)
class _Row:
    """One route's model: what is in force, what the policy says itself, and what is the matter with it."""

    route: str
    model: str | None
    pin: Pin | None
    own: str | None
    state: str
    instead: str


@command.command("list", short_help="List each route's model and what is the matter with it.")
@_policy_option
@click.option("--json", "as_json", is_flag=True, help="Print one JSON object a line.")
def list_(file: Path, as_json: bool) -> None:
    """List each route's model, its pin, and whether the model is a floating or a retired one."""
    rows = _rows(_good(judge(file)), datetime.now(UTC).date())
    if as_json:
        for row in rows:
            print_json(row)
        return
    columns = ("ROUTE", "MODEL", "FROM", "STATE", "INSTEAD", "WHY")
    print_table(columns, [_cells(row) for row in rows])


@command.command("pin", short_help="Have a route call another model.")
@click.argument("route")
@click.argument("model")
@click.option("--why", required=True, help="The reason, for the record.")
@click.option("--by", default="", help="Who pins it. None: the user of the operating system.")
@_policy_option
def pin_(route: str, model: str, why: str, by: str, file: Path) -> None:
    """Have ROUTE call MODEL, whatever the policy says; refused if the policy would not be good with it."""
    if not why.strip():
        raise click.UsageError("--why: expected a reason")

    def change(judgement: Judgement) -> Pins:
        own = _own(judgement, route)
        return pinned(judgement.reading.pins, route, Pin(model, *_signature(by, why)), own or "")

    _change(file, route, change)


@command.command("rollback", short_help="Undo the last pin of a route.")
@click.argument("route")
@click.option("--why", default="", help="The reason, for the record.")
@click.option("--by", default="", help="Who rolls back. None: the user of the operating system.")
@_policy_option
def rollback(route: str, why: str, by: str, file: Path) -> None:
    """Undo the last pin of ROUTE: the one before it counts again, or the policy's own model."""

    def change(judgement: Judgement) -> Pins:
        _own(judgement, route)
        return rolled_back(judgement.reading.pins, route, Pin("", *_signature(by, why)))

    _change(file, route, change)


def _change(file: Path, route: str, change: Callable[[Judgement], Pins]) -> None:
    """Change the pins, if the policy is good with them; nothing is written otherwise."""
    if not file.is_file():
        judge(file)  # says so
    with alone(file):
        before = judge(file)
        after = render(change(before))
        judgement = _good(judge(file, after))
        try:
            write(pins_path(file), after)
        except OSError as error:
            raise Unavailable(f"cannot write {pins_path(file)}: {error.strerror}") from error
    (row,) = (row for row in _rows(judgement, datetime.now(UTC).date()) if row.route == route)
    told = f"{route} calls {row.model or 'what the client asks for'} ({_from(row)})."
    click.echo(clean(f"{told} Running workers follow within a second."))
    if row.state:
        click.echo(clean(f"Mind that it is {row.state}" + (f"; instead: {row.instead}" if row.instead else "")))
    click.echo(clean(f"Recorded in {pins_path(file)}: commit it with the policy."))


def _good(judgement: Judgement) -> Judgement:
    if judgement.compiled.policy is None:
        raise policy_error(judgement.reading.source, judgement.compiled.faults)
    return judgement


def _own(judgement: Judgement, route: str) -> str | None:
    """Give the policy's own model of a route.

    Raises:
        PolicyError: the policy or its pins cannot be read.
        NotFound: there is no such route.
    """
    reading = judgement.reading
    faults: tuple[Fault, ...] = reading.faults
    if reading.document is None or faults:
        raise policy_error(reading.source, faults)
    if route not in reading.document.routes:
        routes = reading.document.routes
        hint = did_you_mean(route, routes) or "it has " + ", ".join(routes)
        raise NotFound(f"{reading.source} has no route {route!r}; {hint}")
    return reading.own_models.get(route, reading.document.routes[route].model)


def _signature(by: str, why: str) -> tuple[str, str, str]:
    at = datetime.now(UTC).strftime("%Y-%m-%dT%H:%M:%SZ")
    by, why = ("".join(c if c.isprintable() else " " for c in text).strip() for text in (who(by), why))
    return by[:MAX_TEXT], at, why[:MAX_TEXT]


def _rows(judgement: Judgement, today: date) -> list[_Row]:
    reading, roster = judgement.reading, judgement.compiled.roster
    rows = []
    for route, said in (reading.document.routes if reading.document else {}).items():
        found = roster.find(said.model) if roster is not None and said.model is not None else None
        state, instead = _state(found.facts, today) if isinstance(found, Found) else ("", "")
        pin = reading.pins.pins.get(route)
        rows.append(_Row(route, said.model, pin, reading.own_models.get(route, said.model), state, instead))
    return rows


def _state(facts: ModelFacts, today: date) -> tuple[str, str]:
    if facts.retires_on is not None:
        word = "retired since" if facts.retires_on <= today else "retiring on"
        return f"{word} {facts.retires_on}", facts.instead
    return ("floating", facts.snapshot) if facts.is_floating else ("", "")


def _from(row: _Row) -> str:
    return f"pinned; the policy says {row.own or 'nothing'}" if row.pin else "the policy's own"


def _cells(row: _Row) -> list[str]:
    pin = row.pin
    why = f"{pin.why} ({pin.by}, {pin.at})" if pin else "-"
    return [row.route, row.model or "the client's own", _from(row), row.state or "-", row.instead or "-", why]

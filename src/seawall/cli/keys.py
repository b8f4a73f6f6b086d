"""`seawall keys`."""

import sys
from collections.abc import Iterator
from contextlib import contextmanager
from datetime import UTC, datetime
from pathlib import Path

import click

from seawall.cli.output import print_json, print_table
from seawall.cli.state import state_dir_option
from seawall.core.key import IssuedKey, KeyEntry, KeyGrant
from seawall.stores.sqlite.keys import FILE_NAME, SqliteKeyStore
from seawall.telemetry.period import length_s, moment_s, moment_text

_json_option = click.option("--json", "as_json", is_flag=True, help="Print one JSON object a line.")


@click.group("keys")
def command() -> None:
    """Create, list, revoke and rotate client keys.

    A key is shown once, when it is made; only its digest is stored. Changes count in every running worker within a
    second.
    """


@command.command("create")
@click.option("--team", default="", help="Team that pays.")
@click.option("--project", default="", help="Project.")
@click.option("--user", default="", help="User, where the key belongs to one.")
@click.option("--feature", default="", help="Feature that calls with it.")
@click.option("--route", "routes", multiple=True, help="Allowed route, such as /ai/chat; repeat for more. None: all.")
@click.option("--default-route", default="", help="Route of calls that name none.")
@click.option("--expires", default="", help="When it ends: a length (90d) or a date (2027-01-01, UTC). None: never.")
@click.option("--note", default="", help="Whatever helps to recognise it.")
@_json_option
@state_dir_option
def create(  # noqa: PLR0917  # click passes them by name
    team: str,
    project: str,
    user: str,
    feature: str,
    routes: tuple[str, ...],
    default_route: str,
    expires: str,
    note: str,
    as_json: bool,
    state_dir: Path,
) -> None:
    """Create a key and show it, this once."""
    now_s = _now_s()
    try:
        expires_at_s = _expiry_s(expires, now_s) if expires else None
        grant = KeyGrant(team, project, user, feature, routes, default_route, expires_at_s, note)
    except ValueError as error:
        raise click.UsageError(str(error)) from None
    with _store(state_dir) as store:
        _print_issued(store.create(grant, now_s), as_json=as_json)


@command.command("list")
@_json_option
@state_dir_option
def list_(as_json: bool, state_dir: Path) -> None:
    """List all keys, never their text."""
    now_s = _now_s()
    with _store(state_dir) as store:
        entries = store.entries()
    if as_json:
        for entry in entries:
            print_json(_plain(entry, now_s))
        return
    if not entries:
        click.echo(f"There is no key in {state_dir / FILE_NAME}; `seawall keys create` makes one.")
        return
    columns = ("ID", "KEY", "STATE", "TEAM", "PROJECT", "USER", "FEATURE", "ROUTES", "CREATED", "EXPIRES", "NOTE")
    print_table(columns, [_row(entry, now_s) for entry in entries])


@command.command("revoke")
@click.argument("key")
@_json_option
@state_dir_option
def revoke(key: str, as_json: bool, state_dir: Path) -> None:
    """End a key for good.

    KEY is its id, its whole text, or - to read either from standard input, where no shell remembers it.
    """
    now_s = _now_s()
    with _store(state_dir) as store:
        entry = store.revoke(_asked(key), now_s)
    if as_json:
        print_json(_plain(entry, now_s))
    else:
        click.echo(f"{entry.id} ({entry.hint}) is revoked. Running workers refuse it within a second.")


@command.command("rotate")
@click.argument("key")
@click.option("--overlap", default="0s", show_default=True, help="How long the old key lives on, such as 24h.")
@_json_option
@state_dir_option
def rotate(key: str, overlap: str, as_json: bool, state_dir: Path) -> None:
    """Replace a key by a new one that may do the same, for the same length of time, counted from now.

    KEY is its id, its whole text, or - to read either from standard input.
    """
    now_s = _now_s()
    try:
        overlap_s = length_s(overlap)
    except ValueError as error:
        raise click.UsageError(f"--overlap: {error}") from None
    with _store(state_dir) as store:
        issued = store.rotate(_asked(key), now_s, overlap_s)
    _print_issued(issued, as_json=as_json)
    if not as_json:
        click.echo(f"The old key {f'lives for another {overlap}' if overlap_s else 'is revoked'}.")


@contextmanager
def _store(state_dir: Path) -> Iterator[SqliteKeyStore]:
    store = SqliteKeyStore(state_dir / FILE_NAME)
    try:
        yield store
    finally:
        store.close()


def _asked(key: str) -> str:
    return sys.stdin.readline().strip() if key == "-" else key


def _now_s() -> float:
    return datetime.now(UTC).timestamp()


def _expiry_s(text: str, now_s: float) -> float:
    """Read the end of a key's life: a length from now, or a date.

    Raises:
        ValueError: it is neither, or it is past.
    """
    try:
        at_s = now_s + length_s(text)
    except ValueError:
        try:
            at_s = moment_s(text, now_s)
        except ValueError:
            raise ValueError(
                f"--expires: {text!r} is neither a length such as 90d nor a date such as 2027-01-01"
            ) from None
    if at_s <= now_s:
        raise ValueError(f"--expires {text}: expected a moment to come")
    return at_s


def _print_issued(issued: IssuedKey, *, as_json: bool) -> None:
    if as_json:
        print_json(_plain(issued.entry, issued.entry.created_at_s) | {"key": issued.key.reveal()})
        return
    click.echo(issued.key.reveal())
    click.echo(f"\nThis is {issued.entry.id}. Keep the key now: it is stored as a digest and cannot be shown again.")


def _plain(entry: KeyEntry, now_s: float) -> dict[str, object]:
    grant = entry.grant
    return {
        "id": entry.id,
        "hint": entry.hint,
        "state": entry.state(now_s),
        "team": grant.team,
        "project": grant.project,
        "user": grant.user,
        "feature": grant.feature,
        "routes": grant.routes,
        "default_route": grant.default_route,
        "note": grant.note,
        "created_at": _moment(entry.created_at_s),
        "expires_at": _moment(grant.expires_at_s),
        "revoked_at": _moment(entry.revoked_at_s),
        "rotated_to": entry.rotated_to or None,
    }


def _row(entry: KeyEntry, now_s: float) -> list[str]:
    grant = entry.grant
    routes = [f"{route} (default)" if route == grant.default_route else route for route in grant.routes]
    if grant.default_route and not routes:
        routes = [f"all, {grant.default_route} (default)"]
    return [
        entry.id,
        entry.hint,
        entry.state(now_s),
        grant.team or "-",
        grant.project or "-",
        grant.user or "-",
        grant.feature or "-",
        ", ".join(routes) or "all",
        moment_text(entry.created_at_s)[:10],
        moment_text(grant.expires_at_s)[:16] if grant.expires_at_s is not None else "never",
        grant.note,
    ]


def _moment(at_s: float | None) -> str | None:
    return None if at_s is None else moment_text(at_s).replace(" ", "T") + "Z"

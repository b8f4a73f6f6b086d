"""The options by which commands are told a period."""

from collections.abc import Callable
from datetime import UTC, datetime, tzinfo
from typing import Final, TypeVar
from zoneinfo import ZoneInfo, ZoneInfoNotFoundError

import click

from seawall.telemetry.period import Period, moment_s, moment_text, utc_day

_Command = TypeVar("_Command", bound=Callable[..., object])

HELP: Final = "today, yesterday, a length such as 2h or 7d, a date, or RFC 3339"


def _zone(ctx: click.Context, param: click.Parameter, value: str) -> tzinfo:
    """Look a zone up by its name in the time zone database."""
    if value.upper() in ("UTC", "Z"):
        return UTC
    try:
        return ZoneInfo(value)
    except (ZoneInfoNotFoundError, ValueError, OSError):
        message = f"{value!r} is no time zone here: expected a name such as Europe/Berlin, or UTC"
        raise click.BadParameter(message, ctx, param) from None


def period_options(since: str) -> Callable[[_Command], _Command]:
    """Give a command `--since` (default `since`), `--until` and `--tz`, passed on as texts and a zone."""

    def decorate(command: _Command) -> _Command:
        command = click.option(
            "--tz", "zone", callback=_zone, default="UTC", show_default=True, help="Zone in which days begin."
        )(command)
        command = click.option("--until", default="now", show_default=True, help="Before this; as --since.")(command)
        return click.option("--since", default=since, show_default=True, help=f"From then on: {HELP}.")(command)

    return decorate


def read_period(since: str, until: str, zone: tzinfo) -> Period:
    """Read the period that the options name; until `now` has no end, so that a call of this instant is in it.

    Raises:
        click.UsageError: one of them names no moment, or they are in the wrong order.
    """
    now_s = now()
    since_s = _moment_s("--since", since, now_s, zone)
    until_s = None if until.strip().lower() == "now" else _moment_s("--until", until, now_s, zone)
    if until_s is not None and until_s <= since_s:
        raise click.UsageError(f"--until {until} is not after --since {since}")
    return Period(since_s, until_s)


def _moment_s(option: str, text: str, now_s: float, zone: tzinfo) -> float:
    try:
        at_s = moment_s(text, now_s, zone)
    except ValueError as error:
        raise click.UsageError(f"{option}: {error}") from None
    try:
        # What follows writes the moment in this zone, and names files by its day in UTC.
        moment_text(at_s, zone)
        utc_day(at_s)
    except (ValueError, OverflowError):
        raise click.UsageError(f"{option}: {text!r} is outside the years 1 to 9999 of the calendar") from None
    return at_s


def now() -> float:
    """Give the wall time in seconds since 1970."""
    return datetime.now(UTC).timestamp()

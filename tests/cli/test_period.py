from datetime import UTC, datetime, tzinfo
from zoneinfo import ZoneInfo

import click
import pytest
from click.testing import CliRunner, Result

from seawall.cli.period import period_options, read_period
from seawall.telemetry.period import DAY_S, Period

seen: list[Period] = []


@click.command()
@period_options("today")
def ask(since: str, until: str, zone: tzinfo) -> None:
    seen.append(read_period(since, until, zone))
    click.echo(str(zone))


def run(*arguments: str) -> Result:
    return CliRunner().invoke(ask, arguments)


def test_by_default_a_period_is_today_so_far() -> None:
    before = datetime.now(UTC)

    run()

    assert datetime.fromtimestamp(seen[-1].since_s, UTC).date() in (before.date(), datetime.now(UTC).date())
    assert seen[-1].since_s % DAY_S == 0
    assert seen[-1].until_s is None


def test_yesterday_until_today_is_one_whole_day() -> None:
    run("--since", "yesterday", "--until", "today")

    assert seen[-1].until_s is not None
    assert seen[-1].until_s - seen[-1].since_s == DAY_S


@pytest.mark.parametrize(("name", "shown"), [("utc", "UTC"), ("Z", "UTC"), ("Europe/Berlin", "Europe/Berlin")])
def test_days_begin_in_the_zone_that_is_asked_for(name: str, shown: str) -> None:
    result = run("--since", "2026-07-01", "--tz", name)

    assert result.output == f"{shown}\n"
    assert seen[-1].since_s == datetime(2026, 7, 1, tzinfo=ZoneInfo(shown)).timestamp()


@pytest.mark.parametrize(
    ("arguments", "complaint"),
    [
        (("--since", "whenever"), "--since: 'whenever' names no moment: expected today, yesterday"),
        (("--until", "whenever"), "--until: 'whenever' names no moment: expected today, yesterday"),
        (("--since", "today", "--until", "yesterday"), "--until yesterday is not after --since today"),
        (("--since", "0001-01-01", "--tz", "Asia/Tokyo"), "--since: '0001-01-01' is outside the years 1 to 9999"),
        (("--until", "9999-12-31T23:30-05:00"), "--until: '9999-12-31T23:30-05:00' is outside the years 1 to 9999"),
        (("--since", "0001-01-01T00:30Z", "--tz", "America/New_York"), "is outside the years 1 to 9999"),
        (("--tz", "Mars"), "'Mars' is no time zone here: expected a name such as Europe/Berlin"),
        (("--tz", "../etc"), "no time zone here"),
    ],
)
def test_a_period_that_is_none_is_wrong_use(arguments: tuple[str, ...], complaint: str) -> None:
    result = run(*arguments)

    assert result.exit_code == 2
    assert complaint in result.output

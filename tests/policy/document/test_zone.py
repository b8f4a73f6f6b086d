import zoneinfo
from collections.abc import Iterator
from datetime import UTC
from zoneinfo import ZoneInfo

import pytest
from pydantic import TypeAdapter, ValidationError

from seawall.policy.document.zone import TimeZone, near_zones, zone_of

ZONE: TypeAdapter[str] = TypeAdapter(TimeZone)


@pytest.fixture
def bare() -> Iterator[None]:
    """A machine without time zones; the package of that name is not installed where this runs."""
    before = zoneinfo.TZPATH
    zoneinfo.reset_tzpath(to=())
    ZoneInfo.clear_cache()
    yield
    zoneinfo.reset_tzpath(to=before)
    ZoneInfo.clear_cache()


@pytest.mark.parametrize("name", ["Europe/Berlin", "America/Argentina/Ushuaia", "Etc/GMT+1", "CET"])
def test_a_zone_is_found_by_its_name(name: str) -> None:
    assert str(zone_of(name)) == name


def test_utc_is_the_one_that_everything_else_uses() -> None:
    assert zone_of("UTC") is UTC


@pytest.mark.parametrize(
    "name",
    [
        "",
        "Berlin",
        "Europe",
        "Europe/Berln",
        "../Europe/Berlin",
        "/etc/localtime",
        "Europe//Berlin",
        "right/Europe/Berlin",
        "posix/Europe/Berlin",
        "localtime",
        "Factory",
        "x" * 5000,
    ],
)
def test_what_is_no_zone_is_refused(name: str) -> None:
    with pytest.raises(ValueError, match="no time zone is called"):
        zone_of(name)
    with pytest.raises(ValidationError, match="a time zone such as Europe/Berlin, or UTC"):
        ZONE.validate_python(name)


def test_what_is_no_text_is_no_zone() -> None:
    with pytest.raises(ValidationError, match="a time zone such as Europe/Berlin, or UTC"):
        ZONE.validate_python(2)


def test_a_city_alone_means_its_zone() -> None:
    near = near_zones("Berlin")

    assert near["Berlin"] == near["Europe/Berlin"] == "Europe/Berlin"
    assert "Berlin" not in near_zones("Europe/Berln")


@pytest.mark.usefixtures("bare")
def test_a_machine_without_zones_still_has_utc() -> None:
    assert zone_of("UTC") is UTC


@pytest.mark.usefixtures("bare")
@pytest.mark.skipif(zoneinfo.available_timezones() == set(), reason="there is nothing to take away")
def test_a_machine_without_zones_says_what_to_install() -> None:
    with pytest.raises(ValidationError, match="this machine has no other time zones"):
        ZONE.validate_python("Europe/Berlin")

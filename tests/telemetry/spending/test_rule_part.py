import pytest

from seawall.core.money import NUSD_PER_USD
from seawall.core.spending import Standing, standing
from seawall.telemetry.spending.rule.part import largest_parts, part_alert, under_all
from seawall.telemetry.spending.settings import PartSettings

SETTINGS = PartSettings()


def _seen(holder: str, usd: int, window: str = "2026-11-21/UTC") -> Standing:
    return standing(f"{holder}@{window}", 100 * NUSD_PER_USD, usd * NUSD_PER_USD)


CROWD = [_seen("all", 20), _seen("user:b", 4), _seen("user:c", 4)]


@pytest.mark.parametrize(
    ("standings", "expected"),
    [
        pytest.param([*CROWD, _seen("user:a", 12)], ["user:a"], id="more than half"),
        pytest.param([*CROWD, _seen("user:a", 9)], [], id="less than half"),
        pytest.param([_seen("all", 20), _seen("user:a", 12), _seen("user:b", 8)], [], id="too few users"),
        pytest.param(
            [*CROWD, _seen("user:a", 12), _seen("user:d", 0)], ["user:a"], id="nothing spent counts as nobody"
        ),
        pytest.param([_seen("user:a", 12), *CROWD[1:]], [], id="nobody knows the whole"),
        pytest.param([*CROWD, _seen("user:a", 12, "2026-11-20/UTC")], [], id="another window"),
        pytest.param([*CROWD, _seen("user:a#tokens", 12), _seen("user:d", 1)], [], id="tokens are no money"),
        pytest.param(
            [_seen("all", 4), _seen("user:a", 3), _seen("user:b", 1), _seen("user:c", 1)], [], id="under the floor"
        ),
    ],
)
def test_one_user_with_most_of_it_is_found(standings: list[Standing], expected: list[str]) -> None:
    assert [user.holder for user, _ in largest_parts(SETTINGS, standings, under_all)] == expected


def test_a_team_is_shared_too_where_somebody_knows_whose_users_are_whose() -> None:
    standings = [*CROWD, _seen("team:x", 14), _seen("user:a", 9)]

    found = list(largest_parts(SETTINGS, standings, lambda _: ("all", "team:x")))

    assert [(user.holder, whole.holder) for user, whole in found] == [("user:a", "team:x")]


def test_the_alert_names_both() -> None:
    alert = part_alert(SETTINGS, _seen("user:a", 12), CROWD[0], 7.0)

    assert alert.message == (
        "user:a has spent $12.00 of the $20.00 (60 %) that all has spent of the day that ends 2026-11-22 00:00 UTC"
    )
    assert alert.account == "all@2026-11-21/UTC"
    assert part_alert(SETTINGS, _seen("user:a", 1, "lifetime"), _seen("all", 1, "lifetime"), 7.0).ended_at_s is None

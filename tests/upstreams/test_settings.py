from typing import Any

import pytest

from seawall.upstreams.settings import UpstreamSettings


def test_idle_connections_are_closed_before_servers_do_it() -> None:
    assert UpstreamSettings().idle_s < 60


@pytest.mark.parametrize("bounds", [{"max_connections": 0}, {"max_waiting": -1}, {"idle_s": 0.0}])
def test_bounds_must_be_bounds(bounds: dict[str, Any]) -> None:
    with pytest.raises(ValueError, match="positive"):
        UpstreamSettings(**bounds)

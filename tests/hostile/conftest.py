"""One gateway and one provider for all hostile clients of a test process."""

from collections.abc import Iterator

import pytest

from seawall.core.key import KeyGrant
from tests.hostile.request import POLICY
from tests.hostile.running import Gateway, Provider
from tests.hostile.stage import PROVIDER_KEYS, Stage


@pytest.fixture(scope="session")
def stage(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Stage]:
    folder = tmp_path_factory.mktemp("hostile")
    provider = Provider.start(folder)
    with provider.process:
        gateway = Gateway.start(folder, POLICY.format(url=provider.url), PROVIDER_KEYS)
        with gateway.process:
            yield Stage(gateway, provider, gateway.issue(KeyGrant(default_route="/ai/chat")))

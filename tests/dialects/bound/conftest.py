import pytest

from seawall.core.target import Origin, Provider, Target
from seawall.core.traits import Traits


@pytest.fixture
def target() -> Target:
    """Name a model whose context is known."""
    provider = Provider("p", "openai", Origin("https", "provider", 443), "/v1", None)
    return Target(provider, "model", None, traits=Traits(output_tokens=1_000, input_tokens=200_000))

import pytest

from seawall.core.traits import Traits
from seawall.guards.budget.betas import lifted
from tests.scene import target


@pytest.mark.parametrize(
    ("betas", "limits"),
    [
        pytest.param(b"files-api-2025-04-14,context-management-2025-06-27", (200_000, 64_000), id="none"),
        pytest.param(b"pdfs-2024-09-25, context-1m-2025-08-07", (1_000_000, 64_000), id="a longer prompt"),
        pytest.param(b"output-300k-2026-03-24", (200_000, None), id="a longer answer"),
        pytest.param(b"context-2m-2027-01-01,output-128k-2025-02-19", (2_000_000, None), id="both"),
        pytest.param(b"mid-conversation-output-config-2026-07-01", (200_000, 64_000), id="another word of the kind"),
    ],
)
def test_a_header_lifts_the_limits_that_it_names(betas: bytes, limits: tuple[int, int | None]) -> None:
    found = lifted(target(traits=Traits(input_tokens=200_000, output_tokens=64_000)), betas)

    assert (found.traits.input_tokens, found.traits.output_tokens) == limits


def test_no_limit_is_lowered_and_none_is_made_up() -> None:
    longer, unknown = target(traits=Traits(input_tokens=2_000_000)), target()

    assert lifted(longer, b"context-1m-2025-08-07") == longer
    assert lifted(unknown, b"context-1m-2025-08-07") is unknown

"""What every test may ask for."""

import os
from pathlib import Path

import pytest
from hypothesis import settings

# Examples are timed by the whole test's timeout; a deadline for each would fail on a busy machine and prove nothing.
settings.register_profile("seawall", deadline=None, print_blob=True)
settings.load_profile("seawall")


@pytest.fixture(scope="session")
def shared_data() -> Path:
    """Give the folder of the shared test data, which lies beside the checkout and not in it."""
    beside = Path(__file__).resolve().parents[2] / "shared"
    found = Path(os.environ.get("SEAWALL_SHARED", beside)) / "data"  # noqa: TID251 - tests stand outside the product
    if not found.is_dir():
        pytest.fail(f"{found} is missing: expected the shared test data there, or SEAWALL_SHARED to name its parent")
    return found

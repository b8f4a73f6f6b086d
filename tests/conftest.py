"""What every test may ask for."""

import os
import signal
from pathlib import Path

import pytest
from hypothesis import settings

# Examples are timed by the whole test's timeout; a deadline for each would fail on a busy machine and prove nothing.
# A build judges a change by the same examples every time; everywhere else new ones are looked for.
IS_BUILD = "CI" in os.environ  # noqa: TID251 - tests stand outside the product
settings.register_profile("seawall", deadline=None, print_blob=True, derandomize=IS_BUILD)
settings.load_profile("seawall")


def pytest_configure() -> None:
    """Have interrupts interrupt: a shell's background job ignores them, and so would every process that it starts."""
    if signal.getsignal(signal.SIGINT) is signal.SIG_IGN:
        signal.signal(signal.SIGINT, signal.default_int_handler)


@pytest.fixture(scope="session")
def shared_data() -> Path:
    """Give the folder of the shared test data, which lies beside the checkout and not in it."""
    beside = Path(__file__).resolve().parents[2] / "shared"
    found = Path(os.environ.get("SEAWALL_SHARED", beside)) / "data"  # noqa: TID251 - tests stand outside the product
    if not found.is_dir():
        pytest.fail(f"{found} is missing: expected the shared test data there, or SEAWALL_SHARED to name its parent")
    return found

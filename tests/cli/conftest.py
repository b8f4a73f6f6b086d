import contextlib
from collections.abc import Callable
from pathlib import Path

import pytest
from click.testing import CliRunner, Result

from seawall.cli.main import main
from seawall.core.record import CallRecord
from seawall.stores.sqlite.ledger_file import LedgerFile
from seawall.stores.sqlite.ledger_schema import FILE_NAME
from seawall.telemetry.journal import JOURNAL_DIR
from seawall.telemetry.journal.writer import Writer, WriterSettings
from seawall.telemetry.scrub import Scrubber
from seawall.testing.clock import FakeClock

Run = Callable[..., Result]


@pytest.fixture
def state_dir(tmp_path: Path) -> Path:
    return tmp_path / "state"


@pytest.fixture
def run(state_dir: Path) -> Run:
    """Run `seawall` with some arguments on a state directory of the test's own."""

    def invoke(*arguments: str, given: str | None = None) -> Result:
        return CliRunner().invoke(main, [*arguments, "--state-dir", str(state_dir)], input=given)

    return invoke


@pytest.fixture
def ledger(state_dir: Path) -> Callable[[], contextlib.closing[LedgerFile]]:
    """Open the ledger of that state directory, as a worker does."""
    return lambda: contextlib.closing(LedgerFile(state_dir / FILE_NAME))


@pytest.fixture
def journal(state_dir: Path) -> Callable[..., None]:
    """Write records into that state directory."""

    def write(*records: CallRecord) -> None:
        with Writer(state_dir / JOURNAL_DIR, Scrubber(), FakeClock(), WriterSettings(slot=1, linger_s=0.0)) as writer:
            for record in records:
                writer.write(record)

    return write

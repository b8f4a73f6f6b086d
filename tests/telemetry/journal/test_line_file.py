import json
import stat
import subprocess
import sys
from collections.abc import Callable, Iterator
from pathlib import Path

import pytest

from seawall.telemetry.journal.entry import Entry
from seawall.telemetry.journal.line_file import LineFile, read_lines

DAY = "20261121"
Make = Callable[[int], list[Entry]]


@pytest.fixture
def sink(tmp_path: Path) -> Iterator[LineFile]:
    opened = LineFile(tmp_path, 3)
    yield opened
    opened.close()


@pytest.fixture
def path(tmp_path: Path) -> Path:
    return tmp_path / f"calls-{DAY}.3.jsonl"


def ids(path: Path) -> list[str]:
    return [record.id for record in read_lines(path)]


def ids_of(entries: list[Entry]) -> list[str]:
    return [str(entry.row[0]) for entry in entries]


def test_every_entry_is_one_line_of_a_private_file(sink: LineFile, path: Path, entries: Make) -> None:
    made = entries(150)

    assert sink.write(DAY, made) == 150

    assert [json.loads(line)["id"] for line in path.read_text().splitlines()] == ids_of(made)
    assert stat.S_IMODE(path.stat().st_mode) == 0o600


def test_each_day_has_its_file(sink: LineFile, tmp_path: Path, entries: Make) -> None:
    made = entries(3)

    for day, entry in zip(("20261121", "20261122", "20261121"), made, strict=True):
        sink.write(day, [entry])

    assert ids(tmp_path / "calls-20261121.3.jsonl") == [ids_of(made)[0], ids_of(made)[2]]
    assert ids(tmp_path / "calls-20261122.3.jsonl") == [ids_of(made)[1]]


def test_a_line_that_a_crash_tore_is_skipped_and_spoils_nothing_after_it(path: Path, entries: Make) -> None:
    made = entries(3)
    path.write_text(made[0].line + "\n" + made[1].line[:40])
    sink = LineFile(path.parent, 3)

    sink.write(DAY, made[2:])
    sink.close()

    assert ids(path) == [ids_of(made)[0], ids_of(made)[2]]


def test_reading_survives_any_bytes(path: Path, entries: Make) -> None:
    made = entries(1)
    path.write_bytes(b"\xff\xfe\n\n{}\nnull\n[1\n" + made[0].line.encode() + b"\n\x00")

    assert ids(path) == ids_of(made)


def test_a_file_that_was_removed_is_begun_anew(sink: LineFile, path: Path, entries: Make) -> None:
    made = entries(2)
    sink.write(DAY, made[:1])
    path.unlink()

    sink.write(DAY, made[1:])

    assert ids(path) == ids_of(made)[1:]


FILL = """
import resource, signal, sys
from pathlib import Path
sys.path[:0] = {path!r}
from seawall.telemetry.journal.entry import Entry
from seawall.telemetry.journal.line_file import LineFile
signal.signal(signal.SIGXFSZ, signal.SIG_IGN)
lines = Path(sys.argv[1]).read_text().splitlines()
entries = [Entry("20261121", line, ()) for line in lines]
sink = LineFile(Path(sys.argv[2]), 3)
hard = resource.getrlimit(resource.RLIMIT_FSIZE)[1]
resource.setrlimit(resource.RLIMIT_FSIZE, (len(lines[0]) * 2 + 20, hard))
taken = sink.write("20261121", entries)
refused = ""
try:
    taken += sink.write("20261121", entries[taken:])
except OSError as error:
    refused = type(error).__name__
resource.setrlimit(resource.RLIMIT_FSIZE, (hard, hard))
rest = sink.write("20261121", entries[taken:])
print(taken, refused, rest)
"""


def test_a_disk_that_fills_up_in_the_middle_takes_whole_lines_and_goes_on_later(
    tmp_path: Path, path: Path, entries: Make
) -> None:
    made = entries(5)
    (tmp_path / "lines").write_text("\n".join(entry.line for entry in made))

    done = subprocess.run(
        [sys.executable, "-c", FILL.format(path=sys.path), str(tmp_path / "lines"), str(tmp_path)],
        capture_output=True,
        text=True,
        check=True,
    )

    assert done.stdout.split() == ["2", "OSError", "3"]
    assert ids(path) == ids_of(made)

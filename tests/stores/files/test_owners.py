import os
import signal
import subprocess
import sys
from collections.abc import Iterator
from concurrent.futures import ThreadPoolExecutor
from pathlib import Path

import pytest

from seawall.core.error import LedgerUnavailable
from seawall.stores.files.owners import OWNERS_DIR, FileOwners

_OWNER = """
import sys
from pathlib import Path
from seawall.stores.files.owners import FileOwners
owners = FileOwners(Path(sys.argv[1]), 7)
print(owners.owner, flush=True)
sys.stdin.read()
"""


@pytest.fixture
def owners(tmp_path: Path) -> Iterator[FileOwners]:
    made = FileOwners(tmp_path, 3)
    yield made
    made.close()


def test_an_owner_is_named_after_its_slot_and_process(owners: FileOwners, tmp_path: Path) -> None:
    assert owners.owner.startswith(f"w3-{os.getpid()}-")
    assert [file.name for file in (tmp_path / OWNERS_DIR).iterdir()] == [owners.owner]
    assert (tmp_path / OWNERS_DIR).stat().st_mode & 0o077 == 0


def test_two_owners_of_one_slot_are_told_apart(owners: FileOwners, tmp_path: Path) -> None:
    second = FileOwners(tmp_path, 3)
    assert second.owner != owners.owner

    second.close()

    assert not owners.is_alive(second.owner)
    assert owners.is_alive(owners.owner)


def test_looking_at_oneself_says_the_truth_and_costs_nothing(owners: FileOwners, tmp_path: Path) -> None:
    other = FileOwners(tmp_path, 4)

    assert [each.is_alive(owners.owner) for each in (owners, other, owners)] == [True] * 3
    other.close()


def test_a_killed_process_is_dead_and_its_file_goes(owners: FileOwners, tmp_path: Path) -> None:
    command = [sys.executable, "-c", _OWNER, str(tmp_path)]
    with subprocess.Popen(command, stdin=subprocess.PIPE, stdout=subprocess.PIPE, text=True) as process:
        assert process.stdout is not None
        owner = process.stdout.readline().strip()
        alive = owners.is_alive(owner)
        process.send_signal(signal.SIGKILL)
        process.wait()

    assert owner.startswith(f"w7-{process.pid}-")
    assert (alive, owners.is_alive(owner)) == (True, False)
    assert [file.name for file in (tmp_path / OWNERS_DIR).iterdir()] == [owners.owner]


def test_a_stopped_process_lives(owners: FileOwners, tmp_path: Path) -> None:
    command = [sys.executable, "-c", _OWNER, str(tmp_path)]
    with subprocess.Popen(command, stdin=subprocess.PIPE, stdout=subprocess.PIPE, text=True) as process:
        assert process.stdout is not None
        owner = process.stdout.readline().strip()
        process.send_signal(signal.SIGSTOP)
        alive = owners.is_alive(owner)
        process.send_signal(signal.SIGKILL)

    assert alive


def test_a_forked_child_neither_holds_nor_drops_its_parents_lock(tmp_path: Path) -> None:
    script = """
import os, sys
from pathlib import Path
from seawall.stores.files.owners import FileOwners
owners = FileOwners(Path(sys.argv[1]), 1)
reading, writing = os.pipe()
begun, begin = os.pipe()
child = os.fork()
if child == 0:
    os.close(writing)
    os.write(begin, b".")  # what is to be done after a fork is done
    os.read(reading, 1)  # outlives its parent
    os._exit(0)
os.read(begun, 1)
looker = FileOwners(Path(sys.argv[1]), 2)
assert looker.is_alive(owners.owner)
print(owners.owner, flush=True)
sys.stdin.read()
os.kill(os.getpid(), 9)
"""
    command = [sys.executable, "-c", script, str(tmp_path)]
    with subprocess.Popen(command, stdin=subprocess.PIPE, stdout=subprocess.PIPE, text=True) as process:
        assert process.stdout is not None
        owner = process.stdout.readline().strip()
        looker = FileOwners(tmp_path, 3)
        alive = looker.is_alive(owner)
        process.kill()
        process.wait()
        dead = looker.is_alive(owner)
    looker.close()

    assert (alive, dead) == (True, False)


def test_whoever_has_no_file_is_dead(owners: FileOwners) -> None:
    assert not owners.is_alive("w1-1-0123456789abcdef")


@pytest.mark.parametrize("name", ["", "../answers.db", ".hidden", "a/b", "x" * 300])
def test_a_name_that_no_owner_has_is_dead_and_touches_nothing(owners: FileOwners, tmp_path: Path, name: str) -> None:
    (tmp_path / "answers.db").touch()

    assert not owners.is_alive(name)
    assert (tmp_path / "answers.db").exists()


def test_where_it_cannot_be_told_an_owner_lives(owners: FileOwners, tmp_path: Path) -> None:
    directory = tmp_path / OWNERS_DIR
    (directory / "w1-1-loop").symlink_to("w1-1-loop")
    (directory / "w1-2-folder").mkdir()

    assert owners.is_alive("w1-1-loop")
    assert owners.is_alive("w1-2-folder")


def test_janitors_that_race_agree_and_take_nobody_living(owners: FileOwners, tmp_path: Path) -> None:
    dead = [f"w0-{number}-dead" for number in range(50)]
    for name in dead:
        (tmp_path / OWNERS_DIR / name).touch()
    names = [*dead, owners.owner] * 4

    with ThreadPoolExecutor(8) as pool:
        told = list(pool.map(owners.is_alive, names))

    assert told == [name == owners.owner for name in names]


def test_owners_that_start_among_janitors_keep_their_files(owners: FileOwners, tmp_path: Path) -> None:
    with ThreadPoolExecutor(4) as pool:
        sweeps = [pool.submit(owners.sweep) for _ in range(100)]
        made = [FileOwners(tmp_path, slot) for slot in range(50)]
        for sweep in sweeps:
            sweep.result()

    assert all(owners.is_alive(each.owner) for each in made)
    for each in made:
        each.close()


def test_a_sweep_takes_what_the_dead_left(owners: FileOwners, tmp_path: Path) -> None:
    for name in ("w1-1-dead", "w1-2-dead"):
        (tmp_path / OWNERS_DIR / name).touch()

    assert [owners.sweep(), owners.sweep()] == [2, 0]
    assert owners.is_alive(owners.owner)


def test_without_a_directory_everybody_is_dead_and_nothing_is_swept(owners: FileOwners, tmp_path: Path) -> None:
    (tmp_path / OWNERS_DIR).rename(tmp_path / "elsewhere")

    assert not owners.is_alive(owners.owner)
    assert owners.sweep() == 0


def test_a_directory_that_cannot_be_made_is_said(tmp_path: Path) -> None:
    (tmp_path / OWNERS_DIR).touch()

    with pytest.raises(LedgerUnavailable, match="cannot lock a file"):
        FileOwners(tmp_path, 0)


def test_closing_twice_is_fine(tmp_path: Path) -> None:
    owners = FileOwners(tmp_path, 0)

    owners.close()
    owners.close()

    assert list((tmp_path / OWNERS_DIR).iterdir()) == []

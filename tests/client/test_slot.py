from pathlib import Path

import pytest

from seawall.client import slot
from seawall.client.slot import FIRST_SLOT, Slot
from seawall.core.error import Unavailable
from seawall.gateway.options import ServeOptions


def test_every_writer_has_its_own_number_also_in_one_process(tmp_path: Path) -> None:
    slots = [Slot(tmp_path / "journal") for _ in range(3)]

    assert [found.number for found in slots] == [FIRST_SLOT, FIRST_SLOT + 1, FIRST_SLOT + 2]
    for found in slots:
        found.release()


def test_a_number_that_was_given_back_is_the_next_to_be_given(tmp_path: Path) -> None:
    first, second = Slot(tmp_path), Slot(tmp_path)
    first.release()
    first.release()

    third = Slot(tmp_path)

    assert third.number == FIRST_SLOT
    second.release()
    third.release()


def test_no_worker_of_a_gateway_has_a_librarys_number() -> None:
    options = ServeOptions(policy=None, state_dir=Path())

    assert options.workers <= FIRST_SLOT


def test_a_directory_that_cannot_be_made_is_named(tmp_path: Path) -> None:
    (tmp_path / "file").touch()

    with pytest.raises(Unavailable, match="file"):
        Slot(tmp_path / "file" / "journal")


def test_there_is_an_end_of_numbers(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(slot, "MOST", 1)
    only = Slot(tmp_path)

    with pytest.raises(Unavailable, match="close clients"):
        Slot(tmp_path)
    only.release()

from pathlib import Path

import pytest

from seawall.cli.journal import NOBODY, open_archive, print_troubles, user_hash
from seawall.core.error import Unavailable
from seawall.telemetry.journal.pepper import UserHasher, read_pepper
from seawall.telemetry.journal.query import CallFilter
from seawall.telemetry.period import Period


def test_a_name_becomes_its_hash_and_a_hash_stays(tmp_path: Path) -> None:
    hashed = UserHasher(read_pepper(tmp_path)).hash("mara")

    assert user_hash(tmp_path, "mara") == hashed
    assert user_hash(tmp_path, hashed) == hashed
    assert user_hash(tmp_path, "") == ""


def test_where_no_pepper_is_nobody_was_recorded(tmp_path: Path) -> None:
    assert user_hash(tmp_path, "mara") == NOBODY
    assert list(tmp_path.iterdir()) == []


def test_a_pepper_that_cannot_be_read_is_named(tmp_path: Path) -> None:
    (tmp_path / "pepper").write_text("short")

    with pytest.raises(Unavailable, match="pepper"):
        user_hash(tmp_path, "mara")


def test_troubles_go_to_standard_error(tmp_path: Path, capsys: pytest.CaptureFixture[str]) -> None:
    (tmp_path / "journal").mkdir()
    (tmp_path / "journal" / "calls-20261119.db").write_bytes(b"torn" * 999)
    archive = open_archive(tmp_path)

    assert archive.records(Period(), CallFilter(), 1) == []
    print_troubles(archive)

    captured = capsys.readouterr()
    assert captured.out == ""
    assert captured.err.startswith("seawall: calls-20261119.db cannot be read")

import hashlib
from pathlib import Path

from seawall.policy.load import VERSION_LENGTH, read_policy, read_policy_file

TEXT = b"routes: {/a: {model: claude-haiku-5-5}}\n"


def test_a_policy_has_its_version_from_its_bytes() -> None:
    reading = read_policy(TEXT, "p")

    assert reading.version == hashlib.sha256(TEXT).hexdigest()[:VERSION_LENGTH]
    assert reading.version != read_policy(TEXT + b" ", "p").version


def test_a_file_is_read_like_its_bytes(tmp_path: Path) -> None:
    path = tmp_path / "p.yaml"
    path.write_bytes(TEXT)

    reading = read_policy_file(path)

    assert reading.faults == ()
    assert reading.source == str(path)
    assert reading.document == read_policy(TEXT, "p").document


def test_a_file_that_cannot_be_read_is_a_fault(tmp_path: Path) -> None:
    (fault,) = read_policy_file(tmp_path).faults
    (other,) = read_policy_file(tmp_path / "none").faults

    assert (fault.code, other.code) == ("file.unreadable", "file.unreadable")
    assert "seawall init" in other.expected


def test_a_huge_file_is_not_read_to_its_end(tmp_path: Path) -> None:
    path = tmp_path / "p.yaml"
    with path.open("wb") as file:
        file.truncate(10**9)

    (fault,) = read_policy_file(path).faults

    assert fault.found.startswith("a document of")

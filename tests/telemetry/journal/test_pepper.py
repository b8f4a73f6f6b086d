import hashlib
import hmac
import stat
import threading
from pathlib import Path

import pytest
from hypothesis import given
from hypothesis import strategies as st

from seawall.core.error import Unavailable
from seawall.telemetry.journal.pepper import UserHasher, read_pepper

PEPPER = bytes(range(32))


def test_a_pepper_is_made_once_for_its_owner_alone(tmp_path: Path) -> None:
    first = read_pepper(tmp_path / "state")

    assert len(first) == 32
    assert read_pepper(tmp_path / "state") == first
    assert [path.name for path in (tmp_path / "state").iterdir()] == ["pepper"]
    assert stat.S_IMODE((tmp_path / "state" / "pepper").stat().st_mode) == 0o600
    assert read_pepper(tmp_path / "other") != first


def test_those_who_start_together_read_the_same(tmp_path: Path) -> None:
    barrier, seen = threading.Barrier(8), list[bytes]()

    def start() -> None:
        barrier.wait()
        seen.append(read_pepper(tmp_path))

    threads = [threading.Thread(target=start) for _ in range(8)]
    for thread in threads:
        thread.start()
    for thread in threads:
        thread.join()

    assert len(seen) == 8
    assert len(set(seen)) == 1


@pytest.mark.parametrize("content", ["", "00ff", "no hex at all", "0" * 66])
def test_a_pepper_that_is_none_is_never_replaced(tmp_path: Path, content: str) -> None:
    (tmp_path / "pepper").write_text(content)

    with pytest.raises(Unavailable, match="pepper"):
        read_pepper(tmp_path)

    assert (tmp_path / "pepper").read_text() == content


def test_a_state_directory_that_cannot_be_made_is_named(tmp_path: Path) -> None:
    (tmp_path / "file").touch()

    with pytest.raises(Unavailable, match=r"cannot read .*file/pepper"):
        read_pepper(tmp_path / "file")


@given(text=st.text(st.characters()))
def test_a_hash_is_a_keyed_one_and_always_the_same(text: str) -> None:
    found = UserHasher(PEPPER).hash(text)

    expected = hmac.new(PEPPER, text.encode("utf-8", "surrogatepass"), hashlib.sha256).hexdigest()[:32]
    assert found == expected
    assert UserHasher(PEPPER).hash(text) == found
    assert UserHasher(bytes(32)).hash(text) != found

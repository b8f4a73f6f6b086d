import pytest

from seawall.core.key import KeyEntry
from seawall.stores.memory.keys import MemoryKeys
from seawall.testing.keys import (
    KeysUnderTest,
    check_issue,
    check_keys,
    check_overlap,
    check_revoke,
    check_rotate,
    check_strangers,
)


def make() -> KeysUnderTest:
    keys = MemoryKeys()
    return KeysUnderTest(keys, keys, lambda: None)


@pytest.mark.parametrize("check", [check_issue, check_strangers, check_revoke, check_rotate, check_overlap])
def test_memory_keeps_the_contract_of_keys(check: object) -> None:
    assert callable(check)
    check(make())


def test_the_whole_suite_runs_in_one_call() -> None:
    check_keys(make)


def test_the_suite_finds_a_store_that_forgets_to_revoke() -> None:
    class Forgetful(MemoryKeys):
        def revoke(self, which: str, now_s: float) -> KeyEntry:
            return next(entry for entry in self.entries() if entry.id == which and entry.created_at_s <= now_s)

    def broken() -> KeysUnderTest:
        keys = Forgetful()
        return KeysUnderTest(keys, keys, lambda: None)

    with pytest.raises(AssertionError, match="the answer says that the key is gone"):
        check_keys(broken)

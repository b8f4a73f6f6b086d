import threading
import weakref

from seawall.client import fork
from seawall.client.fork import close_in_forks


class Noted:
    """Note what a fork does to it."""

    def __init__(self) -> None:
        self.lock = threading.Lock()
        self.left = 0

    def leave(self) -> None:
        assert self.lock.locked()
        self.left += 1


def test_what_is_known_is_left_under_its_lock_which_is_held_until_the_fork_is_over() -> None:
    noted = Noted()
    close_in_forks(noted)

    fork._before()
    assert (noted.left, noted.lock.locked()) == (1, True)
    fork._after()

    assert not noted.lock.locked()


def test_two_forks_come_one_after_the_other() -> None:
    noted = Noted()
    close_in_forks(noted)
    fork._before()

    def fork_too() -> None:
        fork._before()
        fork._after()

    other = threading.Thread(target=fork_too)
    other.start()
    assert noted.left == 1
    fork._after()
    other.join(10)

    assert (noted.left, noted.lock.locked()) == (2, False)


def test_nothing_is_kept_alive_by_being_known() -> None:
    noted = Noted()
    close_in_forks(noted)
    known = weakref.ref(noted)

    del noted

    assert known() is None

from hypothesis import example, given
from hypothesis import strategies as st

from seawall.core.account import Account, Unit
from seawall.core.window import LIFETIME
from seawall.guards.budget.lease import Lease

ALL = Account("all@lifetime", Unit.NUSD, 16_000)
STEPS = st.lists(st.tuples(st.sampled_from(["receive", "take", "settle", "leave", "left"]), st.integers(0, 100)))


@given(STEPS)
@example([("take", 0), ("settle", 1), ("leave", 0), ("receive", 1), ("left", 0), ("leave", 0), ("left", 0)])
def test_the_sum_is_right_whatever_happens_to_it(steps: list[tuple[str, int]]) -> None:
    lease, holds, report = Lease(ALL, LIFETIME), [], None
    cost = booked = 0
    is_plain = True
    ledger = 0  # what the ledger's books say is leased
    for step, amount in steps:
        if step == "receive":
            lease.receive(amount)
            ledger += amount
            is_plain = is_plain and report is None
        elif step == "take":
            holds.append(lease.take(amount))
        elif step == "settle" and holds:
            lease.settle(holds.pop(), amount)
            cost += amount
        elif step == "leave" and report is None:
            give_back = min(lease.room, amount)
            settled, overrun = lease.leave(give_back)
            report = settled - overrun + give_back, overrun
            ledger -= min(settled + give_back, ledger)
            booked += settled
        elif step == "left" and report is not None:
            lease.left(*report)
            report = None
            # From a grant while a report is in doubt on, less may count than the ledger has, and never more.
            assert lease.leased - lease.debt == ledger or (not is_plain and lease.leased - lease.debt < ledger)
        assert lease.is_sound()
        assert booked + lease.spent + lease.over == cost


def test_a_lease_grows_while_it_is_renewed_quickly_and_shrinks_while_it_is_not() -> None:
    lease = Lease(ALL, LIFETIME)

    sizes = [lease.next_size(need, at_s) for need, at_s in [(10, 0.0), (0, 0.5), (0, 0.9), (0, 5.0), (0, 30.0)]]

    assert sizes == [40, 80, 160, 160, 80]


def test_a_lease_is_no_more_than_a_sixteenth_of_the_cap() -> None:
    lease = Lease(ALL, LIFETIME)

    assert lease.next_size(10_000, 0.0) == 1000

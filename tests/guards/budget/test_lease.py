from hypothesis import given
from hypothesis import strategies as st

from seawall.core.account import Account, Unit
from seawall.core.window import LIFETIME
from seawall.guards.budget.lease import Lease

ALL = Account("all@lifetime", Unit.NUSD, 16_000)
STEPS = st.lists(st.tuples(st.sampled_from(["receive", "take", "settle", "leave", "left"]), st.integers(0, 100)))


@given(STEPS)
def test_the_sum_is_right_whatever_happens_to_it(steps: list[tuple[str, int]]) -> None:
    lease, holds, report = Lease(ALL, LIFETIME), [], None
    cost = booked = 0
    is_plain = True
    ledger = 0  # what the ledger's books say is leased
    for step, amount in steps:
        if step == "receive":
            lease.receive(amount)
            ledger += amount
            is_plain = report is None
        elif step == "take":
            holds.append(lease.take(amount))
        elif step == "settle" and holds:
            lease.settle(holds.pop(), amount)
            cost += amount
        elif step == "leave" and report is None:
            give_back = min(lease.room, amount)
            settled, overrun = lease.leave(give_back)
            report, is_plain = (settled - overrun + give_back, overrun), True
            ledger -= min(settled + give_back, ledger)
            booked += settled
        elif step == "left" and report is not None:
            lease.left(*report)
            report = None
            # What is granted while a report is in doubt may count for less than the ledger has, and never for more.
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

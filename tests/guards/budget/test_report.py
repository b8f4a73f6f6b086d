from seawall.core.account import Account, Unit
from seawall.core.window import LIFETIME
from seawall.guards.budget.lease import Lease
from seawall.guards.budget.report import REPORT_S, Reports
from seawall.ports.ledger import Move, Unsettled

DOUBT = Unsettled("a1", 0.0, "unknown", "p/m", (("all@lifetime", 5),))


def lease(room: int, spent: int) -> Lease:
    found = Lease(Account("all@lifetime", Unit.NUSD, 1000), LIFETIME)
    found.receive(room + spent)
    found.settle(found.take(spent) and spent, spent)
    return found


def test_what_is_spent_is_told_once() -> None:
    reports, spent = Reports(), lease(room=50, spent=5)
    reports.touch(spent, None)
    reports.charge(DOUBT)

    report = reports.next(0.0, 7.0)
    assert report is not None
    reports.booked(report)

    assert report[:4] == (1, [Move("all@lifetime", 5, 0)], [DOUBT], 7.0)
    assert (spent.leased, spent.room) == (50, 50)
    assert reports.next(1.0, 8.0) is None
    assert reports.is_empty


def test_a_report_in_doubt_is_the_same_again() -> None:
    reports, spent = Reports(), lease(room=50, spent=5)
    reports.touch(spent, None)
    first = reports.next(0.0, 7.0)
    spent.settle(spent.take(3), 3)
    reports.touch(spent, None)

    assert reports.next(1.0, 9.0) is first
    assert first is not None
    reports.booked(first)
    second = reports.next(2.0, 9.0)

    assert second is not None
    assert (second.number, second.moves) == (2, [Move("all@lifetime", 3, 0)])


def test_a_report_that_went_out_twice_is_booked_once() -> None:
    reports, spent = Reports(), lease(room=50, spent=5)
    spent.take(20)
    reports.touch(spent, None)
    report = reports.next(0.0, 7.0)
    assert report is not None
    assert reports.next(0.0, 7.0) is report

    reports.booked(report)
    reports.booked(report)

    assert (spent.leased, spent.room, spent.held, spent.leaving) == (50, 30, 20, 0)


def test_room_is_given_back_where_it_is_wanted() -> None:
    reports, idle, pressed = Reports(), lease(room=50, spent=0), lease(room=20, spent=1)
    reports.give_back(idle)
    pressed.press(60.0)
    reports.touch(pressed, None)

    report = reports.next(0.0, 0.0)

    assert report is not None
    assert sorted(report.moves) == [Move("all@lifetime", 0, 50), Move("all@lifetime", 1, 20)]


def test_reports_are_due_now_and_then() -> None:
    reports = Reports()
    assert not reports.is_due(10.0)

    reports.touch(lease(room=1, spent=0), None)
    assert reports.is_due(10.0)
    assert reports.next(10.0, 0.0) is None

    reports.touch(lease(room=1, spent=1), None)
    assert not reports.is_due(10.0 + REPORT_S / 2)
    reports.is_urgent = True
    assert reports.is_due(10.0 + REPORT_S / 2)

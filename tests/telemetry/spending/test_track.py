from seawall.core.spending import HOUR_S, HourSpend, standing
from seawall.telemetry.spending.track import KEEP_S, Moment, Track

MONDAY_S = 1_795_392_000  # 2026-11-23T00:00Z


def test_spending_is_kept_by_the_hour_and_given_once() -> None:
    track = Track(Moment(MONDAY_S, 0.0))
    track.add(3, Moment(MONDAY_S + 100, 100.0))
    track.add(4, Moment(MONDAY_S + HOUR_S, 3600.0))

    assert track.changed("b") == [HourSpend("b", MONDAY_S, 3), HourSpend("b", MONDAY_S + HOUR_S, 4)]
    assert track.changed("b") == []
    track.change_again(MONDAY_S)
    assert track.changed("b") == [HourSpend("b", MONDAY_S, 3)]


def test_an_hour_never_takes_less_than_nothing() -> None:
    track = Track(Moment(MONDAY_S, 0.0))
    track.add(-5, Moment(MONDAY_S + 10, 10.0))

    assert track.hours == {MONDAY_S: 0}


def test_ten_weeks_are_kept() -> None:
    track = Track(Moment(MONDAY_S, 0.0))
    late_s = MONDAY_S + KEEP_S + 2 * HOUR_S
    track.add(1, Moment(late_s, late_s - MONDAY_S))

    assert list(track.hours) == [late_s]
    assert track.since_s == late_s - KEEP_S
    assert [hour.starts_s for hour in track.changed("b")] == [late_s]


def test_a_restored_track_knows_what_was_spent_when() -> None:
    now = Moment(MONDAY_S + 2 * HOUR_S + 600, 50.0)
    hours = [HourSpend("b", MONDAY_S, 100), HourSpend("b", MONDAY_S + 2 * HOUR_S, 30)]

    track = Track.restored(hours, now.wall_s - 300, now)

    assert track.since_s == MONDAY_S
    assert track.trail.spent_over(600, 50.0) == 30
    assert track.trail.spent_over(450, 50.0) == 15
    assert track.trail.spent_over(HOUR_S, 50.0) == 30
    assert track.trail.spent_over(2 * HOUR_S + 600 - HOUR_S / 2, 50.0) == 80
    assert track.changed("b") == []


def test_hours_after_the_last_look_do_not_turn_time_back() -> None:
    now = Moment(MONDAY_S - HOUR_S, 0.0)  # the clock was put back

    track = Track.restored([HourSpend("b", MONDAY_S, 5)], now.wall_s, now)

    assert track.trail.spent_over(HOUR_S, 0.0) == 0


def test_the_history_is_what_a_forecast_needs() -> None:
    track = Track(Moment(MONDAY_S + 60.0, 0.0))
    seen = standing("all@2026-11/Europe/Berlin", 10, 4)

    history = track.history(seen)

    assert (history.spent, history.since_s, str(history.zone)) == (4, MONDAY_S + 60.0, "Europe/Berlin")

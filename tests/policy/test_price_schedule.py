from dataclasses import replace
from datetime import date

from hypothesis import given
from hypothesis import strategies as st

from seawall.core.price import Band, Price, Rates
from seawall.policy.price_schedule import (
    Period,
    Schedule,
    changed,
    changes_after,
    from_plain,
    price_on,
    scaled,
    to_plain,
    with_rates,
)

DAYS = st.dates(date(2025, 1, 1), date(2027, 12, 31))
RATES = st.builds(Rates, *[st.integers(0, 10**11)] * 6)
BANDS = st.lists(RATES, min_size=1, max_size=3).map(
    lambda rates: tuple(Band(number * 100_000, each) for number, each in enumerate(rates))
)
PRICES = st.builds(Price, BANDS, st.just("test"), modes=st.dictionaries(st.sampled_from(["batch", "fast"]), BANDS))


@st.composite
def schedules(draw: st.DrawFn) -> Schedule:
    days = sorted(draw(st.sets(DAYS, max_size=4)))
    starts = [None, *days] if draw(st.booleans()) else days
    return tuple(Period(day, draw(PRICES)) for day in starts)


def _doubled(price: Price) -> Price:
    return with_rates(price, lambda rates: replace(rates, input=rates.input * 2))


@given(schedules())
def test_a_schedule_survives_being_written_down(schedule: Schedule) -> None:
    assert from_plain(to_plain(schedule), "test") == schedule


@given(schedules(), DAYS)
def test_a_price_holds_until_the_next_begins(schedule: Schedule, day: date) -> None:
    started = [period for period in schedule if period.starts is None or period.starts <= day]

    assert price_on(schedule, day) == (started[-1].price if started else None)


@given(schedules(), DAYS)
def test_nothing_changes_before_the_day_of_the_next_change(schedule: Schedule, day: date) -> None:
    change = changes_after(schedule, day)

    assert change is None or change > day
    assert not any(p.starts is not None and day < p.starts < (change or date.max) for p in schedule)


@given(schedules(), DAYS, DAYS)
def test_a_change_until_a_day_changes_the_days_before_and_no_other(schedule: Schedule, until: date, day: date) -> None:
    before = price_on(schedule, day)

    after = price_on(changed(schedule, _doubled, until=until), day)

    if before is None:
        assert after is None
    else:
        assert after == (_doubled(before) if day < until else before)


@given(schedules(), DAYS)
def test_a_change_without_a_day_changes_every_price(schedule: Schedule, day: date) -> None:
    before = price_on(schedule, day)

    assert price_on(changed(schedule, _doubled), day) == (None if before is None else _doubled(before))


def test_scaling_rounds_up_and_leaves_fees() -> None:
    (band,) = scaled((Band(0, Rates(1, 2, 3, 4, 1000, 7)),), 1500)

    assert band.rates == Rates(2, 3, 5, 6, 1500, 7)

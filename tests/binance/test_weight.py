"""How much may be asked in a minute, and what is kept back."""

import csv
import threading
from pathlib import Path

import pytest
from tests.binance.hand_clock import START, HandClock

from nanobook_binance.weight import Urgency, WeightBudget, urgency_of, weight_of
from nanobook_core.contracts.broker_error import Outcome, RateLimitedError

TABLE = Path(__file__).parents[1] / "data" / "binance" / "weights.csv"
ROWS = list(csv.DictReader(TABLE.read_text().splitlines()))


def budget(clock):
    return WeightBudget(clock, lambda: int(clock.now().timestamp() * 1000))


def take(venue, weight=1, *, urgency=Urgency.USUAL, is_order=False, seconds=0.0):
    return venue.turn(weight, urgency=urgency, is_order=is_order, seconds=seconds)


@pytest.mark.parametrize(
    "row", ROWS, ids=lambda row: f"{row['method']} {row['path']} {row['with']}"
)
def test_a_request_costs_what_the_vendor_says(row):
    parameters = dict.fromkeys(row["with"].split(), "x")
    assert weight_of(row["method"], row["path"], parameters) == int(row["weight"])
    assert urgency_of(row["method"], row["path"]).name == row["urgency"]


def test_a_fifth_is_kept_for_cancels_and_questions_for_orders_and_its_last_part_for_cancels():
    venue = budget(HandClock())
    for _ in range(240):
        take(venue, 20)
    with pytest.raises(RateLimitedError, match=r"4800 of the 4800 .* nothing was sent") as caught:
        take(venue)
    error = caught.value
    assert (error.outcome, error.retryable, error.retry_after) == (Outcome.NOT_SENT, True, 60.0)
    for _ in range(54):
        take(venue, 20, urgency=Urgency.QUESTION)
    for weight in (1, 80):
        with pytest.raises(RateLimitedError, match="5880 of the 5880"):
            take(venue, weight, urgency=Urgency.QUESTION)
    for _ in range(120):
        take(venue, urgency=Urgency.CANCEL)
    with pytest.raises(RateLimitedError, match="6000 of the 6000"):
        take(venue, urgency=Urgency.CANCEL)


def test_a_new_minute_of_the_venue_begins_at_0():
    clock = HandClock()
    venue = budget(clock)
    clock.seconds = 59.0
    take(venue, 4800)
    with pytest.raises(RateLimitedError) as caught:
        take(venue)
    assert caught.value.retry_after == 1.0
    clock.seconds = 60.0
    take(venue, 4800)


def test_it_waits_as_long_as_one_may_and_no_longer():
    clock = HandClock()
    venue = budget(clock)
    clock.seconds = 50.0
    take(venue, 4800)
    with pytest.raises(RateLimitedError):
        take(venue, seconds=9.9)
    assert clock.slept == []
    take(venue, seconds=10.0)
    assert clock.seconds == 60.0
    assert max(clock.slept) <= 0.25


def test_what_others_use_counts_as_soon_as_it_is_told():
    clock = HandClock()
    venue = budget(clock)
    minute = take(venue)
    venue.told(minute, "4800")
    with pytest.raises(RateLimitedError):
        take(venue)
    venue.told(minute, "17")  # an answer that was overtaken
    with pytest.raises(RateLimitedError):
        take(venue)


@pytest.mark.parametrize("odd", [None, "", "many", "-5", "1e9", "²"])
def test_a_header_that_tells_nothing_changes_nothing(odd):
    venue = budget(HandClock())
    venue.told(take(venue), odd)
    take(venue, 4799)
    with pytest.raises(RateLimitedError):
        take(venue)


def test_an_answer_of_the_last_minute_says_nothing_of_this_one():
    clock = HandClock()
    venue = budget(clock)
    minute = take(venue)
    clock.seconds = 60.5
    venue.told(minute, "5999")
    take(venue, 4800)


def test_one_request_that_is_more_than_all_there_is_goes_where_nothing_was_used():
    venue = budget(HandClock())
    venue.limits([{"rateLimitType": "REQUEST_WEIGHT", "interval": "MINUTE", "limit": 10}])
    take(venue, 80)
    with pytest.raises(RateLimitedError):
        take(venue, 1)


def test_limits_are_those_that_the_venue_tells():
    venue = budget(HandClock())
    venue.limits(
        [
            {"rateLimitType": "ORDERS", "interval": "MINUTE", "intervalNum": 1, "limit": 7},
            {"rateLimitType": "REQUEST_WEIGHT", "interval": "DAY", "intervalNum": 1, "limit": 8},
            {"rateLimitType": "RAW_REQUESTS", "interval": "MINUTE", "intervalNum": 5, "limit": 9},
            {
                "rateLimitType": "REQUEST_WEIGHT",
                "interval": "MINUTE",
                "intervalNum": 2,
                "limit": 90,
            },
        ]
    )
    assert venue.limit == 45
    take(venue, 36)
    with pytest.raises(RateLimitedError, match="36 of the 36"):
        take(venue)


def test_a_ban_is_for_all_and_a_limit_of_orders_for_orders():
    clock = HandClock()
    venue = budget(clock)
    venue.close(30.0, orders_only=True)
    take(venue)
    with pytest.raises(RateLimitedError, match="no new orders") as caught:
        take(venue, is_order=True)
    assert caught.value.retry_after == 30.0
    venue.close(90.0, orders_only=False)
    venue.close(10.0, orders_only=False)  # does not shorten it
    for _ in range(2):
        with pytest.raises(RateLimitedError, match="no requests"):
            take(venue, urgency=Urgency.CANCEL)
        clock.seconds += 44
    clock.seconds += 2
    take(venue, is_order=True)


def test_threads_take_no_more_than_there_is():
    clock = HandClock()
    assert clock.now() == START
    venue = budget(clock)
    taken = []

    def run():
        while True:
            try:
                take(venue, 7)
            except RateLimitedError:
                return
            taken.append(7)

    threads = [threading.Thread(target=run) for _ in range(8)]
    for thread in threads:
        thread.start()
    for thread in threads:
        thread.join(60)
    assert sum(taken) == 4795

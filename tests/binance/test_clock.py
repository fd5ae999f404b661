"""The venue's time."""

import datetime as dt
import threading

import pytest
from tests.binance.hand_clock import START, HandClock

from nanobook_binance.clock import VenueClock

START_MS = int(START.timestamp() * 1000)


class Answers:
    """What is told, and how long each answer takes: half of it before the venue looks."""

    def __init__(self, clock, *answers):
        self.clock = clock
        self.answers = list(answers)

    def __call__(self):
        ahead_ms, seconds = self.answers.pop(0)
        self.clock.seconds += seconds / 2
        told = START_MS + int(self.clock.seconds * 1000) + ahead_ms
        self.clock.seconds += seconds / 2
        return told


def test_before_the_venue_tells_it_is_this_machines_time():
    time = VenueClock(HandClock())
    assert time.milliseconds() == START_MS
    assert (time.offset, time.is_known, time.is_due) == (0.0, False, True)


@pytest.mark.parametrize("seconds", [0.0, 0.2, 1.0])
@pytest.mark.parametrize("ahead", [-120_000, 0, 7, 86_400_000])
def test_half_of_the_way_there_and_back_lies_behind_what_is_told(ahead, seconds):
    clock = HandClock()
    time = VenueClock(clock)
    time.measure(Answers(clock, (ahead, seconds)))
    assert time.milliseconds() - START_MS - int(clock.seconds * 1000) == ahead
    assert time.offset == pytest.approx(ahead / 1000, abs=1e-6)
    clock.seconds += 1800.5
    assert time.milliseconds() - START_MS - int(clock.seconds * 1000) == ahead
    assert time.now() == START + dt.timedelta(seconds=clock.seconds, milliseconds=ahead)


def test_a_jump_of_this_machines_time_of_day_changes_nothing():
    clock = HandClock()
    time = VenueClock(clock)
    time.measure(Answers(clock, (500, 0.0)))
    clock.jump = dt.timedelta(hours=-3)
    assert time.milliseconds() == START_MS + 500
    assert time.offset == pytest.approx(3 * 3600 + 0.5)


def test_a_slow_answer_is_asked_again_and_the_quickest_counts():
    clock = HandClock()
    answers = Answers(clock, (900, 4.0), (100, 2.0), (500, 3.0), (0, 0.0))
    time = VenueClock(clock)
    time.measure(answers)
    assert time.offset == pytest.approx(0.1)
    assert answers.answers == [(0, 0.0)]


def test_a_quick_answer_is_enough():
    clock = HandClock()
    answers = Answers(clock, (100, 3.0), (200, 0.5), (0, 0.0))
    time = VenueClock(clock)
    time.measure(answers)
    assert time.offset == pytest.approx(0.2)
    assert len(answers.answers) == 1


def test_it_is_due_every_hour():
    clock = HandClock()
    time = VenueClock(clock)
    time.measure(Answers(clock, (0, 0.0)))
    for seconds, is_due in ((3599.0, False), (1.0, True)):
        clock.seconds += seconds
        assert time.is_due is is_due
    time.keep(Answers(clock, (9000, 0.0)))
    assert (time.is_due, time.offset) == (False, 9.0)
    time.keep(Answers(clock))  # asks nothing


def test_a_failure_leaves_what_is_known():
    clock = HandClock()
    time = VenueClock(clock)
    time.measure(Answers(clock, (5000, 0.0)))
    with pytest.raises(IndexError):
        time.measure(Answers(clock))
    assert time.offset == 5.0


def test_of_several_threads_one_asks():
    clock = HandClock()
    time = VenueClock(clock)
    asked = []
    go = threading.Barrier(8)

    def ask():
        asked.append(1)
        return START_MS

    def run():
        go.wait(60)
        time.keep(ask)
        assert time.is_known

    threads = [threading.Thread(target=run) for _ in range(8)]
    for thread in threads:
        thread.start()
    for thread in threads:
        thread.join(60)
    assert asked == [1]

"""How many messages the simulated gateway takes of a client."""

from hypothesis import given
from hypothesis import strategies as st

from nanobook_ibkr.simulator.pace import Pace


class Clock:
    """One that is set."""

    seconds = 0.0

    def monotonic(self):
        return self.seconds


def test_two_seconds_messages_at_once_are_taken_and_no_more():
    pace = Pace(50, Clock())
    assert [pace.takes() for _ in range(101)] == [True] * 100 + [False]


def test_after_one_too_many_there_is_one_second_s():
    pace = Pace(50, Clock())
    assert [pace.takes() for _ in range(203)].count(False) == 3
    assert [pace.takes() for _ in range(50)].count(False) == 0


def test_what_is_unused_does_not_add_up():
    clock = Clock()
    pace = Pace(50, clock)
    clock.seconds = 1000.0
    assert [pace.takes() for _ in range(101)] == [True] * 100 + [False]


@given(
    late=st.lists(st.floats(0, 1), min_size=1, max_size=500),
)
def test_who_keeps_to_the_rate_is_never_refused_however_late_he_is_read(late):
    clock = Clock()
    pace = Pace(50, clock)
    for number, delay in enumerate(late):
        clock.seconds = max(clock.seconds, number / 50 + delay)
        assert pace.takes()

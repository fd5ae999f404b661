"""Virtual time."""

import pytest
from tests.rebalancer.virtual_clock import VirtualClock


def test_it_passes_only_where_somebody_sleeps_and_jumps_move_the_time_of_day_alone():
    clock = VirtualClock()
    wall, monotonic = clock.now(), clock.monotonic()
    clock.sleep(90)
    clock.jump(-3600)
    assert (clock.now() - wall).total_seconds() == 90 - 3600
    assert clock.monotonic() - monotonic == 90


def test_what_is_due_happens_at_its_time_and_in_order():
    clock, seen = VirtualClock(), []
    clock.after(2, lambda: seen.append(("second", clock.elapsed)))
    clock.after(1, lambda: clock.after(0.5, lambda: seen.append(("first", clock.elapsed))))
    clock.after(5, lambda: seen.append(("not yet", clock.elapsed)))
    clock.sleep(3)
    assert seen == [("first", 1.5), ("second", 2)]
    assert clock.elapsed == 3


def test_after_a_reboot_monotonic_time_begins_anew_and_the_worlds_goes_on():
    clock = VirtualClock()
    clock.sleep(100)
    clock.reboot()
    assert clock.monotonic() == 10
    clock.sleep(1)
    assert (clock.monotonic(), clock.elapsed) == (11, 101)


def test_time_does_not_go_back():
    with pytest.raises(ValueError, match="0 or more"):
        VirtualClock().sleep(-1)


def test_however_little_is_slept_time_moves_on():
    clock = VirtualClock()
    clock.sleep(10**7)
    before = clock.monotonic()
    clock.sleep(1e-15)
    clock.sleep(1e-6)
    assert clock.monotonic() > before

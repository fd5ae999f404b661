"""Whatever happens to the account, positions are the venue's balances, and fills explain them."""

import pytest
from hypothesis import settings
from hypothesis.stateful import run_state_machine_as_test
from tests.binance.balance_machine import BalanceMachine


def test_what_is_held_is_what_the_venue_says_whatever_happens():
    short = settings(max_examples=10, stateful_step_count=20)
    run_state_machine_as_test(BalanceMachine, settings=short)


@pytest.mark.slow
def test_what_is_held_is_what_the_venue_says_in_long_sessions():
    long = settings(max_examples=100, stateful_step_count=60)
    run_state_machine_as_test(BalanceMachine, settings=long)

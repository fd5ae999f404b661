"""What holds at the spot venue whatever happens there."""

from hypothesis import given, settings
from hypothesis import strategies as st
from tests.binance.venue_life import STEPS, Life


@settings(max_examples=100)
@given(STEPS, st.booleans())
def test_money_orders_and_books_obey_their_laws(steps, bnb_discount):
    life = Life(bnb_discount=bnb_discount)
    for step in steps:
        life.step(step)


@settings(max_examples=30)
@given(STEPS)
def test_same_requests_at_the_same_times_give_the_same_numbers(steps):
    lives = [Life(), Life()]
    for life in lives:
        for step in steps:
            life.step(step)
    assert lives[0].everything() == lives[1].everything()

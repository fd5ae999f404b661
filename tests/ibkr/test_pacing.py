"""Pacing: never too many messages, orders first; in time that passes only when somebody waits."""

import asyncio

import pytest
from hypothesis import given
from hypothesis import strategies as st
from tests.ibkr.virtual_loop import run

from nanobook_core.contracts.broker_error import NotConnectedError
from nanobook_ibkr.pacing import Pacer

LIMIT = 10
#: Of ten messages two are left to orders.
QUESTIONS = 8


def turns(pacer, wishes):
    """When each of (second, is urgent) has its turn."""

    async def one(second, urgent):
        loop = asyncio.get_running_loop()
        await asyncio.sleep(second)
        await pacer.turn(urgent=urgent)
        return loop.time()

    async def all_of_them():
        return await asyncio.gather(*(one(second, urgent) for second, urgent in wishes))

    return all_of_them()


wishes = st.lists(
    st.tuples(st.integers(0, 30).map(lambda tenths: tenths / 10), st.booleans()), max_size=60
)


@given(wishes)
def test_there_are_never_more_within_a_second_than_allowed(asked):
    times = sorted(run(turns(Pacer(LIMIT), asked)))
    for index in range(len(times) - LIMIT):
        assert times[index + LIMIT] - times[index] >= 1 - 1e-9


@given(wishes)
def test_questions_leave_a_fifth_to_orders(asked):
    times = run(turns(Pacer(LIMIT), asked))
    asked_at = sorted(time for time, (_, urgent) in zip(times, asked, strict=True) if not urgent)
    for index in range(len(asked_at) - QUESTIONS):
        assert asked_at[index + QUESTIONS] - asked_at[index] >= 1 - 1e-9


@given(wishes)
def test_who_comes_when_there_is_room_does_not_wait(asked):
    few = sorted(asked)[:QUESTIONS]
    assert run(turns(Pacer(LIMIT), few)) == [pytest.approx(second) for second, _ in few]


def test_questions_wait_in_the_order_in_which_they_came():
    times = run(turns(Pacer(LIMIT), [(0, False)] * 20))
    assert times == [pytest.approx(second) for second in [0] * 8 + [1] * 8 + [2] * 4]


def test_an_order_passes_every_question_that_waits():
    times = run(turns(Pacer(LIMIT), [(0, False)] * 100 + [(0.5, True), (0.5, True), (0.5, True)]))
    assert sorted(times[-3:]) == [pytest.approx(0.5), pytest.approx(0.5), pytest.approx(1.0)]


def test_who_gives_up_takes_nobodys_turn():
    async def scene():
        pacer = Pacer(LIMIT)
        waiting = [pacer.turn(urgent=False) for _ in range(20)]
        for turn in waiting[8:16]:
            turn.cancel()
        await asyncio.gather(*waiting, return_exceptions=True)
        return asyncio.get_running_loop().time()

    assert run(scene()) == pytest.approx(1)


def test_a_pause_holds_orders_too():
    async def scene():
        pacer = Pacer(LIMIT)
        pacer.pause(3)
        await pacer.turn(urgent=True)
        return asyncio.get_running_loop().time()

    assert run(scene()) == pytest.approx(3)


def test_closing_fails_whoever_waits_and_whoever_comes_each_with_an_error_of_his_own():
    async def scene():
        pacer = Pacer(1)
        first, second, third = (
            pacer.turn(urgent=False),
            pacer.turn(urgent=False),
            pacer.turn(urgent=False),
        )
        await first
        pacer.close(NotConnectedError)
        return await asyncio.gather(second, third, pacer.turn(urgent=False), return_exceptions=True)

    errors = run(scene())
    assert [type(error) for error in errors] == [NotConnectedError] * 3
    assert len({id(error) for error in errors}) == 3


def test_one_message_a_second_is_possible():
    times = run(turns(Pacer(1), [(0, True), (0, True), (0, False)]))
    assert times == [pytest.approx(second) for second in (0, 1, 2)]

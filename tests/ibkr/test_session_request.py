"""Requests that wait for answers: what ends them, and what a late answer does to the next."""

import asyncio

import pytest
from tests.ibkr.virtual_loop import run

from nanobook_core.contracts.broker_error import BrokerError, LinkDownError
from nanobook_ibkr.request import Requests, RequestTimeoutError, Untagged

OPEN = Untagged.OPEN_ORDERS


async def sent():
    """Nothing else is needed of the sending."""


def plan(requests, *steps):
    """Do things at their seconds; `item` and `end` are what the venue says."""
    loop = asyncio.get_running_loop()
    for number, (second, name, *arguments) in enumerate(steps):
        # What is due at once has no order otherwise.
        loop.call_at(second + number * 1e-9, getattr(requests, name), *arguments)


def test_the_items_of_an_answer_come_in_their_order():
    async def scene():
        requests = Requests(10)
        plan(requests, (1, "item", 5, "a"), (1, "item", 5, "b"), (2, "end", 5))
        return await requests.ask(5, "it", sent)

    assert run(scene()) == ["a", "b"]


def test_what_is_of_another_request_is_not_of_this_one():
    async def scene():
        requests = Requests(10)
        plan(
            requests, (1, "item", 6, "other"), (1, "end", 6), (2, "item", 5, "ours"), (3, "end", 5)
        )
        return await requests.ask(5, "it", sent)

    assert run(scene()) == ["ours"]


def test_no_answer_raises_after_its_time_counted_from_the_sending():
    async def send():
        await asyncio.sleep(60)

    async def scene():
        requests = Requests(10)
        with pytest.raises(RequestTimeoutError, match="no answer to it within 10 s") as caught:
            await requests.ask(5, "it", send)
        return asyncio.get_running_loop().time(), caught.value.retryable, 5 in requests

    assert run(scene()) == (pytest.approx(70), True, False)


def test_an_error_ends_the_request_that_it_is_for():
    async def scene():
        requests = Requests(10)
        plan(requests, (1, "fail", 5, BrokerError("no")), (2, "end", 6))
        asked = [requests.ask(5, "it", sent), requests.ask(6, "that", sent)]
        return await asyncio.gather(*asked, return_exceptions=True)

    error, answer = run(scene())
    assert (str(error), answer) == ("no", [])


def test_the_end_of_the_connection_ends_all_each_with_an_error_of_its_own():
    async def scene():
        requests = Requests(10)
        plan(requests, (1, "fail_all", lambda: LinkDownError("gone")))
        asked = [requests.ask(key, "it", sent) for key in (5, OPEN)]
        return await asyncio.gather(*asked, return_exceptions=True)

    first, second = run(scene())
    assert isinstance(first, LinkDownError)
    assert isinstance(second, LinkDownError)
    assert first is not second


def test_a_request_that_failed_while_it_was_sent_raises_what_the_sending_raised():
    async def send():
        await asyncio.sleep(2)
        raise LinkDownError("cut")

    async def scene():
        requests = Requests(10)
        plan(requests, (1, "fail", 5, BrokerError("no")))
        with pytest.raises(LinkDownError, match="cut"):
            await requests.ask(5, "it", send)

    run(scene())


def test_what_comes_after_is_done_whatever_came_of_it():
    async def scene():
        requests, done = Requests(10), []
        plan(requests, (1, "end", 5))
        await requests.ask(5, "it", sent, after=lambda: done.append("answered"))
        with pytest.raises(RequestTimeoutError):
            await requests.ask(6, "it", sent, after=lambda: done.append("silent"))
        return done

    assert run(scene()) == ["answered", "silent"]


def test_of_answers_without_a_number_one_is_awaited_at_a_time():
    async def scene():
        requests, sends = Requests(10), []

        async def send():
            sends.append(asyncio.get_running_loop().time())

        plan(requests, (1, "item", OPEN, "a"), (1, "end", OPEN))
        plan(requests, (3, "item", OPEN, "b"), (3, "end", OPEN))
        asked = [requests.ask(OPEN, "it", send) for _ in range(2)]
        return await asyncio.gather(*asked), sends

    answers, sends = run(scene())
    assert answers == [["a"], ["b"]]
    assert sends == [0, pytest.approx(1)]


async def given_up_then(*steps):
    """Give one up at second 10, ask again, and return what is answered, and when."""
    requests = Requests(10)
    plan(requests, *steps)
    with pytest.raises(RequestTimeoutError):
        await requests.ask(OPEN, "it", sent)
    return await requests.ask(OPEN, "it", sent), asyncio.get_running_loop().time()


def test_a_late_answer_is_not_taken_for_the_next_one():
    steps = [
        (11, "item", OPEN, "late"),
        (11, "end", OPEN),
        (11.5, "item", OPEN, "new"),
        (11.5, "end", OPEN),
    ]
    assert run(given_up_then(*steps)) == (["late", "new"], pytest.approx(11.5))


def test_an_answer_that_began_before_it_was_given_up_is_not_cut_short():
    steps = [(9, "item", OPEN, "first"), (11, "item", OPEN, "second"), (11, "end", OPEN)]
    assert run(given_up_then(*steps)) == (["first", "second"], pytest.approx(12))


def test_a_request_that_was_swallowed_delays_the_next_one_by_a_moment_only():
    steps = [(11, "item", OPEN, "new"), (11, "end", OPEN)]
    assert run(given_up_then(*steps)) == (["new"], pytest.approx(12))


def test_a_late_answer_that_came_before_the_next_question_is_forgotten():
    async def scene():
        requests = Requests(10)
        plan(requests, (11, "item", OPEN, "late"), (11, "end", OPEN))
        plan(requests, (21, "item", OPEN, "new"), (21, "end", OPEN))
        with pytest.raises(RequestTimeoutError):
            await requests.ask(OPEN, "it", sent)
        await asyncio.sleep(10)
        return await requests.ask(OPEN, "it", sent), asyncio.get_running_loop().time()

    assert run(scene()) == (["new"], pytest.approx(21))


def test_what_nobody_waits_for_is_not_kept():
    async def scene():
        requests = Requests(10)
        requests.item(OPEN, "live")
        requests.end(OPEN)
        plan(requests, (1, "end", OPEN))
        return await requests.ask(OPEN, "it", sent)

    assert run(scene()) == []


def test_of_two_that_were_given_up_each_has_its_answer_to_come():
    async def scene():
        requests = Requests(10)
        for _ in range(2):
            with pytest.raises(RequestTimeoutError):
                await requests.ask(OPEN, "it", sent)
        plan(requests, (21, "item", OPEN, "first"), (21, "end", OPEN))
        plan(requests, (26, "item", OPEN, "second"), (26, "end", OPEN))
        plan(requests, (26.5, "item", OPEN, "third"), (26.5, "end", OPEN))
        await asyncio.sleep(5)
        return await requests.ask(OPEN, "it", sent), asyncio.get_running_loop().time()

    assert run(scene()) == (["first", "second", "third"], pytest.approx(26.5))


def test_an_error_of_what_nobody_waits_for_or_that_has_ended_changes_nothing():
    async def scene():
        requests = Requests(10)
        requests.fail(5, BrokerError("nobody"))
        plan(requests, (1, "item", 5, "a"), (1, "end", 5), (1, "fail", 5, BrokerError("late")))
        return await requests.ask(5, "it", sent)

    assert run(scene()) == ["a"]

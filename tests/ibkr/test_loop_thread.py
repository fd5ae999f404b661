"""A thread of its own for an event loop."""

import asyncio
import threading
from concurrent.futures import ThreadPoolExecutor

import pytest

from nanobook_core.contracts.broker_error import NotConnectedError
from nanobook_ibkr.loop_thread import LoopThread


@pytest.fixture
def thread():
    thread = LoopThread("nanobook-ibkr-test")
    thread.start()
    yield thread
    thread.stop()


async def name():
    return threading.current_thread().name


def test_what_is_called_runs_there_and_its_result_comes_back(thread):
    assert thread.call(name) == "nanobook-ibkr-test"
    thread.start()
    assert [each.name for each in threading.enumerate()].count("nanobook-ibkr-test") == 1


def test_what_is_raised_there_is_raised_here(thread):
    async def fail():
        raise KeyError("there")

    with pytest.raises(KeyError, match="there"):
        thread.call(fail)


def test_what_is_posted_is_called_there(thread):
    names = []
    thread.post(lambda: names.append(threading.current_thread().name))
    thread.call(name)
    assert names == ["nanobook-ibkr-test"]


def test_it_can_be_started_again(thread):
    thread.stop()
    thread.stop()
    assert not thread.is_running
    thread.post(lambda: None)
    with pytest.raises(NotConnectedError, match="not connected"):
        thread.call(name)
    thread.start()
    assert thread.call(name) == "nanobook-ibkr-test"


def test_stopping_cancels_what_runs_and_tells_whoever_waits(thread):
    is_running, was_cancelled = threading.Event(), threading.Event()

    async def for_ever():
        is_running.set()
        try:
            await asyncio.sleep(3600)
        except asyncio.CancelledError:
            was_cancelled.set()
            raise

    with ThreadPoolExecutor(1) as pool:
        waiting = pool.submit(thread.call, for_ever)
        assert is_running.wait(20)
        thread.stop()
        with pytest.raises(NotConnectedError, match="disconnected meanwhile"):
            waiting.result(20)
    assert was_cancelled.is_set()
    assert "nanobook-ibkr-test" not in [each.name for each in threading.enumerate()]


def test_nobody_waits_for_ever_when_it_stops_while_others_call(thread):
    def call_until_stopped():
        try:
            while True:
                thread.call(name)
        except NotConnectedError:
            return "stopped"

    with ThreadPoolExecutor(8) as pool:
        callers = [pool.submit(call_until_stopped) for _ in range(8)]
        thread.stop()
        assert [caller.result(20) for caller in callers] == ["stopped"] * 8


def test_a_host_name_leaves_no_thread_behind(thread):
    threads = set(threading.enumerate())

    async def look_up():
        return await asyncio.get_running_loop().getaddrinfo("localhost", 1)

    assert thread.call(look_up)
    thread.stop()
    for other in set(threading.enumerate()) - threads:
        other.join(20)  # it has told the name, and is about to end
    assert set(threading.enumerate()) < threads

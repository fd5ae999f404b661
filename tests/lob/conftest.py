"""Every test here runs against the clock, and the differential ones say what they met."""

import os
from collections import Counter

import pytest
from tests.lob.differential import shown
from tests.lob.engines import ENGINES
from tests.lob.hang_guard import time_limit

#: Longer than hypothesis ever works at making a failure small.
SECONDS = 400

MET = pytest.StashKey()
STDERR = pytest.StashKey()


def pytest_configure(config):
    config.stash[MET] = Counter()
    # What the watchdog writes must not end in a captured stream that dies with the process.
    with config.pluginmanager.getplugin("capturemanager").global_and_fixture_disabled():
        config.stash[STDERR] = os.dup(2)


@pytest.hookimpl(wrapper=True)
def pytest_runtest_call(item):
    with time_limit(SECONDS, report=item.config.stash[STDERR]):
        return (yield)


def pytest_terminal_summary(terminalreporter, config):
    if config.stash[MET]:
        terminalreporter.section("differential runs of the order book")
        terminalreporter.line(shown(config.stash[MET]))


@pytest.fixture
def met(request):
    """Counts over all differential tests of the run."""
    return request.config.stash[MET]


@pytest.fixture(params=ENGINES)
def engine(request):
    """Each engine that there is."""
    return ENGINES[request.param]

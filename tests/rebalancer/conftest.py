"""What the fault matrix found is part of the report of a test run."""

import pytest

FOUND = pytest.StashKey()


def pytest_configure(config):
    config.stash[FOUND] = []


def pytest_terminal_summary(terminalreporter, config):
    if config.stash[FOUND]:
        terminalreporter.section("fault matrix of the rebalancer")
        for text in config.stash[FOUND]:
            terminalreporter.line(text)


@pytest.fixture
def found(request):
    """Lines for the end of the report."""
    return request.config.stash[FOUND]

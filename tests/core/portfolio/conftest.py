"""The laws of simulations say what they were tried on."""

from collections import Counter, defaultdict
from textwrap import wrap

import pytest

DRAWN = pytest.StashKey()


def pytest_configure(config):
    config.stash[DRAWN] = defaultdict(Counter)


def pytest_terminal_summary(terminalreporter, config):
    if config.stash[DRAWN]:
        terminalreporter.section("simulations drawn for each law, by option and reason")
    for law, counts in config.stash[DRAWN].items():
        met = ", ".join(f"{count:,} {what}" for what, count in counts.items())
        for line in wrap(f"{law.replace('_', ' ')}: {met}", 100, subsequent_indent="  "):
            terminalreporter.line(line)


@pytest.fixture
def drawn(request):
    """Counts, by law, of the scenarios and of each option and reason among them."""
    return request.config.stash[DRAWN]

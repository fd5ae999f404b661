"""Every engine that is installed: what is said of an exchange must hold for each of them."""

import pytest

from nanobook_core.lob import Exchange

ENGINES = {"reference": Exchange}
try:
    from nanobook_native.engine import Exchange as NativeExchange
except ImportError:  # nothing was compiled
    pass
else:
    ENGINES["native"] = NativeExchange


@pytest.fixture(params=ENGINES)
def new_exchange(request):
    """Class of an engine."""
    return ENGINES[request.param]


@pytest.fixture
def exchange(new_exchange):
    return new_exchange()

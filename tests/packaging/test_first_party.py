"""Every distribution of ours passes the suite that we hand to others."""

import pytest

from nanobook_core.plugin import FIRST_PARTY
from nanobook_core.testing import PluginSuite
from nanobook_native import COMPILED

#: Distributions whose issue has not filled them yet: a probe for them truthfully answers no.
EMPTY = {
    "nanobook-executors",
}
if not COMPILED:
    EMPTY.add("nanobook-native")


class TestPartsThatOfferSomething(PluginSuite):
    @pytest.fixture(params=sorted(FIRST_PARTY - EMPTY))
    def distribution(self, request):
        return request.param


class TestPartsThatOfferNothingYet(PluginSuite):
    offers_something = False

    @pytest.fixture(params=sorted(EMPTY))
    def distribution(self, request):
        return request.param
